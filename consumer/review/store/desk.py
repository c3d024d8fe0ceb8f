"""Desk: what a reviewer does with cases, each act whole or not at all, and noted in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.handling import Naming
from consumer.review.cases.news import told_of
from consumer.review.cases.rights import Rights, closed_to
from consumer.review.cases.ruling import ActRefused, Ruling, Settled
from consumer.review.store import kin, log, outbox
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.handout import Pick, next_row
from consumer.review.store.tables import skips


class DeskTerms(NamedTuple):
    """How long things last at the desk, and who may decide what."""

    lease_ms: int = 600_000
    hold_max_ms: int = 604_800_000
    undo_ms: int = 30_000
    """A decision is published after so long."""
    rights: Rights = {}


class ReviewDesk:
    """Hands out cases and takes decisions. Any thread may use it."""

    def __init__(self, database: Database, book: CaseBook, terms: DeskTerms) -> None:
        self._database = database
        self._book = book
        self.terms = terms

    def next(
        self, reviewer: str, now_ms: int, queue: str | None = None, avoid: Sequence[str] = ()
    ) -> Docket | None:
        """
        The case that somebody has, else the one due first that they may have; None where none is.

        Nobody else gets it while the lease runs.
        """
        with self._database.writing() as connection:
            row = next_row(connection, reviewer, now_ms, Pick(queue, avoid), self.terms.rights)
            if row is None:
                return None
            return self._claim(connection, self._book.docket_of(connection, row), reviewer, now_ms)

    def closed_to(self, reviewer: str) -> list[str]:
        """The queues that somebody may see nothing of."""
        return closed_to(reviewer, self.terms.rights)

    def claim(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        This very case; what was skipped may be taken so.

        Raises:
            ActRefused: it is not theirs to take, or not there.
        """
        with self._database.writing() as connection:
            return self._claim(connection, self.locked(connection, case_id), reviewer, now_ms)

    def _claim(self, connection: Connection, docket: Docket, reviewer: str, now_ms: int) -> Docket:
        claimed = docket.claimed(reviewer, now_ms, self.terms.lease_ms, self.terms.rights)
        return self.handed(connection, claimed, reviewer, now_ms, "claim")

    def handed(
        self,
        connection: Connection,
        claimed: Docket,
        reviewer: str,
        now_ms: int,
        act: str,
        detail: Mapping[str, object] = {},
    ) -> Docket:
        """A case with those alike, which whoever has it sees and decides along with it."""
        alike = kin.alike(connection, claimed, now_ms, self.closed_to(reviewer))
        claimed = replace(claimed, handling=replace(claimed.handling, alike=alike))
        found = {"alike": [seen.case_id for seen in alike]} if alike else {}
        return self.kept(connection, claimed, reviewer, now_ms, act, {**found, **detail})

    def show(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        A case to look at; for whoever has it the lease begins anew, and what is new is seen.

        Raises:
            ActRefused: it is not there, or in a queue that they have no right to.
        """
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id)
            if docket.claimant(now_ms) == reviewer:
                return self._claim(connection, docket, reviewer, now_ms)
            docket.check_right(reviewer, self.terms.rights)
            log.append(connection, now_ms, reviewer, "show", case_id)
            return docket

    def look(self, reviewer: str, case_id: str) -> Docket:
        """
        A case that is being shown already, for another part of it; the log has no word of it.

        Raises:
            ActRefused: it is not there, or in a queue that they have no right to.
        """
        docket = self._book.look(case_id)
        if docket is None:
            raise ActRefused(f"there is no case {case_id}")
        docket.check_right(reviewer, self.terms.rights)
        return docket

    def extend(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        Keep it for whoever is at work on it; this shows nothing, so the log has no word of it.

        Raises:
            ActRefused: it is not theirs any more.
        """
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id)
            extended = docket.extended(reviewer, now_ms, self.terms.lease_ms)
            self._book.keep(connection, extended)
            return extended

    def reveal(self, reviewer: str, now_ms: int, case_id: str, what: str) -> Docket:
        """
        Note that somebody is shown what is hidden until it is asked for.

        Raises:
            ActRefused: it is not there, or in a queue that they have no right to.
        """
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id)
            docket.check_right(reviewer, self.terms.rights)
            log.append(connection, now_ms, reviewer, "reveal", case_id, {"what": what})
            return docket

    def skip(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """Leave it to others: it is never handed out to them again."""
        row = {"case_id": case_id, "reviewer": reviewer}
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id).skipped(reviewer, now_ms)
            self._database.insert_once(connection, skips, row)
            return self.kept(connection, docket, reviewer, now_ms, "skip")

    def hold(self, reviewer: str, now_ms: int, case_id: str, for_ms: int, note: str) -> Docket:
        """Leave it for a while; the note says what for."""
        if for_ms > self.terms.hold_max_ms:
            hours = self.terms.hold_max_ms // 3_600_000
            raise ActRefused(f"a case is held for {hours} h at most (review.hold_max_s)")
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id).held(reviewer, now_ms, now_ms + for_ms)
            noted, detail = docket.noted(reviewer, note), {"for_ms": for_ms}
            return self.kept(connection, noted, reviewer, now_ms, "hold", detail)

    def move(self, reviewer: str, now_ms: int, case_id: str, queue: str, note: str) -> Docket:
        """Hand it to the people of another queue, and not back to oneself; the note says why."""
        row = {"case_id": case_id, "reviewer": reviewer}
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id).moved(reviewer, now_ms, queue)
            self._database.insert_once(connection, skips, row)
            noted, detail = docket.noted(reviewer, note), {"queue": queue}
            return self.kept(connection, noted, reviewer, now_ms, "move", detail)

    def assign(self, reviewer: str, now_ms: int, case_id: str, to: str, note: str) -> Docket:
        """Hand it to one person, who alone gets it; the note says why."""
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id)
            assigned = docket.assigned(reviewer, now_ms, to, self.terms.rights)
            noted, detail = assigned.noted(reviewer, note), {"to": to}
            return self.kept(connection, noted, reviewer, now_ms, "assign", detail)

    def draft(self, reviewer: str, now_ms: int, case_id: str, ruling: Ruling) -> Docket:
        """Keep what its claimant means to say, until they come back to it or it is decided."""
        with self._database.writing() as connection:
            docket = self.locked(connection, case_id).drafted(reviewer, now_ms, ruling)
            return self.kept(connection, docket, reviewer, now_ms, "draft")

    def decide(
        self,
        reviewer: str,
        now_ms: int,
        case_id: str,
        settle: Callable[[Docket], Settled],
        decision_id: str,
    ) -> Docket:
        """
        Decide, or propose where a second person must agree.

        Raises:
            ActRefused: it is not theirs to decide; or it has changed since they saw it, and how.
        """
        with self._database.writing() as connection:
            before = self.locked(connection, case_id)
            naming = Naming(decision_id)
            return self.decide_on(connection, before, reviewer, now_ms, settle, naming)

    def decide_on(
        self,
        connection: Connection,
        before: Docket,
        reviewer: str,
        now_ms: int,
        settle: Callable[[Docket], Settled],
        naming: Naming,
    ) -> Docket:
        """The same inside a transaction that has the case's row; a refusal has written nothing."""
        try:
            after = before.decided(reviewer, settle(before), now_ms, naming, self.terms.rights)
        except ActRefused as refused:
            told = "; ".join(map(told_of, self._book.unseen(connection, before)))
            is_theirs = before.claimant(now_ms) == reviewer
            raise ActRefused(f"{refused}: {told}" if told and is_theirs else str(refused)) from None
        made = [d for d in after.case.decisions if d.id == naming.id]
        if not made:
            return self.kept(connection, after, reviewer, now_ms, "propose")
        return self.write(connection, after, made[0], reviewer, now_ms)

    def write(
        self, connection: Connection, after: Docket, made: DecisionFact, reviewer: str, now_ms: int
    ) -> Docket:
        """Write a decision down that its case has already, to be published unless taken back."""
        self._book.note(connection, after.case.about(made), after.revision)
        is_stated = after.terms.states(made.outcome, made.label)
        due_ms = now_ms + self.terms.undo_ms
        outbox.post(connection, after.case.id, made, due_ms, with_statement=is_stated)
        detail = {"decision": made.id, "outcome": made.outcome}
        more = {"batch": made.batch, "follows": made.follows}
        detail |= {name: value for name, value in more.items() if value is not None}
        return self.kept(connection, after.refreshed(), reviewer, now_ms, "decide", detail)

    def undo(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        Take the last decision back, which nobody has been told of yet.

        Raises:
            ActRefused: there is none of theirs, or it is too late.
        """
        with self._database.writing() as connection:
            return self.undo_on(connection, self.locked(connection, case_id), reviewer, now_ms)

    def undo_on(
        self,
        connection: Connection,
        docket: Docket,
        reviewer: str,
        now_ms: int,
        batch: str | None = None,
    ) -> Docket:
        """The same inside a transaction that has the case's row; of a batch, if one is named."""
        decision, name = docket.case.decided, docket.case.id
        if (
            decision is None
            or reviewer not in decision.people
            or batch not in (None, decision.batch)
        ):
            raise ActRefused(f"case {name} has no decision of {reviewer} to take back")
        if not outbox.take_back(connection, decision.id, now_ms):
            raise ActRefused(
                f"case {name}: the decision has been published. Decide otherwise after an appeal"
            )
        self._book.forget(connection, docket.case.about(decision))
        others = tuple(d for d in docket.case.decisions if d.id != decision.id)
        case = replace(docket.case, decisions=others)
        undone = replace(docket, case=case, revision=docket.revision + 1)
        detail = {"decision": decision.id}
        return self.kept(connection, undone, reviewer, now_ms, "undo", detail)

    def locked(self, connection: Connection, case_id: str) -> Docket:
        """
        A case that nobody else changes before the end of this transaction.

        Raises:
            ActRefused: there is none.
        """
        docket = self._book.locked(connection, case_id)
        if docket is None:
            raise ActRefused(f"there is no case {case_id}")
        return docket

    def kept(
        self,
        connection: Connection,
        docket: Docket,
        reviewer: str,
        now_ms: int,
        act: str,
        detail: Mapping[str, object] = {},
    ) -> Docket:
        """Write a case down as an act leaves it, and the act in the log."""
        self._book.keep(connection, docket)
        if act in ("decide", "undo"):
            self._book.heed(connection, docket.case)
        log.append(connection, now_ms, reviewer, act, docket.case.id, detail)
        return docket
