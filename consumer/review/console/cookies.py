"""Cookies: what a browser holds: who it is, and which sign-in it has begun."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.console.address import ConsoleAddress

OPENING = "-opening"
"""Follows the name of the cookie that ties a sign-in at a provider to one browser."""
OPENING_S = 600
"""How long a browser holds that."""


def give_token(address: ConsoleAddress, response: Response, token: str, suffix: str = "") -> None:
    """
    Have a browser hold a token that no script reads.

    It comes along when somebody follows a link to us, as from the provider, but not with a form
    of another site (`SameSite=Lax`).
    """
    response.set_cookie(
        address.cookie + suffix,
        token,
        max_age=OPENING_S if suffix else None,
        path="/",
        secure=address.is_secure,
        httponly=True,
        samesite="lax",
    )
