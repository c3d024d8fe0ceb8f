"""
Entrance: who is signed in at the console, and what lets somebody in once.

Only hashes of what browsers hold are kept: who reads the store cannot sign in by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, func, insert, select, update

from consumer.review.cases.ruling import ActRefused
from consumer.review.store import log
from consumer.review.store.database import Database
from consumer.review.store.tables import openings, preferences, visits

OPENINGS_MAX = 1_000
"""So many sign-ins may be under way: anybody can begin one, and each takes a row."""
SEEN_EVERY_MS = 30_000
"""How often it is written down that somebody is still there."""


class VisitTerms(NamedTuple):
    """How long somebody stays signed in."""

    idle_ms: int = 3_600_000
    """Who does nothing for so long signs in anew."""
    whole_ms: int = 43_200_000
    """And so does who has been signed in for so long."""


class Visit(NamedTuple):
    """Somebody who is signed in."""

    person: str
    roles: frozenset[str]
    way: str
    """How they were let in."""
    token: str
    """What their browser holds."""

    @property
    def form_token(self) -> str:
        """What each form carries, so that no other site can send one: a hash of the token."""
        return _hash(self.token, "form")


class Entrance:
    """Keeps visits and openings. Any thread may use it."""

    def __init__(self, database: Database, terms: VisitTerms) -> None:
        self._database = database
        self._terms = terms

    def begin(self, visit: Visit, now_ms: int) -> None:
        """Somebody is signed in from now on, and this is noted in the log."""
        with self._database.writing() as connection:
            self._tidy(connection, now_ms)
            connection.execute(
                insert(visits).values(
                    id=_hash(visit.token),
                    person=visit.person,
                    roles=orjson.dumps(sorted(visit.roles)).decode(),
                    way=visit.way,
                    began_ms=now_ms,
                    seen_ms=now_ms,
                )
            )
            log.append(connection, now_ms, visit.person, "sign-in", detail={"way": visit.way})

    def visit(self, token: str, now_ms: int, *, counts: bool = True) -> Visit | None:
        """Who holds it, if they are still signed in; what a page asks by itself does not count."""
        mine = visits.c.id == _hash(token)
        with self._database.reading() as connection:
            row = connection.execute(select(visits).where(mine)).one_or_none()
        if row is None or self._is_over(row.began_ms, row.seen_ms, now_ms):
            return None
        if counts and now_ms - row.seen_ms >= SEEN_EVERY_MS:
            with self._database.writing() as connection:
                connection.execute(update(visits).where(mine).values(seen_ms=now_ms))
        return Visit(row.person, frozenset(orjson.loads(row.roles)), row.way, token)

    def end(self, visit: Visit, now_ms: int) -> None:
        """Somebody signs out, here and now."""
        with self._database.writing() as connection:
            connection.execute(delete(visits).where(visits.c.id == _hash(visit.token)))
            log.append(connection, now_ms, visit.person, "sign-out")

    def end_all(self, person: str, now_ms: int, who: str) -> int:
        """Nobody is signed in by that name any more; how many places it was in."""
        with self._database.writing() as connection:
            ended = connection.execute(delete(visits).where(visits.c.person == person)).rowcount
            log.append(connection, now_ms, who, "sign-out all", detail={"person": person})
        return ended

    def open(
        self, token: str, kind: str, body: Mapping[str, Any], now_ms: int, until_ms: int
    ) -> None:
        """
        Let whoever brings this token in once, until then.

        Raises:
            ActRefused: too many sign-ins are under way.
        """
        with self._database.writing() as connection:
            connection.execute(delete(openings).where(openings.c.until_ms <= now_ms))
            number = connection.execute(select(func.count()).select_from(openings)).scalar_one()
            if number >= OPENINGS_MAX:
                raise ActRefused("too many sign-ins are under way: try again in some minutes")
            connection.execute(
                insert(openings).values(
                    id=_hash(token),
                    kind=kind,
                    body=orjson.dumps(body).decode(),
                    until_ms=until_ms,
                )
            )

    def peek(self, token: str, kind: str, now_ms: int) -> dict[str, Any] | None:
        """What a token would open; it stays as it is."""
        asked = select(openings.c.body).where(*_opening(token, kind), openings.c.until_ms > now_ms)
        with self._database.reading() as connection:
            body = connection.execute(asked).scalar()
        return None if body is None else dict(orjson.loads(body))

    def take(self, token: str, kind: str, now_ms: int) -> dict[str, Any] | None:
        """What a token opens, which it does once; None for a second time, or too late."""
        taken = delete(openings).where(*_opening(token, kind)).returning(openings)
        with self._database.writing() as connection:
            self._tidy(connection, now_ms)
            row = connection.execute(taken).one_or_none()
        return None if row is None else dict(orjson.loads(row.body))

    def tidy(self, now_ms: int) -> None:
        """Delete what has run out."""
        with self._database.writing() as connection:
            self._tidy(connection, now_ms)

    def preferences(self, person: str) -> dict[str, Any]:
        """How somebody wants the console to be."""
        asked = select(preferences.c.body).where(preferences.c.person == person)
        with self._database.reading() as connection:
            body = connection.execute(asked).scalar()
        return {} if body is None else dict(orjson.loads(body))

    def prefer(self, person: str, wanted: Mapping[str, Any]) -> None:
        """Keep how somebody wants it."""
        body = orjson.dumps(wanted).decode()
        row = {"person": person, "body": body}
        with self._database.writing() as connection:
            if not self._database.insert_once(connection, preferences, row):
                mine = preferences.c.person == person
                connection.execute(update(preferences).where(mine).values(body=body))

    def _is_over(self, began_ms: int, seen_ms: int, now_ms: int) -> bool:
        terms = self._terms
        return now_ms - began_ms >= terms.whole_ms or now_ms - seen_ms >= terms.idle_ms

    def _tidy(self, connection: Connection, now_ms: int) -> None:
        connection.execute(delete(openings).where(openings.c.until_ms <= now_ms))
        # By the last time seen alone: it has an index, and nobody is seen after the end.
        connection.execute(delete(visits).where(visits.c.seen_ms <= now_ms - self._terms.idle_ms))


def _opening(token: str, kind: str) -> Sequence[Any]:
    return (openings.c.id == _hash(token), openings.c.kind == kind)


def _hash(token: str, purpose: str = "") -> str:
    person = purpose.encode()
    return blake2b(token.encode(errors="replace"), digest_size=32, person=person).hexdigest()
