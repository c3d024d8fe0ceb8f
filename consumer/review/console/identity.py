"""Identity: who sends a request, by what their browser holds or their proxy says. Blocking."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import NamedTuple

from consumer.review.console.sign_in.person import Person, StaffRole
from consumer.review.console.sign_in.proxy import person_of
from consumer.review.console.sign_in.ways import SignInWays
from consumer.review.store.entrance import Entrance, Visit

PROXY, PASSWORD = "proxy", "password"
"""Ways that are looked at anew with each request: who is taken out is out at once."""


class Caller(NamedTuple):
    """Who sends a request."""

    visit: Visit | None
    is_new: bool
    """Whether their browser has to be told what to hold."""


class Credentials(NamedTuple):
    """What a request brings."""

    token: str | None
    peer: str
    headers: Mapping[str, str]
    counts: bool = True
    """Whether a person did something; a page that asks by itself keeps nobody signed in."""


def sender(ways: SignInWays, entrance: Entrance, brought: Credentials, now_ms: int) -> Caller:
    """
    Who it is.

    Raises:
        ForgedHeaders: somebody claims to be the proxy.
    """
    token = brought.token
    known = entrance.visit(token, now_ms, counts=brought.counts) if token else None
    if ways.proxy is not None:
        named = person_of(ways.proxy, brought.peer, brought.headers)
        if named is not None:
            if known is not None and (known.person, known.way) == (named.name, PROXY):
                return Caller(known._replace(roles=named.roles), is_new=False)
            return Caller(begun(entrance, named, PROXY, now_ms), is_new=True)
    if known is None or known.way == PROXY:
        return Caller(None, is_new=False)
    if known.way == PASSWORD:
        now = ways.users.find(known.person) if ways.users is not None else None
        return Caller(known._replace(roles=now.roles) if now else None, is_new=False)
    return Caller(known, is_new=False)


def begun(entrance: Entrance, person: Person, way: str, now_ms: int) -> Visit:
    """Somebody has been let in: what their browser holds is new each time."""
    roles = frozenset[str](map(StaffRole, person.roles))
    visit = Visit(person.name, roles, way, secrets.token_urlsafe(32))
    entrance.begin(visit, now_ms)
    return visit
