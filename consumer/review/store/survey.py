"""Survey: what the store holds, counted: for people who look after queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, select

from consumer.domain.policy import Outcome
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import DecisionFact, VerdictFact, decode_fact
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.outbox import ItemState
from consumer.review.store.tables import cases, facts, outbox

PAGE = 500
"""Decisions read at once, so that memory does not grow with the store."""


class QueueCount(NamedTuple):
    """What stands in one queue."""

    open: int
    claimed: int
    held: int
    late: int
    oldest_asked_ms: int | None
    """When the oldest question was asked that still is open."""
    first_due_ms: int | None


def queues(database: Database, now_ms: int) -> dict[str, QueueCount]:
    """By queue."""
    is_claimed = cases.c.lease_until_ms > now_ms
    is_held = cases.c.held_until_ms > now_ms

    def number(of: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((of, 1), else_=0))

    asked = (
        select(
            cases.c.queue,
            func.count(),
            number(is_claimed),
            number(is_held),
            number(cases.c.due_ms < now_ms),
            func.min(cases.c.asked_ms),
            func.min(cases.c.due_ms),
        )
        .where(cases.c.is_open)
        .group_by(cases.c.queue)
        .order_by(cases.c.queue)
    )
    with database.reading() as connection:
        rows = connection.execute(asked).all()
    return {row[0]: QueueCount(*row[1:]) for row in rows}


class Claim(NamedTuple):
    """A case that somebody has."""

    case_id: str
    queue: str
    person: str
    since_ms: int
    until_ms: int
    due_ms: int


CLAIMS_MAX = 200
"""So many are told of: people see who is at work on what, and count nothing by it."""


def claims(database: Database, now_ms: int) -> list[Claim]:
    """Who has which case, the first due before others."""
    asked = (
        select(
            cases.c.id,
            cases.c.queue,
            cases.c.claimed_by,
            # Of a claim that an earlier release knew, when it was made is not known.
            func.coalesce(cases.c.claimed_ms, now_ms),
            cases.c.lease_until_ms,
            cases.c.due_ms,
        )
        .where(cases.c.claimed_by.is_not(None), cases.c.lease_until_ms > now_ms, cases.c.is_open)
        .order_by(cases.c.due_ms, cases.c.id)
        .limit(CLAIMS_MAX)
    )
    with database.reading() as connection:
        return [Claim(*row) for row in connection.execute(asked)]


class CaseStanding(NamedTuple):
    """What a page that shows a case has to know of it."""

    revision: int
    status: str
    claimed_by: str | None
    lease_until_ms: int


def standings(database: Database, names: Sequence[str]) -> dict[str, CaseStanding]:
    """How these cases stand."""
    asked = select(
        cases.c.id, cases.c.revision, cases.c.status, cases.c.claimed_by, cases.c.lease_until_ms
    ).where(cases.c.id.in_(names))
    with database.reading() as connection:
        return {row[0]: CaseStanding(*row[1:]) for row in connection.execute(asked)}


def unpublished(database: Database) -> dict[str, int]:
    """How many items of the outbox are not out, by state."""
    asked = (
        select(outbox.c.state, func.count())
        .where(outbox.c.state != ItemState.SENT)
        .group_by(outbox.c.state)
    )
    with database.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}


def flagged(database: Database, since_ms: int) -> Iterator[tuple[str, VerdictFact]]:
    """Every verdict since a time that sent a message to people, with its case's id."""
    last = ""
    while True:
        asked = (
            select(facts.c.id, facts.c.case_id, facts.c.body)
            .where(facts.c.kind == "verdict", facts.c.at_ms >= since_ms, facts.c.id > last)
            .order_by(facts.c.id)
            .limit(PAGE)
        )
        with database.reading() as connection:
            rows = connection.execute(asked).all()
        if not rows:
            return
        for row in rows:
            fact = decode_fact("verdict", row.body)
            if isinstance(fact, VerdictFact) and fact.outcome == Outcome.FLAG:
                yield row.case_id, fact
        last = rows[-1].id


def decided(
    database: Database, book: CaseBook, since_ms: int
) -> Iterator[tuple[ReviewCase, DecisionFact]]:
    """Every decision since a time, the oldest first, with its case."""
    after: tuple[int, str] = (since_ms, "")
    while True:
        at_ms, name = after
        later = (facts.c.at_ms > at_ms) | ((facts.c.at_ms == at_ms) & (facts.c.id > name))
        asked = (
            select(facts.c.id, facts.c.case_id, facts.c.at_ms, facts.c.body)
            .where(facts.c.kind == "decision", later)
            .order_by(facts.c.at_ms, facts.c.id)
            .limit(PAGE)
        )
        with database.reading() as connection:
            rows = connection.execute(asked).all()
        if not rows:
            return
        for row in rows:
            docket, decision = book.look(row.case_id), decode_fact("decision", row.body)
            if docket is not None and isinstance(decision, DecisionFact):
                yield docket.case, decision
        after = (rows[-1].at_ms, rows[-1].id)
