"""
Proxy: a proxy in front of the console says who somebody is, in headers of each request.

It is believed only where the request comes from one of its addresses and brings the secret that it
shares with the console: headers alone can be written by anybody.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from consumer.errors import ConsumerError
from consumer.review.cases.reviewer import is_name
from consumer.review.console.sign_in.person import Person, roles_of


class ForgedHeaders(ConsumerError):
    """Somebody who is not the proxy claims to be it. Look at review.console.proxy_peers."""


@dataclass(frozen=True, slots=True)
class ProxyTerms:
    """Which proxy is believed, and where it writes what."""

    peers: tuple[IPv4Network | IPv6Network, ...]
    secret: str
    secret_header: str
    user_header: str
    groups_header: str
    roles: Mapping[str, Sequence[str]]


def person_of(terms: ProxyTerms, peer: str, headers: Mapping[str, str]) -> Person | None:
    """
    Whom the proxy names; None where the request has no word of it.

    Raises:
        ForgedHeaders: it names somebody, and does not come from the proxy.
    """
    name = headers.get(terms.user_header)
    if name is None and headers.get(terms.secret_header) is None:
        return None
    if not _is_of(terms, peer):
        raise ForgedHeaders(f"{peer} is not among review.console.proxy_peers")
    said = headers.get(terms.secret_header, "")
    if not hmac.compare_digest(said.encode(), terms.secret.encode()):
        raise ForgedHeaders(f"{terms.secret_header} is not the secret in proxy_secret_file")
    if name is None or not is_name(name):
        return None
    groups = (each.strip() for each in headers.get(terms.groups_header, "").split(","))
    return Person(name, roles_of(filter(None, groups), terms.roles))


def _is_of(terms: ProxyTerms, peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in terms.peers)
