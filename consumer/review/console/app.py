"""App: the console as an ASGI application: each route behind the guard, in a bounded pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, quote

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from consumer.errors import ConsumerError, StoreUnavailable
from consumer.review.cases.ruling import ActRefused
from consumer.review.console.console import SHOWING, Console, PageRequest, page
from consumer.review.console.cookies import OPENING, give_token
from consumer.review.console.guard import HEALTH, Guard, is_ours
from consumer.review.console.identity import Caller, Credentials, sender
from consumer.review.console.live import Listener, Live
from consumer.review.console.routes import ROUTES, ConsoleRoute
from consumer.review.console.sign_in.person import LOOKS
from consumer.review.console.sign_in.provider import SignInRefused
from consumer.review.console.sign_in.proxy import ForgedHeaders
from consumer.review.store.entrance import Visit
from consumer.review.store.survey import CaseStanding, queues, standings

log = structlog.get_logger()

THREADS = 12
"""So many requests are answered at once; each holds a connection to the store for milliseconds."""
FORM_BYTES_MAX = 256_000
"""Of a form: a bulk decision names a thousand cases."""
FIELDS_MAX = 100
"""Of a form; ours have a dozen."""
FILES = Path(__file__).parent / "static"

Endpoint = Callable[[Request], Awaitable[Response]]


def console_app(console: Console) -> Starlette:
    """The application; it stops no thread of its own, for it has none."""
    limiter = CapacityLimiter(THREADS)
    live = Live(partial(_standing, console, limiter))
    routes = [
        Route(each.path, _endpoint(console, each, limiter), methods=[each.method])
        for each in ROUTES
    ]
    outside = console.appeals.address if console.appeals is not None else None
    return Starlette(
        routes=[
            Route(HEALTH, _health),
            Route("/events", _events(console, live, limiter)),
            Mount("/static", StaticFiles(directory=FILES)),
            *routes,
        ],
        middleware=[Middleware(Guard, address=console.address, outside=outside)],
    )


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _endpoint(console: Console, route: ConsoleRoute, limiter: CapacityLimiter) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            form = await _form(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if form is None:
            return PlainTextResponse("the form is too large, or no form\n", 413)
        return await to_thread.run_sync(
            partial(answered, console, route, request, form), limiter=limiter
        )

    return answer


async def _standing(
    console: Console, limiter: CapacityLimiter, names: list[str]
) -> tuple[str, dict[str, CaseStanding]]:
    """Something that changes with the queues, and how these cases stand."""
    database = console.room.database

    def ask() -> tuple[str, dict[str, CaseStanding]]:
        # Late is what time alone makes of a case: it is told with the next thing that happens.
        found = queues(database, console.clock.wall_ms())
        return repr(sorted(found.items())), standings(database, names)

    return await to_thread.run_sync(ask, limiter=limiter)


def _events(console: Console, live: Live, limiter: CapacityLimiter) -> Endpoint:
    """The events that pages listen to."""

    async def answer(request: Request) -> Response:
        async def visit() -> Visit | None:
            who = partial(_sender, console, request, console.clock.wall_ms(), counts=False)
            return (await to_thread.run_sync(who, limiter=limiter)).visit

        async def may_go_on() -> bool:
            return await visit() is not None

        try:
            found = await visit()
        except ConsumerError:
            return Response(status_code=503)
        case = request.query_params.get("case")
        if found is None or (case is not None and not LOOKS & found.roles):
            # The browser asks no more after this answer.
            return Response(status_code=204)
        if not live.has_room(found.person):
            return Response(status_code=503)
        return StreamingResponse(
            live.events(Listener(found.person, case), may_go_on),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    return answer


def answered(
    console: Console, route: ConsoleRoute, request: Request, form: dict[str, str]
) -> Response:
    """What a route answers to whoever asks."""
    # What people outside write is kept by no store, and goes on as it is.
    told = dict if route.roles is None else _kept
    asked = PageRequest(
        visit=None,
        path=told(request.path_params),
        query=told(request.query_params),
        form=told(form),
        now_ms=console.clock.wall_ms(),
        is_fragment="hx-request" in request.headers,
        peer=request.client.host if request.client else "",
        opening=request.cookies.get(console.address.cookie + OPENING, ""),
    )
    try:
        found = _sender(console, request, asked.now_ms, counts=route.counts)
        asked = asked._replace(visit=found.visit)
        response = _refused(console, route, request, asked)
        response = response or route.run(console, asked)
        if found.is_new and found.visit is not None:
            give_token(console.address, response, found.visit.token)
    except ActRefused as refused:
        return _declined(console, asked, 409, str(refused))
    except ForgedHeaders as error:
        log.warning("sign-in refused", reason=str(error), peer=asked.peer)
        return PlainTextResponse("refused: these headers are the proxy's alone\n", 403)
    except StoreUnavailable as error:
        log.warning("no answer", reason=str(error))
        return _waiting()
    except SignInRefused as error:
        log.warning("sign-in refused", reason=str(error), peer=asked.peer)
        return _declined(console, asked, 502, "the provider does not answer")
    except ConsumerError as error:
        log.error("no answer", reason=str(error))
        return PlainTextResponse("this does not work now; the console's log says why\n", 500)
    return response


def _kept(fields: Mapping[str, str]) -> dict[str, str]:
    """What a browser sent; in place of NUL, which not every store can keep, ASCII's substitute."""
    return {name: value.replace("\0", "\x1a") for name, value in fields.items()}


def _sender(console: Console, request: Request, now_ms: int, *, counts: bool) -> Caller:
    brought = Credentials(
        token=request.cookies.get(console.address.cookie),
        peer=request.client.host if request.client else "",
        headers=request.headers,
        counts=counts,
    )
    return sender(console.ways, console.entrance, brought, now_ms)


def _refused(
    console: Console, route: ConsoleRoute, request: Request, asked: PageRequest
) -> Response | None:
    """Why nothing is done: nobody is signed in, they may not, or the form is not ours."""
    if route.roles is None:
        return None
    if asked.visit is None:
        back = request.url.path if route.method == "GET" else "/"
        if asked.is_fragment:
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse(f"/sign-in?to={quote(back)}", 303)
    if not asked.may(route.roles):
        return _declined(console, asked, 403, "your roles do not allow this")
    if route.method != "GET" and not is_ours(asked.visit, asked.form, request.headers):
        return _declined(console, asked, 403, "this form is of an earlier sign-in: load it anew")
    return None


def _declined(console: Console, asked: PageRequest, status: int, why: str) -> Response:
    """Why it was not done, and where to go from there."""
    case = asked.path.get("case")
    again = f"/cases/{case}" if case is not None and console.room.book.look(case) else None
    return page(console, asked, "refused.html", status, why=why, again=again)


def _waiting() -> Response:
    """The store is away: nothing was done, and nothing is lost by asking again."""
    response = SHOWING.page("waiting.html", {"template": "waiting.html"}, 503)
    response.headers["Retry-After"] = "2"
    return response


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form, of each the last; None where it is none, or too much."""
    if request.method == "GET":
        return {}
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            return None
    kind = request.headers.get("content-type", "").partition(";")[0]
    if body and kind != "application/x-www-form-urlencoded":
        return None
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        return None
