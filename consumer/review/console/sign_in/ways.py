"""Ways: by which people may sign in here; with none of them nobody can, and it does not start."""

from __future__ import annotations

from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.review.console.sign_in.attempts import SignInAttempts
from consumer.review.console.sign_in.provider import SignInProvider
from consumer.review.console.sign_in.proxy import ProxyTerms
from consumer.review.console.sign_in.users import LocalUsers

LINK = "link"
"""What the store calls an opening that a link leads through."""


class SignInWays(NamedTuple):
    """The ways that the settings name."""

    users: LocalUsers | None
    links: bool
    proxy: ProxyTerms | None
    provider: SignInProvider | None
    attempts: SignInAttempts

    def check(self) -> None:
        """
        See that somebody can sign in.

        Raises:
            InvalidSettings: saying what to set.
        """
        if not (self.users or self.links or self.proxy or self.provider):
            raise InvalidSettings(
                "nobody could sign in: set review.console.users_file and run `safeguard console "
                "user add`, or set review.console.oidc_issuer, proxy_peers or links"
            )
        if self.users is not None:
            self.users.names()
