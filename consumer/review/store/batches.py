"""Batches: many cases decided by one ruling, each with a record of its own, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

from sqlalchemy import Connection, select

from consumer.review.cases.docket import Docket
from consumer.review.cases.handling import Naming, Seen
from consumer.review.cases.ruling import ActRefused, Settled
from consumer.review.store import kin
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import ReviewDesk
from consumer.review.store.tables import outbox

BULK_MAX = 1_000
"""So many cases at most by one query: more are a question of the policy, and the next round."""
AT_ONCE = 50
"""Cases in one transaction: who waits for a claim meanwhile waits that long."""

Settle = Callable[[Docket], Settled]
One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the cases that were to be decided together."""

    id: str
    settled: tuple[Docket, ...] = ()
    """Decided, or proposed where a second person must agree."""
    left_out: dict[str, str] = field(default_factory=dict)
    """By case, why it was not."""


class BatchDesk:
    """Decides many cases at once. Any thread may use it."""

    def __init__(self, database: Database, book: CaseBook, desk: ReviewDesk) -> None:
        self._database = database
        self._book = book
        self._desk = desk

    def find(self, reviewer: str, query: kin.Query, now_ms: int) -> tuple[Seen, ...]:
        """The open cases one means and may decide, as they are due, `BULK_MAX` of them."""
        with self._database.reading() as connection:
            closed = self._desk.closed_to(reviewer)
            return kin.matching(connection, query, now_ms, BULK_MAX, closed)

    def decide_group(
        self, reviewer: str, now_ms: int, case_id: str, settle: Settle, batch: str
    ) -> Batch:
        """
        Decide a case that somebody has claimed, and those that they saw with it.

        Raises:
            ActRefused: the case itself is not theirs to decide; then none of them is decided.
        """
        known = self._book.look(case_id)
        members = known.handling.alike if known is not None else ()
        with self._database.writing() as connection:
            dockets = self._locked(connection, [Seen(case_id, 0), *members])
            if case_id not in dockets:
                raise ActRefused(f"there is no case {case_id}")
            first = self._desk.decide_on(
                connection, dockets[case_id], reviewer, now_ms, settle, _naming(batch, case_id)
            )
            ruling = (settle, batch)
            found = self._joined(connection, dockets, members, reviewer, now_ms, ruling)
        return Batch(batch, (first, *found.settled), found.left_out)

    def decide_all(
        self, reviewer: str, now_ms: int, members: Sequence[Seen], settle: Settle, batch: str
    ) -> Batch:
        """Decide cases as they were seen, those that others claimed or that changed left out."""
        settled: list[Docket] = []
        left_out: dict[str, str] = {}
        for some in _pages(members):
            with self._database.writing() as connection:
                dockets = self._locked(connection, some)
                found = self._joined(connection, dockets, some, reviewer, now_ms, (settle, batch))
            settled += found.settled
            left_out |= found.left_out
        return Batch(batch, tuple(settled), left_out)

    def undo(self, reviewer: str, now_ms: int, batch: str) -> Batch:
        """
        Take every decision of a batch back; what has been published by now is left out.

        Raises:
            ActRefused: there is no such batch.
        """
        asked = select(outbox.c.case_id).where(outbox.c.batch == batch).distinct()
        with self._database.reading() as connection:
            names = sorted(connection.execute(asked).scalars())
        if not names:
            raise ActRefused(f"there is no batch {batch} to take back")
        settled: list[Docket] = []
        left_out: dict[str, str] = {}
        for some in _pages(names):
            with self._database.writing() as connection:
                dockets = self._locked(connection, [Seen(name, 0) for name in some])
                for name, docket in dockets.items():
                    try:
                        settled.append(
                            self._desk.undo_on(connection, docket, reviewer, now_ms, batch)
                        )
                    except ActRefused as refused:
                        left_out[name] = str(refused)
        return Batch(batch, tuple(settled), left_out)

    def _joined(
        self,
        connection: Connection,
        dockets: dict[str, Docket],
        members: Sequence[Seen],
        reviewer: str,
        now_ms: int,
        ruling: tuple[Settle, str],
    ) -> Batch:
        settle, batch = ruling
        settled: list[Docket] = []
        left_out: dict[str, str] = {}
        for name, revision in sorted(members):
            docket = dockets.get(name)
            try:
                if docket is None:
                    raise ActRefused(f"there is no case {name}")
                taken = docket.joined(reviewer, now_ms, revision, self._desk.terms.rights)
                made = self._desk.decide_on(
                    connection, taken, reviewer, now_ms, settle, _naming(batch, name)
                )
                settled.append(made)
            except ActRefused as refused:
                left_out[name] = str(refused)
        return Batch(batch, tuple(settled), left_out)

    def _locked(self, connection: Connection, members: Sequence[Seen]) -> dict[str, Docket]:
        """All of them before anything else, in one order: whoever else takes several waits."""
        found = {}
        for name in sorted({seen.case_id for seen in members}):
            docket = self._book.locked(connection, name)
            if docket is not None:
                found[name] = docket
        return found


def _pages(all_of_them: Sequence[One]) -> Iterator[Sequence[One]]:
    return (all_of_them[at : at + AT_ONCE] for at in range(0, len(all_of_them), AT_ONCE))


def _naming(batch: str, case_id: str) -> Naming:
    """Each decision of a batch has an id of its own, the same one whenever it is asked for."""
    digest = blake2b(f"{batch}\n{case_id}".encode(), digest_size=16)
    return Naming(digest.hexdigest(), batch)
