"""
Case: all that is known of one message under review, and what is asked about it now.

A case is the set of its facts. What follows from them does not depend on the order in which they
came, so a store that is built anew from the topics says what the old one said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from consumer.domain.messages.message import Position
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause
from consumer.review.cases.facts import (
    About,
    AppealFact,
    DecisionFact,
    ReportFact,
    ReviewFact,
    VerdictFact,
)


class Concern(StrEnum):
    """Why a person must look."""

    APPEAL = "appeal"
    REPORT = "report"
    FLAG = "flag"


class Closure(StrEnum):
    """Why nobody must look."""

    DECIDED = "decided"
    """A reviewer has decided about this version of the message."""
    CLOSED = "closed"
    """The message was deleted, or another verdict has taken the place of the one that flagged."""


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """One message under review. A change makes a new one."""

    id: str
    topic: str
    message_id: str
    verdicts: tuple[VerdictFact, ...] = ()
    """By position, then by time."""
    reports: tuple[ReportFact, ...] = ()
    """The oldest of them; a store need not bring all of a flood."""
    reporters: int = 0
    """How many people reported it."""
    appeals: tuple[AppealFact, ...] = ()
    decisions: tuple[DecisionFact, ...] = ()

    @classmethod
    def of(cls, about: About) -> ReviewCase:
        """The case of a message of which only this is known."""
        return cls(about.case_id, about.topic, about.message_id).with_fact(about.fact)

    def about(self, decision: DecisionFact) -> About:
        """A decision with the message that it is about."""
        return About(self.topic, self.message_id, decision)

    def with_fact(self, fact: ReviewFact) -> ReviewCase:
        """What is known once this is known as well; knowing it twice changes nothing."""
        match fact:
            case VerdictFact():
                return replace(self, verdicts=_with(self.verdicts, fact))
            case ReportFact():
                reports = _with(self.reports, fact)
                reporters = len({report.reporter for report in reports})
                return replace(self, reports=reports, reporters=max(reporters, self.reporters))
            case AppealFact():
                return replace(self, appeals=_with(self.appeals, fact))
            case DecisionFact():
                return replace(self, decisions=_with(self.decisions, fact))

    @property
    def version(self) -> str | None:
        """
        The last version of the message: where its record lies; None where nobody knows.

        What people say of it counts only while no verdict says it: they may be mistaken.
        """
        known = [verdict.position for verdict in self.verdicts]
        known = known or [fact.position for fact in self._told if fact.position is not None]
        return max(known, key=_place) if known else None

    @property
    def _told(self) -> tuple[ReportFact | AppealFact, ...]:
        """What people say of verdicts that are on no flag topic."""
        return (*self.reports, *self.appeals)

    @property
    def current(self) -> VerdictFact | None:
        """The verdict on that version which nothing has superseded."""
        superseded = {verdict.supersedes for verdict in self.verdicts}
        here = [v for v in self.verdicts if v.position == self.version and v.id not in superseded]
        return here[-1] if here else None

    @property
    def flagged(self) -> VerdictFact | None:
        """The last verdict on that version which has the message's text."""
        here = [v for v in self.verdicts if v.position == self.version and v.envelope]
        return here[-1] if here else None

    @property
    def sent_by(self) -> tuple[str, ...]:
        """The policies that sent it to people, by name."""
        envelope = self.flagged.envelope if self.flagged is not None else {}
        judgements = envelope.get("judgements", [])
        found = (str(j.get("policy")) for j in judgements if j.get("outcome") != Outcome.ALLOW)
        return tuple(dict.fromkeys(found))

    @property
    def current_verdict_id(self) -> str | None:
        """What a decision supersedes: the last verdict that anybody told of, or is to publish."""
        current = self.current
        told = [f for f in self._told if f.position == self.version]
        last = next((fact.verdict for fact in reversed(told) if fact.verdict), None)
        if current is not None:
            last = current.id
        on_the_way = {d.supersedes: d.verdict for d in self.decisions if d.verdict}
        while last in on_the_way:
            last = on_the_way[last]
        return last

    @property
    def doubted(self) -> str | None:
        """
        The verdict that people question by their reports and that is to be judged once more.

        It allows the last version and supersedes nothing: what was judged twice is for people.
        """
        current = self.current
        if self.status is not Concern.REPORT or self.version is None:
            return None
        if current is not None:
            is_first = current.outcome == Outcome.ALLOW and current.supersedes is None
            return current.id if is_first else None
        here = [r for r in self.reports if r.position == self.version and r.verdict is not None]
        return here[0].verdict if here and here[0].outcome == Outcome.ALLOW else None

    @property
    def open_appeals(self) -> tuple[AppealFact, ...]:
        """Those that no decision has answered."""
        answered = {name for decision in self.decisions for name in decision.appeals}
        return tuple(appeal for appeal in self.appeals if appeal.id not in answered)

    @property
    def decided(self) -> DecisionFact | None:
        """The last decision about the last version."""
        here = self.decided_here
        return here[-1] if here else None

    @property
    def decided_here(self) -> list[DecisionFact]:
        """All decisions about the last version, the oldest first."""
        if not self.decisions:
            return []
        version, since_ms = self.version, self._here_since_ms
        here = (decision for decision in self.decisions if decision.position == version)
        return [decision for decision in here if decision.at_ms >= since_ms]

    @property
    def _here_since_ms(self) -> int:
        """
        Since when what lies there is this message; 0 where nothing else ever did.

        A message that has no id is named by its place, and an input that is made again has another
        one there. A record's time tells them apart; what flagged it has that.
        """
        born = [
            (told, verdict.at_ms)
            for verdict in self.verdicts
            if verdict.position == self.version and (told := _written_ms(verdict)) is not None
        ]
        if all(told == born[-1][0] for told, _ in born):
            return 0
        return min(at_ms for told, at_ms in born if told == born[-1][0])

    @property
    def deleted_at(self) -> VerdictFact | None:
        """The verdict by which the message is no more, unless it was written anew since."""
        current = self.current
        return current if current is not None and current.cause == Cause.DELETED else None

    @property
    def status(self) -> Concern | Closure:
        """What is asked, or why nothing is; people go before machines."""
        if self.deleted_at is not None:
            return Closure.CLOSED
        if self.open_appeals:
            return Concern.APPEAL
        if self.decided is not None:
            return Closure.DECIDED
        if self.reporters:
            return Concern.REPORT
        current = self.current
        is_flagged = current is not None and current.outcome == Outcome.FLAG
        return Concern.FLAG if is_flagged else Closure.CLOSED

    @property
    def asked_ms(self) -> int:
        """When the oldest of what is asked was asked, in ms since 1970."""
        match self.status:
            case Concern.APPEAL:
                return self.open_appeals[0].at_ms
            case Concern.REPORT | Concern.FLAG:
                here = [v.at_ms for v in self.verdicts if v.position == self.version]
                return min([*here, *(report.at_ms for report in self.reports)])
        return 0

    @property
    def reach(self) -> int:
        """How many people saw it, as far as anybody said."""
        return max((report.reach for report in self.reports), default=0)

    def questioned(self) -> frozenset[str]:
        """Whom an open appeal questions: they are the last to judge it."""
        if not self.open_appeals:
            return frozenset()
        return frozenset(person for decision in self.decisions for person in decision.people)


def _written_ms(verdict: VerdictFact) -> int | None:
    """The time of the message's record, where it tells; a second judgement is on another one."""
    place = verdict.envelope.get("position")
    if not isinstance(place, dict):
        return None
    own = (place.get("topic"), place.get("partition"), place.get("offset"))
    told = place.get("timestamp_ms")
    return told if own == _place(verdict.position) and isinstance(told, int) else None


def _place(position: str) -> tuple[str, int, int]:
    """A later version of a message has its key, so it lies further back in the same partition."""
    found = Position.parse(position)
    assert found is not None, "whoever reads a record sees that it says a position"
    return found


def _order(fact: ReviewFact) -> tuple[object, ...]:
    if isinstance(fact, VerdictFact):
        return (*_place(fact.position), fact.at_ms, fact.id)
    return (fact.at_ms, fact.id)


OneKind = TypeVar("OneKind", VerdictFact, ReportFact, AppealFact, DecisionFact)


def _with(facts: tuple[OneKind, ...], new: OneKind) -> tuple[OneKind, ...]:
    if any(fact.id == new.id for fact in facts):
        return facts
    together = list(facts)
    together.append(new)
    return tuple(sorted(together, key=_order))
