"""What people write: a report about somebody's message, or an appeal against a verdict."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from consumer.domain.messages.message import Position
from consumer.domain.policy import Outcome

NAME_CHARS_MAX = 1_000
"""Of an id or a name: some producers make them of addresses."""
NOTE_CHARS_MAX = 10_000
"""Of what somebody says about it."""

Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]


def _position(text: str) -> str:
    if Position.parse(text) is None:
        raise ValueError("a position is topic/partition/offset, as in the header of a verdict")
    return text


PositionText = Annotated[str, AfterValidator(_position)]


class AboutMessage(BaseModel):
    """Which message somebody writes about; what is not known here is passed over."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, coerce_numbers_to_str=True, use_attribute_docstrings=True
    )

    message_id: Name
    """Of the message: its own, or its position where it has none (`safeguard-message-id`)."""
    position: PositionText | None = None
    """The header `safeguard-position` of its verdict. Needed for a message nobody flagged."""
    verdict_id: Name | None = None
    """The header `safeguard-verdict-id`; needed so that a decision can supersede the verdict."""
    id: Name | None = None
    """Unique among the records of this topic; the record's position where it is left out."""
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    """In the words of whoever writes."""


class ReportRecord(AboutMessage):
    """A person reports a message."""

    reporter: Name
    """Who; a person counts once for a message."""
    reason: Name
    """Why, in a word of the platform's own."""
    outcome: Outcome = Outcome.ALLOW
    """Of that verdict (`safeguard-outcome`); what was allowed is judged once more."""
    reach: Annotated[int, Field(ge=0, le=10**12)] = 0
    """How many people have seen the message."""
    reported_at: AwareDatetime | None = None
    """RFC 3339; the record's timestamp where it is left out."""


class AppealRecord(AboutMessage):
    """Somebody asks for another decision about their message."""

    by: Name
    """Who."""
    appealed_at: AwareDatetime | None = None
    """RFC 3339; the record's timestamp where it is left out."""
