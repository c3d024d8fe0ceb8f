"""`[review]`: what people decide about the topic's messages, and how soon."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.registry.topic.statements import StatementsTable
from consumer.registry.topic.table import ClosedTable, OwnName
from consumer.registry.wording import shape

SLA_S_MAX = 315_360_000
"""Ten years: nobody means more, and a moment has to be in a calendar."""

QueueName = Annotated[
    str,
    Field(
        pattern=shape(
            r"^[a-z0-9][a-z0-9._-]{0,62}$", "must be small letters, digits, dots, - and _"
        )
    ),
]


class ReviewTable(ClosedTable):
    """`[review]`: people decide about flagged and reported messages; without it nobody does."""

    sla_s: Annotated[float, Field(ge=60, le=SLA_S_MAX)] = 86_400.0
    """Seconds from the first question about a message to a decision; risky ones are due sooner."""
    queue: QueueName = "review"
    """The queue that the topic's cases begin in."""
    escalation_queue: QueueName = "escalated"
    """The queue of messages that enough people have reported."""
    reports_to_escalate: Annotated[int, Field(ge=0)] = 3
    """So many people must have reported a message for that; 0 is never."""
    approve_outcomes: list[Literal["allow", "block"]] = []
    """Decisions with one of these outcomes wait for a second person who agrees."""
    approve_labels: list[Annotated[str, Field(pattern=r"^[^.]+\..+$")]] = []
    """Decisions with one of these labels do so too; each is written `POLICY.LABEL`."""
    approve_reach: Annotated[int, Field(ge=0)] = 0
    """Decisions on messages that at least so many people saw do so too; 0 is none."""
    alike: Annotated[float, Field(ge=0, le=1)] = 0.85
    """One decision settles texts that share so much of their words and pairs; 1 all, 0 is off."""
    reports: OwnName = "{topic}.reports"
    """Topic of people's reports about messages."""
    appeals: OwnName = "{topic}.appeals"
    """Topic of authors' appeals against verdicts."""
    decisions: OwnName = "{topic}.decisions"
    """Topic of what reviewers decided."""
    statements: StatementsTable | None = None
    """Statements of reasons under EU law; without the table there are none."""

    def terms(self) -> ReviewTerms:
        return ReviewTerms(
            sla_s=self.sla_s,
            queue=self.queue,
            escalation_queue=self.escalation_queue,
            reports_to_escalate=self.reports_to_escalate,
            approve_outcomes=frozenset(map(Outcome, self.approve_outcomes)),
            approve_labels=frozenset(self.approve_labels),
            approve_reach=self.approve_reach,
            alike=self.alike,
            reports=self.reports,
            appeals=self.appeals,
            decisions=self.decisions,
            statements=self.statements.terms() if self.statements else None,
        )
