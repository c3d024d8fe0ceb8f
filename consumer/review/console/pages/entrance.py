"""Entrance: the pages by which people sign in and out, and what they may set for themselves."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import structlog
from starlette.responses import RedirectResponse, Response

from consumer.review.console.console import Console, PageRequest, go, page
from consumer.review.console.cookies import OPENING, give_token
from consumer.review.console.identity import PASSWORD, begun
from consumer.review.console.sign_in.person import Person, StaffRole
from consumer.review.console.sign_in.provider import SignInRefused
from consumer.review.console.sign_in.ways import LINK

log = structlog.get_logger()

PROVIDER = "provider"
"""What the store calls a sign-in that the provider is asked about."""
OPENING_MS = 600_000
"""So long somebody may take to sign in at the provider."""
WRONG = "this name and password do not belong together"


def show(console: Console, asked: PageRequest) -> Response:
    """The ways there are."""
    return _entrance(console, asked, None)


def with_password(console: Console, asked: PageRequest) -> Response:
    """By name and password; who guesses waits ever longer."""
    users, attempts = console.ways.users, console.ways.attempts
    if users is None:
        return _entrance(console, asked, "there are no passwords here", 403)
    name, password = asked.form.get("name", ""), asked.form.get("password", "")
    # Whose name it is nobody knows yet: an address of its own keeps others from being locked out.
    tried = (f"{asked.peer} {name[:200]}", asked.peer)
    wait_ms = attempts.wait_ms(tried, asked.now_ms)
    if wait_ms > 0:
        seconds = -(-wait_ms // 1_000)
        return _entrance(console, asked, f"too many tries: wait {seconds} seconds", 429)
    person = users.check(name, password)
    if person is None:
        attempts.failed(tried, asked.now_ms)
        log.warning("sign-in refused", reason="wrong name or password", peer=asked.peer)
        return _entrance(console, asked, WRONG, 403)
    attempts.succeeded(tried[0])
    return _let_in(console, asked, person, PASSWORD, asked.form.get("to", ""))


def show_link(console: Console, asked: PageRequest) -> Response:
    """Whom a link is for; looking at it, as mail programs do, does not use it up."""
    token = asked.query.get("token", "")
    found = console.entrance.peek(token, LINK, asked.now_ms)
    if found is None:
        return _entrance(console, asked, "this link has been used, or has run out", 403)
    return page(console, asked, "link.html", token=token, person=found["person"])


def with_link(console: Console, asked: PageRequest) -> Response:
    """By a link, once."""
    found = None
    if console.ways.links:
        found = console.entrance.take(asked.form.get("link", ""), LINK, asked.now_ms)
    if found is None:
        return _entrance(console, asked, "this link has been used, or has run out", 403)
    person = Person(found["person"], frozenset(map(StaffRole, found["roles"])))
    return _let_in(console, asked, person, LINK, "")


def to_provider(console: Console, asked: PageRequest) -> Response:
    """On to the provider; its answer has to come back to this browser."""
    if console.ways.provider is None:
        return _entrance(console, asked, "there is no provider here", 403)
    begins = console.ways.provider.begin()
    kept = {**begins.kept, "to": asked.query.get("to", "")[:500]}
    until_ms = asked.now_ms + OPENING_MS
    console.entrance.open(begins.state, PROVIDER, kept, asked.now_ms, until_ms)
    response = RedirectResponse(begins.url, 303)
    give_token(console.address, response, begins.state, OPENING)
    return response


def from_provider(console: Console, asked: PageRequest) -> Response:
    """Back from the provider, with a code that counts once."""
    state = asked.query.get("state", "")
    kept = None
    if console.ways.provider is not None and state and state == asked.opening:
        kept = console.entrance.take(state, PROVIDER, asked.now_ms)
    if kept is None or console.ways.provider is None:
        return _entrance(console, asked, "this sign-in was not begun here, or is over", 403)
    if "error" in asked.query:
        return _entrance(console, asked, "the provider did not let you in", 403)
    try:
        code = asked.query.get("code", "")
        person = console.ways.provider.finish(code, kept, asked.now_ms)
    except SignInRefused as error:
        log.warning("sign-in refused", reason=str(error), peer=asked.peer)
        return _entrance(console, asked, "the provider's word does not hold; try again", 403)
    return _let_in(console, asked, person, PROVIDER, kept["to"])


def sign_out(console: Console, asked: PageRequest) -> Response:
    """Nobody is signed in here any more."""
    console.entrance.end(asked.who, asked.now_ms)
    response = go("/sign-in")
    response.delete_cookie(
        console.address.cookie, path="/", secure=console.address.is_secure, httponly=True
    )
    return response


def inner(path: str) -> str:
    """A path of the console; what leads elsewhere leads to the board."""
    parts = urlsplit(path)
    is_inner = not parts.scheme and not parts.netloc and path.startswith("/")
    return path if is_inner and not path.startswith(("//", "/\\")) else "/"


def _let_in(console: Console, asked: PageRequest, person: Person, way: str, to: str) -> Response:
    if not person.roles:
        log.warning("sign-in refused", reason="no role", person=person.name, way=way)
        why = f"{person.name} has no role here: see review.console.roles"
        return _entrance(console, asked, why, 403)
    visit = begun(console.entrance, person, way, asked.now_ms)
    response = go(inner(to))
    give_token(console.address, response, visit.token)
    return response


def _entrance(
    console: Console, asked: PageRequest, fault: str | None, status: int = 200
) -> Response:
    to = asked.query.get("to", "") or asked.form.get("to", "")
    ways = console.ways
    return page(
        console,
        asked,
        "sign_in.html",
        status,
        fault=fault,
        has_passwords=ways.users is not None,
        has_links=ways.links,
        has_proxy=ways.proxy is not None,
        has_provider=ways.provider is not None,
        to=inner(to) if to else "",
        to_quoted=quote(inner(to)) if to else "",
    )
