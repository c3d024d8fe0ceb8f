"""Contention: many reviewers at one desk, and a claim among a hundred thousand open cases."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, func, select

from consumer.domain.messages.likeness import marks as marks_of_parts
from consumer.domain.messages.likeness import parts_of
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.review.cases.facts import VerdictFact, case_id, encode_fact
from consumer.review.cases.ruling import Settled
from consumer.review.console.app import THREADS
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.kin import author_mark, position_mark
from consumer.review.store.tables import cases, facts, marks

TOPIC = "chat"
AT_ONCE = 500
"""Rows of one insert."""
RULED = Settled(Outcome.ALLOW, None, None, "harmless")
TERMS = ReviewTerms()


class Contended(NamedTuple):
    """What became of many cases under many hands."""

    items: int
    decided: int
    double_claims: int
    seconds: float


class ClaimTimes(NamedTuple):
    """How long a claim takes, in ms."""

    open_cases: int
    claims: int
    median_ms: float
    p95_ms: float


def contended(address: str, items: int, reviewers: int) -> Contended:
    """So many reviewers take and decide until nothing is left; nobody holds what another does."""
    database = Database(address)
    desk = _desk(database)
    fill(database, items)
    started_s = time.monotonic()
    # The console answers so many at once, and the others wait for their turn.
    turn = BoundedSemaphore(THREADS)
    with ThreadPoolExecutor(reviewers) as pool:
        names = (f"reviewer-{number}" for number in range(reviewers))
        taken = pool.map(lambda name: _until_none(desk, name, turn), names)
        held = Counter(case for names in taken for case in names)
    seconds = time.monotonic() - started_s
    with database.reading() as connection:
        decided = connection.execute(
            select(func.count()).select_from(facts).where(facts.c.kind == "decision")
        ).scalar_one()
    database.close()
    return Contended(items, decided, sum(held.values()) - len(held), seconds)


def claim_times(address: str, items: int, claims: int, reviewers: int) -> ClaimTimes:
    """One claim after another, by reviewers in turn, each decided before the next."""
    database = Database(address)
    desk = _desk(database)
    fill(database, items)
    times = []
    for number in range(claims):
        who, now_ms = f"reviewer-{number % reviewers}", _now_ms()
        started_s = time.perf_counter()
        docket = desk.next(who, now_ms)
        times.append((time.perf_counter() - started_s) * 1_000)
        assert docket is not None
        desk.decide(who, now_ms, docket.case.id, lambda _: RULED, uuid4().hex)
    database.close()
    times.sort()
    return ClaimTimes(items, claims, times[len(times) // 2], times[int(len(times) * 0.95)])


def fill(database: Database, items: int) -> None:
    """So many open cases, as the book writes them, in few statements."""
    now_ms = _now_ms()
    for start in range(0, items, AT_ONCE):
        some = range(start, min(start + AT_ONCE, items))
        found = [_fact(number, now_ms) for number in some]
        with database.writing() as connection:
            _insert(connection, some, found)
    database.scrub()


def _insert(connection: Connection, some: Sequence[int], found: Sequence[VerdictFact]) -> None:
    rows, told, marked = [], [], []
    for number, fact in zip(some, found, strict=True):
        name = case_id(TOPIC, f"m-{number}")
        rows.append(
            {
                "id": name,
                "topic": TOPIC,
                "message_id": f'"m-{number}"',
                "status": "flag",
                "is_open": True,
                "queue": TERMS.queue,
                "asked_ms": fact.at_ms,
                "due_ms": fact.at_ms + 1_000_000 + number % 9_973,
                "revision": 1,
                "lease_until_ms": 0,
                "seen": 0,
                "held_until_ms": 0,
            }
        )
        told.append(
            {
                "id": f"fact-{number}",
                "case_id": name,
                "kind": "verdict",
                "revision": 1,
                "at_ms": fact.at_ms,
                "body": encode_fact(fact),
            }
        )
        names = {f"text:{mark}" for mark in marks_of_parts(parts_of(_text(number)))}
        names |= {author_mark(f"u-{number % 5_000}"), position_mark(fact.position)}
        marked += [{"case_id": name, "mark": mark} for mark in sorted(names)]
    for table, values in ((cases, rows), (facts, told), (marks, marked)):
        # One statement for all is quicker over a connection, and one for each in a file.
        if connection.dialect.name == "sqlite":
            connection.execute(table.insert(), values)
        else:
            connection.execute(table.insert().values(values))


def _fact(number: int, now_ms: int) -> VerdictFact:
    message = {"id": f"m-{number}", "text": _text(number), "author": f"u-{number % 5_000}"}
    envelope = {"policy_version": "set@v1", "message": message, "judgements": []}
    return VerdictFact(
        f"v{number}",
        now_ms - number % 3_600_000,
        f"{TOPIC}/{number % 8}/{number}",
        "flag",
        "model",
        key="azE=",
        envelope=envelope,
    )


def _text(number: int) -> str:
    """No two alike."""
    return " ".join(f"w{number * 7 + at * 1_000_003}" for at in range(12))


def _until_none(desk: ReviewDesk, who: str, turn: BoundedSemaphore) -> list[str]:
    taken: list[str] = []
    while True:
        with turn:
            docket = desk.next(who, _now_ms())
        if docket is None:
            return taken
        taken.append(docket.case.id)
        with turn:
            desk.decide(who, _now_ms(), docket.case.id, lambda _: RULED, uuid4().hex)


def _desk(database: Database) -> ReviewDesk:
    return ReviewDesk(database, CaseBook(database, lambda _: TERMS), DeskTerms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
