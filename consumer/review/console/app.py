"""App: the console as an ASGI application: each route behind the guard, in a bounded pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, quote

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from consumer.errors import ConsumerError, StoreUnavailable
from consumer.review.cases.ruling import ActRefused
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.console.cookies import OPENING, give_token
from consumer.review.console.guard import HEALTH, Guard, is_ours
from consumer.review.console.identity import Sender, sender
from consumer.review.console.routes import ROUTES, ConsoleRoute
from consumer.review.console.sign_in.provider import SignInRefused
from consumer.review.console.sign_in.proxy import ForgedHeaders

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
    routes = [
        Route(each.path, _endpoint(console, each, limiter), methods=[each.method])
        for each in ROUTES
    ]
    return Starlette(
        routes=[
            Route(HEALTH, _health),
            Mount("/static", StaticFiles(directory=FILES)),
            *routes,
        ],
        middleware=[Middleware(Guard, address=console.address)],
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


def answered(
    console: Console, route: ConsoleRoute, request: Request, form: dict[str, str]
) -> Response:
    """What a route answers to whoever asks."""
    asked = PageRequest(
        visit=None,
        path=request.path_params,
        query=dict(request.query_params),
        form=form,
        now_ms=console.clock.wall_ms(),
        is_fragment="hx-request" in request.headers,
        peer=request.client.host if request.client else "",
        opening=request.cookies.get(console.address.cookie + OPENING, ""),
    )
    try:
        found = _sender(console, request, asked)
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
        return _waiting(console, asked)
    except SignInRefused as error:
        log.warning("sign-in refused", reason=str(error), peer=asked.peer)
        return _declined(console, asked, 502, "the provider does not answer")
    except ConsumerError as error:
        log.error("no answer", reason=str(error))
        return PlainTextResponse("this does not work now; the console's log says why\n", 500)
    return response


def _sender(console: Console, request: Request, asked: PageRequest) -> Sender:
    token = request.cookies.get(console.address.cookie)
    return sender(console.ways, console.entrance, token, asked.peer, request.headers, asked.now_ms)


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


def _waiting(console: Console, asked: PageRequest) -> Response:
    """The store is away: nothing was done, and nothing is lost by asking again."""
    response = console.showing.page("waiting.html", {"template": "waiting.html"}, 503)
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
