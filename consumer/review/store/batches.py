"""Batches: many cases decided by one ruling, each with a record of its own, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, select

from consumer.review.cases.case import ReviewCase
from consumer.review.cases.consequence import followed, is_against
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.handling import Naming, Seen
from consumer.review.cases.ruling import ActRefused, Settled
from consumer.review.store import kin, log
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

    def __add__(self, more: Batch) -> Batch:
        return Batch(self.id, self.settled + more.settled, self.left_out | more.left_out)


class _Said(NamedTuple):
    """One ruling on several cases."""

    reviewer: str
    now_ms: int
    settle: Settle
    batch: str
    root: str | None
    """The id of the decision that the others are made along with; None where there is none."""

    def naming(self, case_id: str) -> Naming:
        """Each decision of a batch has an id of its own, the same one whenever it is asked for."""
        own = _id_of(self.batch, case_id)
        return Naming(own, self.batch, None if own == self.root else self.root)

    def overturns(self, docket: Docket) -> bool:
        """Whether it is against what was decided; what is refused is against nothing."""
        try:
            return is_against(self.settle(docket).outcome, docket.case.decided)
        except ActRefused:
            return False


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

    def along(self, case: ReviewCase) -> tuple[str, ...]:
        """The other cases that its newest decision was made along with, `GROUP_MAX` at most."""
        decided = case.decided
        if decided is None or decided.batch is None:
            return ()
        with self._database.reading() as connection:
            return kin.along(connection, case.id, decided.root)

    def decide_group(
        self,
        reviewer: str,
        now_ms: int,
        case_id: str,
        settle: Settle,
        batch: str,
        *,
        alone: bool = False,
    ) -> Batch:
        """
        Decide a case that somebody has claimed, and those that they saw with it.

        Where that overturns its decision, those that were decided along with it follow; alone they
        keep theirs. It is one transaction: no process ends between the one and the others.

        Raises:
            ActRefused: the case itself is not theirs to decide; then none of them is decided.
        """
        known = self._book.look(case_id)
        members = known.handling.alike if known is not None and not alone else ()
        along = self.along(known.case) if known is not None else ()
        with self._database.writing() as connection:
            every = (case_id, *along, *(seen.case_id for seen in members))
            dockets = self._locked(connection, every)
            if case_id not in dockets:
                raise ActRefused(f"there is no case {case_id}")
            before = dockets[case_id]
            root = _id_of(batch, case_id)
            said = _Said(reviewer, now_ms, settle, batch, root)
            bound = [dockets[name] for name in along if name in dockets]
            bound = bound if said.overturns(before) else []
            others = [] if alone else bound
            reach = max((docket.case.reach for docket in others), default=0)
            own = Naming(root, batch if members or others else None, None, reach)
            first = self._desk.decide_on(connection, before, reviewer, now_ms, settle, own)
            found = self._joined(connection, dockets, members, said)
            if before.case.decided is not None and _is_made(first, root):
                found += self._followed(connection, bound, before.case.decided, first, said, alone)
        return Batch(own.batch or case_id, (first, *found.settled), found.left_out)

    def decide_all(
        self,
        reviewer: str,
        now_ms: int,
        members: Sequence[Seen],
        settle: Settle,
        batch: str,
        *,
        like: str | None = None,
    ) -> Batch:
        """
        Decide cases as they were seen, those that others claimed or that changed left out.

        Those that are like one case are its group; those of a query have nothing else in common.
        """
        said = _Said(reviewer, now_ms, settle, batch, _id_of(batch, like) if like else None)
        found = Batch(batch)
        for some in _pages(members):
            with self._database.writing() as connection:
                dockets = self._locked(connection, [seen.case_id for seen in some])
                found += self._joined(connection, dockets, some, said)
        return found

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
                dockets = self._locked(connection, some)
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
        said: _Said,
    ) -> Batch:
        settled: list[Docket] = []
        left_out: dict[str, str] = {}
        for name, revision in sorted(members):
            docket = dockets.get(name)
            try:
                if docket is None:
                    raise ActRefused(f"there is no case {name}")
                rights = self._desk.terms.rights
                taken = docket.joined(said.reviewer, said.now_ms, revision, rights)
                made = self._desk.decide_on(
                    connection, taken, said.reviewer, said.now_ms, said.settle, said.naming(name)
                )
                settled.append(made)
            except ActRefused as refused:
                left_out[name] = str(refused)
        return Batch(said.batch, tuple(settled), left_out)

    def _followed(
        self,
        connection: Connection,
        bound: Sequence[Docket],
        earlier: DecisionFact,
        first: Docket,
        said: _Said,
        alone: bool,
    ) -> Batch:
        """What an overturn makes of the others; the log says of each why it keeps what it has."""
        settled: list[Docket] = []
        left_out: dict[str, str] = {}
        made = first.case.decided
        assert made is not None, "see `_is_made`"
        for docket in bound:
            name, naming = docket.case.id, said.naming(docket.case.id)
            try:
                if alone:
                    raise ActRefused(f"case {name}: the other one was decided alone")
                likewise = said.settle(docket)
                rights = self._desk.terms.rights
                after = followed(docket, earlier, made, likewise, naming, rights)
            except ActRefused as refused:
                left_out[name] = str(refused)
                detail = {"follows": said.root, "why": str(refused)}
                log.append(connection, said.now_ms, said.reviewer, "leave", name, detail)
                continue
            own = next(d for d in after.case.decisions if d.id == naming.id)
            settled.append(self._desk.write(connection, after, own, said.reviewer, said.now_ms))
        return Batch(said.batch, tuple(settled), left_out)

    def _locked(self, connection: Connection, names: Sequence[str]) -> dict[str, Docket]:
        """All of them before anything else, in one order: whoever else takes several waits."""
        found = {}
        for name in sorted(set(names)):
            docket = self._book.locked(connection, name)
            if docket is not None:
                found[name] = docket
        return found


def _pages(all_of_them: Sequence[One]) -> Iterator[Sequence[One]]:
    return (all_of_them[at : at + AT_ONCE] for at in range(0, len(all_of_them), AT_ONCE))


def _id_of(batch: str, case_id: str) -> str:
    return blake2b(f"{batch}\n{case_id}".encode(), digest_size=16).hexdigest()


def _is_made(docket: Docket, decision_id: str) -> bool:
    """Whether it is decided so, and not only proposed: others follow from what is settled."""
    decided = docket.case.decided
    return decided is not None and decided.id == decision_id
