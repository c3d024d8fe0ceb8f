"""Address: where people reach the console, and what follows for hosts, origins and cookies."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from consumer.errors import InvalidSettings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ConsoleAddress(NamedTuple):
    """Where it is."""

    origins: frozenset[str]
    """Scheme, host and port that a page of ours has; a form comes from one of them."""
    hosts: frozenset[str]
    """What a request may say in `Host`: another name that leads here is somebody's trick."""
    origin: str
    """The one that people are told."""

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """Its name; with the prefix no neighbouring host can set it (RFC 6265bis)."""
        return "__Host-safeguard" if self.is_secure else "safeguard-console"


def address_of(
    host: str, port: int, public_url: str | None, setting: str = "review.console.public_url"
) -> ConsoleAddress:
    """
    Where a console that listens there is reached; `setting` is what named the address.

    Raises:
        InvalidSettings: others could read along, or nobody knows under which name it is reached.
    """
    if public_url is None:
        if host not in LOOPBACK:
            raise InvalidSettings(
                f"review.console.host {host} is not this machine alone: set "
                'review.console.public_url to where people reach it, "https://..."'
            )
        names = [f"[{name}]" if ":" in name else name for name in (host, *LOOPBACK)]
        found = [f"http://{name}:{port}" for name in dict.fromkeys(names)]
        return ConsoleAddress(frozenset(found), frozenset(map(_host_of, found)), found[0])
    parts = urlsplit(public_url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise InvalidSettings(
            f"{setting} {public_url}: passwords and cookies need https, which a "
            "proxy in front of the console gives"
        )
    return ConsoleAddress(frozenset([public_url]), frozenset([_host_of(public_url)]), public_url)


def _host_of(origin: str) -> str:
    return urlsplit(origin).netloc
