"""
Guard: what holds for every request and every answer: hosts, origins, and what a page may load.

A form is taken from our own pages alone: by where the browser says it comes from, and by the token
that each of our forms carries.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.review.console.address import ConsoleAddress
from consumer.review.store.entrance import Visit

HEALTH = "/healthz"
"""What an orchestrator asks, under whatever name it knows."""
STATIC = "/static/"
APPEAL = "/appeal/"
"""Where the form of the people moderated is."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Without it browsers would send forms with the origin `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
FORM_TOKEN = "token"
"""The field, and FORM_HEADER the header, that carry it."""
FORM_HEADER = "x-form-token"


class Guard:
    """Middleware around all pages."""

    def __init__(
        self, app: ASGIApp, address: ConsoleAddress, outside: ConsoleAddress | None
    ) -> None:
        """`outside` is where the people moderated come in, to their one page alone."""
        self._app = app
        self._address = address
        self._outside = outside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                is_file = scope["path"].startswith(STATIC)
                headers["Cache-Control"] = "max-age=3600" if is_file else "no-store"
            await send(message)

        fault = self._fault(scope)
        if fault is None:
            await self._app(scope, receive, guarded)
        else:
            answer = PlainTextResponse(f"{fault}\n", 403)
            await answer(scope, receive, guarded)

    def _fault(self, scope: Scope) -> str | None:
        if scope["path"] == HEALTH:
            return None
        headers = Headers(scope=scope)
        address = self._address_for(scope["path"])
        if headers.get("host") not in address.hosts:
            return "the console is not reached by this name: see review.console.public_url"
        if scope["method"] in ("GET", "HEAD"):
            return None
        return foreign(headers, address)

    def _address_for(self, path: str) -> ConsoleAddress:
        """By which names a path is reached; what pages look like, by both."""
        if self._outside is None or not path.startswith((APPEAL, STATIC)):
            return self._address
        if path.startswith(APPEAL):
            return self._outside
        return self._address._replace(hosts=self._address.hosts | self._outside.hosts)


def foreign(headers: Mapping[str, str], address: ConsoleAddress) -> str | None:
    """Why a form is not from a page of ours; None where it is. Browsers say where it is from."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and site is None:
        return "nothing says where this form comes from: send the header Origin"
    if origin is not None and origin not in address.origins:
        return "this form comes from another site"
    if site is not None and site != "same-origin":
        return "this form comes from another site"
    return None


def is_ours(visit: Visit, form: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether a form carries the token of whoever sends it."""
    said = headers.get(FORM_HEADER) or form.get(FORM_TOKEN) or ""
    return is_same(said, visit.form_token)


def is_same(said: str, due: str) -> bool:
    """Whether a secret is the right one; how long that takes says nothing of it."""
    return hmac.compare_digest(said.encode(errors="replace"), due.encode())
