"""Search: cases by their message, its author, where it lies or when something happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, func, select

from consumer.review.cases.facts import DecisionFact, decode_fact
from consumer.review.store import log
from consumer.review.store.database import Database
from consumer.review.store.kin import author_mark, position_mark
from consumer.review.store.names import verdict_name
from consumer.review.store.tables import cases, facts, marks

FOUND_MAX = 100
"""So many cases are shown, the latest first: who needs more says more of what is meant."""
RECORD_MAX = 200
"""Of an author's cases so many are counted: what is older says little of them now."""


class Sought(NamedTuple):
    """What is looked for; all that is said has to hold."""

    names: Collection[str] | None = None
    """Ids that the case may have."""
    author: str | None = None
    position: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    """Something happened to it then: it was judged, reported, appealed or decided."""


class FoundCase(NamedTuple):
    """A case that was found."""

    id: str
    topic: str
    message_id: str
    status: str
    queue: str
    last_ms: int
    """When something of it was known last."""


class AuthorRecord(NamedTuple):
    """What became of an author's messages that people looked at."""

    cases: int
    open: int
    outcomes: Counter[str]
    """Of the last decision about each."""
    latest: Sequence[FoundCase]


def find(
    database: Database, reviewer: str, now_ms: int, sought: Sought, closed: Collection[str]
) -> list[FoundCase]:
    """
    The cases that are meant, but none in the queues that are closed to whoever asks.

    The log says that somebody searched, and by what; not for whom, for it forgets nothing.
    """
    asked: list[ColumnElement[bool]] = []
    if sought.names is not None:
        asked.append(cases.c.id.in_(sought.names))
    for mark in _marks(sought):
        asked.append(cases.c.id.in_(select(marks.c.case_id).where(marks.c.mark == mark)))
    if sought.since_ms is not None or sought.until_ms is not None:
        then = select(facts.c.case_id)
        if sought.since_ms is not None:
            then = then.where(facts.c.at_ms >= sought.since_ms)
        if sought.until_ms is not None:
            then = then.where(facts.c.at_ms < sought.until_ms)
        asked.append(cases.c.id.in_(then))
    by = [name for name, value in sought._asdict().items() if value is not None]
    with database.writing() as connection:
        log.append(connection, now_ms, reviewer, "search", detail={"by": by})
    return _found(database, [*asked, cases.c.queue.not_in(closed)], FOUND_MAX)


def case_of_verdict(database: Database, topics: Collection[str], verdict_id: str) -> str | None:
    """The case that has a verdict on a message of one of these inputs."""
    names = [verdict_name(topic, verdict_id) for topic in topics]
    asked = select(facts.c.case_id).where(facts.c.id.in_(names))
    with database.reading() as connection:
        return connection.execute(asked).scalar()


def record_of(database: Database, author: str, but: str, closed: Collection[str]) -> AuthorRecord:
    """What is known of an author beside one case."""
    mine = select(marks.c.case_id).where(marks.c.mark == author_mark(author))
    asked = [cases.c.id.in_(mine), cases.c.id != but, cases.c.queue.not_in(closed)]
    found = _found(database, asked, RECORD_MAX)
    names = [each.id for each in found]
    last: dict[str, DecisionFact] = {}
    rows = select(facts.c.case_id, facts.c.body).where(
        facts.c.case_id.in_(names), facts.c.kind == "decision"
    )
    with database.reading() as connection:
        for row in connection.execute(rows.order_by(facts.c.at_ms, facts.c.id)):
            fact = decode_fact("decision", row.body)
            assert isinstance(fact, DecisionFact)
            last[row.case_id] = fact
    is_open = sum(each.status not in ("decided", "closed") for each in found)
    return AuthorRecord(
        len(found), is_open, Counter(fact.outcome for fact in last.values()), found[:5]
    )


def _found(
    database: Database, asked: Collection[ColumnElement[bool]], limit: int
) -> list[FoundCase]:
    last_ms = select(func.max(facts.c.at_ms)).where(facts.c.case_id == cases.c.id).scalar_subquery()
    wanted = (
        select(
            cases.c.id, cases.c.topic, cases.c.message_id, cases.c.status, cases.c.queue, last_ms
        )
        .where(*asked)
        .order_by(last_ms.desc(), cases.c.id)
        .limit(limit)
    )
    with database.reading() as connection:
        rows = connection.execute(wanted).all()
    return [
        FoundCase(row[0], row[1], orjson.loads(row[2]), row[3], row[4], row[5] or 0) for row in rows
    ]


def _marks(sought: Sought) -> list[str]:
    found = []
    if sought.author is not None:
        found.append(author_mark(sought.author))
    if sought.position is not None:
        found.append(position_mark(sought.position))
    return found
