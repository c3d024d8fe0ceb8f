"""Desk: what a reviewer does with cases, each act whole or not at all, and noted in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, exists, select

from consumer.review.cases.docket import Docket, Rights
from consumer.review.cases.facts import About, DecisionFact, ReviewFact, VerdictFact, kind_of
from consumer.review.cases.handling import Naming
from consumer.review.cases.ruling import ActRefused, Ruling, Settled
from consumer.review.store import kin, log, outbox
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.tables import cases, questioned, skips


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

    def next(self, reviewer: str, now_ms: int, queue: str | None = None) -> Docket | None:
        """
        The case that somebody has, else the one due first that they may have; None where none is.

        Nobody else gets it while the lease runs.
        """
        with self._database.writing() as connection:
            row = self._claimed(connection, reviewer, now_ms)
            if row is None or (queue is not None and row.queue != queue):
                # What was handed to somebody comes before what is anybody's.
                for whose in (reviewer, None):
                    row = connection.execute(self._free(reviewer, now_ms, queue, whose)).first()
                    if row is not None:
                        break
            if row is None:
                return None
            return self._claim(connection, self._book.docket_of(connection, row), reviewer, now_ms)

    def closed_to(self, reviewer: str) -> list[str]:
        """The queues that somebody may see nothing of."""
        return [name for name, people in self.terms.rights.items() if reviewer not in people]

    def _claimed(self, connection: Connection, reviewer: str, now_ms: int) -> Row[Any] | None:
        """What somebody has, the first of it; asked so that no database reads all open cases."""
        mine = select(cases).where(cases.c.claimed_by == reviewer, cases.c.lease_until_ms > now_ms)
        rows = connection.execute(mine.with_for_update()).all()
        return min(rows, key=lambda row: (row.due_ms, row.id), default=None)

    def _free(
        self, reviewer: str, now_ms: int, queue: str | None, assigned_to: str | None
    ) -> Select[Any]:
        """Asks for the first case that is open to somebody; those others just take are passed."""
        asked = select(cases).where(
            cases.c.is_open,
            cases.c.lease_until_ms <= now_ms,
            cases.c.held_until_ms <= now_ms,
            cases.c.queue.not_in(self.closed_to(reviewer)),
            (cases.c.proposed_by.is_(None)) | (cases.c.proposed_by != reviewer),
            cases.c.assigned_to == assigned_to,
            *(
                ~exists().where(table.c.case_id == cases.c.id, table.c.reviewer == reviewer)
                for table in (skips, questioned)
            ),
        )
        if queue is not None:
            asked = asked.where(cases.c.queue == queue)
        first = asked.order_by(cases.c.due_ms, cases.c.id).limit(1)
        return first.with_for_update(of=cases, skip_locked=True)

    def claim(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        This very case; what was skipped may be taken so.

        Raises:
            ActRefused: it is not theirs to take, or not there.
        """
        with self._database.writing() as connection:
            return self._claim(connection, self._locked(connection, case_id), reviewer, now_ms)

    def _claim(self, connection: Connection, docket: Docket, reviewer: str, now_ms: int) -> Docket:
        claimed = docket.claimed(reviewer, now_ms, self.terms.lease_ms, self.terms.rights)
        alike = kin.alike(connection, claimed, now_ms, self.closed_to(reviewer))
        claimed = replace(claimed, handling=replace(claimed.handling, alike=alike))
        self._book.keep(connection, claimed)
        detail = {"alike": [seen.case_id for seen in alike]} if alike else {}
        log.append(connection, now_ms, reviewer, "claim", docket.case.id, detail)
        return claimed

    def show(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        A case to look at; for whoever has it the lease begins anew, and what is new is seen.

        Raises:
            ActRefused: it is not there, or in a queue that they have no right to.
        """
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id)
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
            docket = self._locked(connection, case_id)
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
            docket = self._locked(connection, case_id)
            docket.check_right(reviewer, self.terms.rights)
            log.append(connection, now_ms, reviewer, "reveal", case_id, {"what": what})
            return docket

    def skip(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """Leave it to others: it is never handed out to them again."""
        row = {"case_id": case_id, "reviewer": reviewer}
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id).skipped(reviewer, now_ms)
            self._database.insert_once(connection, skips, row)
            return self._kept(connection, docket, reviewer, now_ms, "skip")

    def hold(self, reviewer: str, now_ms: int, case_id: str, for_ms: int, note: str) -> Docket:
        """Leave it for a while; the note says what for."""
        if for_ms > self.terms.hold_max_ms:
            hours = self.terms.hold_max_ms // 3_600_000
            raise ActRefused(f"a case is held for {hours} h at most (review.hold_max_s)")
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id).held(reviewer, now_ms, now_ms + for_ms)
            noted, detail = docket.noted(reviewer, note), {"for_ms": for_ms}
            return self._kept(connection, noted, reviewer, now_ms, "hold", detail)

    def move(self, reviewer: str, now_ms: int, case_id: str, queue: str, note: str) -> Docket:
        """Hand it to the people of another queue, and not back to oneself; the note says why."""
        row = {"case_id": case_id, "reviewer": reviewer}
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id).moved(reviewer, now_ms, queue)
            self._database.insert_once(connection, skips, row)
            noted, detail = docket.noted(reviewer, note), {"queue": queue}
            return self._kept(connection, noted, reviewer, now_ms, "move", detail)

    def assign(self, reviewer: str, now_ms: int, case_id: str, to: str, note: str) -> Docket:
        """Hand it to one person, who alone gets it; the note says why."""
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id)
            assigned = docket.assigned(reviewer, now_ms, to, self.terms.rights)
            noted, detail = assigned.noted(reviewer, note), {"to": to}
            return self._kept(connection, noted, reviewer, now_ms, "assign", detail)

    def draft(self, reviewer: str, now_ms: int, case_id: str, ruling: Ruling) -> Docket:
        """Keep what its claimant means to say, until they come back to it or it is decided."""
        with self._database.writing() as connection:
            docket = self._locked(connection, case_id).drafted(reviewer, now_ms, ruling)
            return self._kept(connection, docket, reviewer, now_ms, "draft")

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
            before = self._locked(connection, case_id)
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
            told = "; ".join(map(_told, self._book.unseen(connection, before)))
            is_theirs = before.claimant(now_ms) == reviewer
            raise ActRefused(f"{refused}: {told}" if told and is_theirs else str(refused)) from None
        made = [d for d in after.case.decisions if d.id == naming.id]
        if not made:
            return self._kept(connection, after, reviewer, now_ms, "propose")
        self._book.note(connection, _about(after, made[0]), after.revision)
        statements = after.terms.statements
        is_stated = (
            statements is not None
            and statements.topic is not None
            and statements.wants(made[0].outcome, made[0].label)
        )
        due_ms = now_ms + self.terms.undo_ms
        outbox.post(connection, after.case.id, made[0], due_ms, with_statement=is_stated)
        detail = {"decision": naming.id, "outcome": made[0].outcome}
        if naming.batch is not None:
            detail["batch"] = naming.batch
        return self._kept(connection, after.refreshed(), reviewer, now_ms, "decide", detail)

    def undo(self, reviewer: str, now_ms: int, case_id: str) -> Docket:
        """
        Take the last decision back, which nobody has been told of yet.

        Raises:
            ActRefused: there is none of theirs, or it is too late.
        """
        with self._database.writing() as connection:
            return self.undo_on(connection, self._locked(connection, case_id), reviewer, now_ms)

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
        self._book.forget(connection, _about(docket, decision))
        others = tuple(d for d in docket.case.decisions if d.id != decision.id)
        case = replace(docket.case, decisions=others)
        undone = replace(docket, case=case, revision=docket.revision + 1)
        detail = {"decision": decision.id}
        return self._kept(connection, undone, reviewer, now_ms, "undo", detail)

    def _locked(self, connection: Connection, case_id: str) -> Docket:
        docket = self._book.locked(connection, case_id)
        if docket is None:
            raise ActRefused(f"there is no case {case_id}")
        return docket

    def _kept(
        self,
        connection: Connection,
        docket: Docket,
        reviewer: str,
        now_ms: int,
        act: str,
        detail: Mapping[str, object] = {},
    ) -> Docket:
        self._book.keep(connection, docket)
        if act in ("decide", "undo"):
            kin.note(connection, docket.case)
        log.append(connection, now_ms, reviewer, act, docket.case.id, detail)
        return docket


def _about(docket: Docket, decision: DecisionFact) -> About:
    return About(docket.case.topic, docket.case.message_id, decision)


def _told(fact: ReviewFact) -> str:
    """A fact in a few words."""
    if isinstance(fact, VerdictFact):
        what = "the message was deleted" if fact.cause == "deleted" else f"verdict {fact.outcome}"
        if fact.event == "edit" and fact.supersedes is None:
            what = f"the message was edited, {what}"
        return f"{what} (cause {fact.cause}, {fact.position})"
    return f"{kind_of(fact)} {fact.id}"
