"""`[review.console]`: where the reviewers' pages are, and who is let in."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from consumer.settings.address import web_address
from consumer.settings.appeals import AppealSettings
from consumer.settings.section import Section

RoleName = Literal["reviewer", "lead", "policy-author", "auditor"]


def _issuer(text: str) -> str:
    """
    What the provider calls itself: it is compared letter by letter.

    Raises:
        ValueError: it is no address.
    """
    found = urlsplit(text)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError('write the issuer\'s address, as in "https://login.example.org/realm"')
    return text


def _network(text: str) -> str:
    """
    An address, or a network.

    Raises:
        ValueError: it is neither.
    """
    ip_network(text)
    return text


class ConsoleSettings(Section):
    """The reviewers' pages."""

    host: str = "127.0.0.1"
    """The address that the console listens on; any but the loopback needs `public_url`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_700
    """Its port; 0 takes a free one and says which."""
    public_url: Annotated[str, AfterValidator(web_address)] | None = None
    """Where people reach it, over HTTPS: `https://review.example.org`."""
    users_file: Path | None = None
    """Local users and hashes of their passwords; `safeguard console user add` writes it."""
    links: bool = False
    """Whether people are let in by links, each once; `safeguard console link` prints one."""
    link_s: Annotated[float, Field(ge=10, le=86_400)] = 600.0
    """Such a link is good for so long."""
    proxy_peers: list[Annotated[str, AfterValidator(_network)]] = []
    """Addresses or networks of a proxy that says who somebody is; with `proxy_secret_file`."""
    proxy_secret_file: Path | None = None
    """File with the secret that the proxy sends in `proxy_secret_header`; with `proxy_peers`."""
    proxy_secret_header: str = "X-Safeguard-Proxy-Secret"
    """The header with the secret."""
    proxy_user_header: str = "X-Auth-Request-User"
    """The header with the name."""
    proxy_groups_header: str = "X-Auth-Request-Groups"
    """The header with the groups, parted by commas."""
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    """An OpenID Connect provider that signs people in; with `oidc_client_id`."""
    oidc_client_id: str = ""
    """What the provider calls the console."""
    oidc_client_secret_file: Path | None = None
    """File with the secret that the provider gave it; none for a public client."""
    oidc_name_claim: str = "preferred_username"
    """The claim with the name that stands in records; it must never pass to another person."""
    oidc_groups_claim: str = "groups"
    """The claim with the groups."""
    roles: dict[RoleName, list[str]] = {}
    """By role, groups of the proxy or the provider whose people have it; `*` is everybody."""
    idle_s: Annotated[float, Field(ge=60, le=604_800)] = 3_600.0
    """Whoever does nothing for so long signs in anew."""
    visit_s: Annotated[float, Field(ge=300, le=2_592_000)] = 43_200.0
    """Whoever has been signed in for so long signs in anew."""
    exposures_max: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Nobody is shown more texts a day than that; each may choose less; 0 is no limit."""
    blind: bool = False
    """Whether what the model found is hidden until a case is decided."""
    second_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """So much of the decisions another person looks at once more, without knowing them."""
    appeals: AppealSettings = AppealSettings()
    """The appeal form, a table of its own."""
