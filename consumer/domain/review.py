"""What a topic wants of its human reviewers, from `[review]` in `topic.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from consumer.domain.policy import Outcome
from consumer.domain.statement import StatementTerms

DEAD_LETTER = ".dead-letter"
"""What follows the name of a topic that people write to, for what cannot be read there."""


class ReviewTopics(NamedTuple):
    """The topics of one input that are about its reviewers' work."""

    reports: str
    appeals: str
    decisions: str

    @property
    def dead_letters(self) -> tuple[str, str]:
        """For malformed reports and for malformed appeals: each topic has its own."""
        return self.reports + DEAD_LETTER, self.appeals + DEAD_LETTER


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """How the messages of a topic are reviewed by people."""

    sla_s: float = 86_400.0
    """Seconds from the first question about a message to the decision, for the least risky."""
    queue: str = "review"
    """The queue that its cases begin in."""
    escalation_queue: str = "escalated"
    """The queue of cases that enough people have reported."""
    reports_to_escalate: int = 3
    """By so many people; 0 is never."""
    approve_outcomes: frozenset[Outcome] = frozenset()
    """Decisions with one of these outcomes need a second person who agrees."""
    approve_labels: frozenset[str] = frozenset()
    """So do those with one of these labels, each `POLICY.LABEL`."""
    approve_reach: int = 0
    """So do those on messages that at least so many people saw; 0 is none."""
    alike: float = 0.85
    """One decision settles texts that share so much of their wording; 1 is all of it, 0 none."""
    reports: str = "{topic}.reports"
    appeals: str = "{topic}.appeals"
    decisions: str = "{topic}.decisions"
    statements: StatementTerms | None = None
    """What statements of reasons say; None where there are none."""

    def topics(self, source: str) -> ReviewTopics:
        """The topics for one input."""
        names = (self.reports, self.appeals, self.decisions)
        return ReviewTopics(*(name.replace("{topic}", source) for name in names))

    def all_topics(self, source: str) -> tuple[str, ...]:
        """Every topic of these terms for one input, those for dead letters and statements too."""
        own = self.topics(source)
        statements = self.statements.topic if self.statements is not None else None
        more = () if statements is None else (statements.replace("{topic}", source),)
        return (*own, *own.dead_letters, *more)

    def states(self, outcome: Outcome | str, label: str | None) -> bool:
        """Whether a statement of reasons is published for a decision."""
        own = self.statements
        return own is not None and own.topic is not None and own.wants(outcome, label)

    @property
    def templates(self) -> tuple[str, ...]:
        """Every topic of these terms, with `{topic}` for the input's name."""
        return self.all_topics("{topic}")
