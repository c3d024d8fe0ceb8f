"""
Docket: a case and who is at work on it; what each act does to it, and when it is refused.

Facts come from the topics and survive everything; who claims, holds back or proposes is work under
way, and is begun anew where the store was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from consumer.domain.review import ReviewTerms
from consumer.domain.verdicts.verdict import Cause, superseding_id
from consumer.review.cases.case import Closure, Concern, ReviewCase
from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.handling import NOBODY, CaseState, Draft, Handling, Naming, TakenAway
from consumer.review.cases.rights import Rights, may
from consumer.review.cases.ruling import ActRefused, Ruling, Settled, needs_approval


@dataclass(frozen=True, slots=True)
class Docket:
    """A case, who is at work on it, and the terms under which."""

    case: ReviewCase
    terms: ReviewTerms
    handling: Handling = NOBODY
    revision: int = 0
    """Grows with every fact that a decision could depend on."""

    @property
    def queue(self) -> str:
        """Where it waits: where it was moved to, where reports took it, or its topic's own."""
        if self.handling.moved_to is not None:
            return self.handling.moved_to
        enough = self.terms.reports_to_escalate
        if self.case.status is Concern.REPORT and 0 < enough <= self.case.reporters:
            return self.terms.escalation_queue
        return self.terms.queue

    def state(self, now_ms: int) -> CaseState:
        """What can be done with it now; a lease or a hold that has run out is none."""
        match self.case.status:
            case Closure.CLOSED:
                return CaseState.CLOSED
            case Closure.DECIDED:
                return CaseState.DECIDED
        if self.claimant(now_ms) is not None:
            return CaseState.CLAIMED
        if self.handling.held_until_ms > now_ms:
            return CaseState.HELD
        if self.handling.proposal is not None or self.queue != self.terms.queue:
            return CaseState.ESCALATED
        return CaseState.OPEN

    def claimant(self, now_ms: int) -> str | None:
        """Who has it, if the lease still runs."""
        return self.handling.claimed_by if self.handling.lease_until_ms > now_ms else None

    def refreshed(self) -> Docket:
        """After a fact has come: work that its case does not ask for any more has ended."""
        handling = self.handling
        if isinstance(self.case.status, Closure):
            return replace(self, handling=Handling())
        proposal = handling.proposal
        if proposal is not None and proposal.position != self.case.version:
            return replace(self, handling=replace(handling, proposal=None))
        return self

    def woken(self) -> Docket:
        """Something has happened: what was held for that, or for anything, is held no longer."""
        return replace(self, handling=replace(self.handling, held_until_ms=0))

    def barred(self, reviewer: str) -> str | None:
        """Why somebody may not judge what is asked now; None where they may."""
        if reviewer in self.case.questioned():
            return "an appeal is judged by somebody whom it does not question"
        proposal = self.handling.proposal
        if proposal is not None and proposal.by == reviewer:
            return "your decision waits for a second person, who must be another one"
        return None

    def claimed(self, reviewer: str, now_ms: int, lease_ms: int, rights: Rights) -> Docket:
        """
        Somebody takes it, or goes on with it; what there is to see they have seen now.

        Raises:
            ActRefused: it is not theirs to take.
        """
        if isinstance(self.case.status, Closure):
            raise ActRefused(f"case {self.case.id} is {self.case.status}: nothing is asked")
        self._check_unclaimed(reviewer, now_ms)
        if self.handling.assigned_to not in (None, reviewer):
            raise ActRefused(
                f"case {self.case.id} is assigned to {self.handling.assigned_to}: "
                f"assign it to {reviewer}, who may take it over so"
            )
        self._check(reviewer, rights)
        own = self.handling
        is_on = self.claimant(now_ms) == reviewer
        return self._released(
            claimed_by=reviewer,
            lease_until_ms=now_ms + lease_ms,
            seen=self.revision,
            claimed_ms=own.claimed_ms if is_on else now_ms,
            taken=None if own.taken is not None and own.taken.whose == reviewer else own.taken,
        )

    def put_back(self, lead: str, now_ms: int, rights: Rights) -> Docket:
        """
        A lead ends somebody's claim: the case is anybody's.

        Raises:
            ActRefused: nobody else has it, or its queue is not open to the lead.
        """
        other = self._others(lead, now_ms)
        self.check_right(lead, rights)
        return self._released(assigned_to=None, taken=TakenAway(other, lead))

    def taken_over(self, lead: str, now_ms: int, lease_ms: int, rights: Rights) -> Docket:
        """
        A lead takes what somebody has, to decide it.

        Raises:
            ActRefused: nobody else has it, or the lead may not decide it.
        """
        back = self.put_back(lead, now_ms, rights)
        return back.claimed(lead, now_ms, lease_ms, rights)

    def _others(self, lead: str, now_ms: int) -> str:
        other = self.claimant(now_ms)
        if other in (None, lead):
            raise ActRefused(f"case {self.case.id}: nobody else has it now")
        assert other is not None
        return other

    def extended(self, reviewer: str, now_ms: int, lease_ms: int) -> Docket:
        """Its claimant is still at work on it; what has come meanwhile they have not seen."""
        self._check_claim(reviewer, now_ms)
        return replace(self, handling=replace(self.handling, lease_until_ms=now_ms + lease_ms))

    def joined(self, reviewer: str, now_ms: int, seen: int, rights: Rights) -> Docket:
        """
        Somebody takes it to decide it along with others, as they saw it.

        Raises:
            ActRefused: it is not theirs to take, or has to be looked at by itself.
        """
        if self.case.open_appeals:
            raise ActRefused(f"case {self.case.id}: an appeal is judged by itself")
        if self.handling.held_until_ms > now_ms:
            raise ActRefused(f"case {self.case.id} is held")
        claimed = self.claimed(reviewer, now_ms, 1, rights)
        return replace(claimed, handling=replace(claimed.handling, seen=seen))

    def assigned(self, reviewer: str, now_ms: int, to: str, rights: Rights) -> Docket:
        """
        Somebody hands it to a person, who alone gets it until they skip it.

        Raises:
            ActRefused: another has it, or that person may not decide it.
        """
        if isinstance(self.case.status, Closure):
            raise ActRefused(f"case {self.case.id} is {self.case.status}: nothing is asked")
        self._check_unclaimed(reviewer, now_ms)
        self.check_right(reviewer, rights)
        self._check(to, rights)
        return self._released(assigned_to=to)

    def drafted(self, reviewer: str, now_ms: int, ruling: Ruling) -> Docket:
        """Its claimant writes down what they mean to say; it waits for them."""
        self._check_claim(reviewer, now_ms)
        return replace(self, handling=replace(self.handling, draft=Draft(reviewer, ruling)))

    def noted(self, reviewer: str, note: str) -> Docket:
        """With a note for whoever gets it next; without a word the one before stays."""
        if not note.strip():
            return self
        return replace(self, handling=replace(self.handling, note=f"{reviewer}: {note.strip()}"))

    def draft_of(self, reviewer: str) -> Ruling | None:
        """What somebody meant to say."""
        draft = self.handling.draft
        return draft.ruling if draft is not None and draft.by == reviewer else None

    def skipped(self, reviewer: str, now_ms: int) -> Docket:
        """Its claimant leaves it to others."""
        self._check_claim(reviewer, now_ms)
        return self._released(assigned_to=None)

    def held(self, reviewer: str, now_ms: int, until_ms: int) -> Docket:
        """Its claimant leaves it until a time: something has to happen first."""
        self._check_claim(reviewer, now_ms)
        if until_ms <= now_ms:
            raise ActRefused("a case is held until a time that is to come")
        return self._released(held_until_ms=until_ms)

    def moved(self, reviewer: str, now_ms: int, queue: str) -> Docket:
        """Its claimant hands it to the people of another queue."""
        self._check_claim(reviewer, now_ms)
        return self._released(moved_to=queue, assigned_to=None)

    def decided(
        self, reviewer: str, settled: Settled, now_ms: int, naming: Naming, rights: Rights
    ) -> Docket:
        """
        Its claimant decides: the case has the decision, or a proposal of it for a second person.

        Raises:
            ActRefused: it is not theirs to decide, or has changed since they saw it.
        """
        self._check_claim(reviewer, now_ms)
        self._check(reviewer, rights)
        if self.handling.seen != self.revision:
            raise ActRefused(f"case {self.case.id} has changed since you saw it")
        decision = self._decision(reviewer, settled, now_ms, naming)
        proposal = self.handling.proposal
        if proposal is not None and _says_the_same(proposal, settled):
            decision = replace(
                decision, by=proposal.by, approved_by=reviewer, reason=proposal.reason
            )
        elif needs_approval(settled, self.terms, max(self.case.reach, naming.reach)):
            return self._released(proposal=decision, assigned_to=None, draft=None)
        return replace(self, case=self.case.with_fact(decision), revision=self.revision + 1)

    def _decision(
        self, reviewer: str, settled: Settled, now_ms: int, naming: Naming
    ) -> DecisionFact:
        appeals = self.case.open_appeals
        cause = Cause.APPEAL if appeals else Cause.HUMAN
        superseded = self.case.current_verdict_id
        return DecisionFact(
            id=naming.id,
            at_ms=now_ms,
            by=reviewer,
            outcome=settled.outcome,
            reason=settled.reason,
            cause=cause,
            label=settled.label,
            rule=settled.rule,
            position=self.case.version,
            supersedes=superseded,
            verdict=superseded and superseding_id(superseded, cause, naming.id),
            appeals=tuple(appeal.id for appeal in appeals),
            batch=naming.batch,
            follows=naming.follows,
        )

    def check_right(self, reviewer: str, rights: Rights) -> None:
        """
        See that somebody may look at it.

        Raises:
            ActRefused: its queue is not open to them.
        """
        if not may(reviewer, self.queue, rights):
            raise ActRefused(
                f"{reviewer} has no right to the queue {self.queue}: see review.rights"
            )

    def _check(self, reviewer: str, rights: Rights) -> None:
        self.check_right(reviewer, rights)
        why = self.barred(reviewer)
        if why is not None:
            raise ActRefused(f"case {self.case.id}: {why}")

    def _check_claim(self, reviewer: str, now_ms: int) -> None:
        claimant = self.claimant(now_ms)
        if claimant == reviewer:
            return
        if isinstance(self.case.status, Closure):
            raise ActRefused(f"case {self.case.id} is {self.case.status} by now")
        taken = self.handling.taken
        if taken is not None and taken.whose == reviewer:
            raise ActRefused(f"case {self.case.id} was taken from you by {taken.by}, a lead")
        whose = f"claimed by {claimant}" if claimant else "not claimed, or the lease has run out"
        raise ActRefused(f"case {self.case.id} is {whose}: claim it first, where that is possible")

    def _check_unclaimed(self, reviewer: str, now_ms: int) -> None:
        other = self.claimant(now_ms)
        if other not in (None, reviewer):
            raise ActRefused(f"case {self.case.id} is claimed by {other}")

    def _released(self, **changes: Any) -> Docket:
        """Nobody has it and nothing holds it back; what others left for later stays."""
        own = self.handling
        handling = Handling(
            moved_to=own.moved_to,
            proposal=own.proposal,
            assigned_to=own.assigned_to,
            draft=own.draft,
            note=own.note,
            taken=own.taken,
        )
        return replace(self, handling=replace(handling, **changes))


def _says_the_same(proposal: DecisionFact, settled: Settled) -> bool:
    return (proposal.outcome, proposal.label, proposal.rule) == settled[:3]
