"""The record of a decision on `<input>.decisions`: written closed, and read back by a rebuild."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.domain.messages.message import Headers, Record
from consumer.domain.verdicts.headers import percent, rfc3339
from consumer.review.cases.facts import About, DecisionFact, case_id

EVENT_TYPE = "safeguard.decision.v1"
DECISION_ID = "safeguard-decision-id"


class DecisionRecord(BaseModel):
    """What a reviewer decided about one message."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: str
    case: str
    topic: str
    """The input."""
    message_id: str
    position: str | None = None
    """The version of the message that was decided about."""
    outcome: Literal["allow", "block"]
    label: str | None = None
    """`POLICY.LABEL`."""
    rule: str | None = None
    reason: str
    cause: Literal["human", "appeal"]
    decided_by: str
    approved_by: str | None = None
    """The second person, where one was needed."""
    decided_at: str
    """RFC 3339."""
    supersedes: str | None = None
    """The verdict that this replaces; without one, none is published."""
    verdict: str | None = None
    """The id of the verdict that replaces it."""
    appeals: list[str] = []
    """The ids of the appeals that it answers."""
    batch: str | None = None
    """What was decided together with other messages has the same."""
    follows: str | None = None
    """
    The decision on another message that this one was made along with, since both say nearly the
    same, or that it follows from, since that one overturned what both had.
    """


class StoredDecision(DecisionRecord):
    """As it is read back: a later release may have said more."""

    model_config = ConfigDict(extra="ignore")


def encode_decision(about: About, decision: DecisionFact) -> tuple[bytes, Headers]:
    """Value and headers of the record."""
    found = DecisionRecord(
        id=decision.id,
        case=about.case_id,
        topic=about.topic,
        message_id=about.message_id,
        position=decision.position,
        outcome=decision.outcome,  # type: ignore[arg-type]
        label=decision.label,
        rule=decision.rule,
        reason=decision.reason,
        cause=decision.cause,  # type: ignore[arg-type]
        decided_by=decision.by,
        approved_by=decision.approved_by,
        decided_at=rfc3339(decision.at_ms),
        supersedes=decision.supersedes,
        verdict=decision.verdict,
        appeals=list(decision.appeals),
        batch=decision.batch,
        follows=decision.follows,
    )
    headers: Headers = (
        (DECISION_ID, decision.id.encode()),
        ("safeguard-outcome", decision.outcome.encode()),
        ("safeguard-cause", decision.cause.encode()),
        ("safeguard-message-id", percent(about.message_id)),
        ("ce_specversion", b"1.0"),
        ("ce_type", EVENT_TYPE.encode()),
        ("ce_id", decision.id.encode()),
        ("ce_source", b"/" + percent(about.topic)),
        ("ce_subject", percent(about.message_id)),
        ("ce_time", rfc3339(decision.at_ms).encode()),
        ("content-type", b"application/json"),
    )
    return orjson.dumps(found.model_dump(exclude_none=True)), headers


def decode_decision(record: Record) -> About | None:
    """What `encode_decision` wrote; None where somebody else wrote something else."""
    try:
        found = StoredDecision.model_validate_json(record.value or b"")
        at_ms = round(datetime.fromisoformat(found.decided_at).timestamp() * 1_000)
    except (ValidationError, ValueError):
        return None
    if found.case != case_id(found.topic, found.message_id):
        return None
    fact = DecisionFact(
        id=found.id,
        at_ms=at_ms,
        by=found.decided_by,
        outcome=found.outcome,
        reason=found.reason,
        cause=found.cause,
        approved_by=found.approved_by,
        label=found.label,
        rule=found.rule,
        position=found.position,
        supersedes=found.supersedes,
        verdict=found.verdict,
        appeals=tuple(found.appeals),
        batch=found.batch,
        follows=found.follows,
    )
    return About(found.topic, found.message_id, fact)
