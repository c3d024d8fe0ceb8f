"""
The wire contract of a verdict record: the models that others build on.

They are closed and are the source of `deploy/schemas/`. `encoding.py` writes the same shape.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from consumer.domain.messages.message import MessageEvent
from consumer.domain.policy import Effort, Look, Outcome
from consumer.domain.verdicts.certainty import Sign
from consumer.domain.verdicts.verdict import (
    Cause,
    UnjudgedReason,
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PositionField(_Closed):
    """Where the judged record lies."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class LineField(_Closed):
    """An earlier message of the conversation; speaker A is the author of the judged message."""

    speaker: str
    text: str


class ContextField(_Closed):
    """How much the model was shown beside the message."""

    messages: int
    author_facts: int


class MessageField(_Closed):
    """Whose message it is; `text` is on the flag topic alone."""

    id: str
    author: str | None = None
    conversation: str | None = None
    language: Annotated[str | None, Field(description="As the record says")] = None
    language_guess: Annotated[
        str | None,
        Field(description="By its text, where the record does not say and the topic asks for it"),
    ] = None
    unread: Annotated[
        list[Literal["id", "author", "conversation", "language", "headers"]] | None,
        Field(
            description="Parts of the record that could not be read; without an id of its own the "
            "message has its position as id"
        ),
    ] = None
    text: str | None = None
    text_cut: Annotated[
        bool | None, Field(description="True where the text was cut to fit the topic")
    ] = None
    context: Annotated[
        list[LineField] | None,
        Field(description="Earlier messages that the model was shown; on the flag topic alone"),
    ] = None


class TokensField(_Closed):
    """Tokens as the server counted them; 0 where it did not."""

    prompt: int
    cached: int
    reasoning: int
    completion: int


class CertaintyField(_Closed):
    """The probability that asking again would give the same label."""

    score: Annotated[float, Field(ge=0, le=1)]
    calibrated: Annotated[
        bool, Field(description="False until enough second looks at such answers were counted")
    ]
    rests_on: list[Sign]


class SecondLookField(_Closed):
    """The text was judged once more; where the labels differ the outcome is never allow."""

    how: Look
    agreed: bool
    labels: list[str]


class JudgementField(_Closed):
    """What the model answered under one policy."""

    policy: str
    label: str
    outcome: Outcome
    rules: list[str]
    confidence: str | None
    effort: Effort
    tokens: TokensField
    certainty: CertaintyField | None = None
    second_look: SecondLookField | None = None
    rationale: str | None = None
    reasoning: str | None = None


class ScreeningField(_Closed):
    """What a stage before the model said of the message, whether or not that settled it."""

    stage: Literal["memo", "near-duplicate", "list", "prefilter", "decision"]
    score: Annotated[
        float | None, Field(ge=0, le=1, description="How like it was, or how likely")
    ] = None
    artefact: Annotated[
        str,
        Field(
            description="Digest of the list or classifier; of memo and near-duplicate the id of "
            "the verdict that the model gave"
        ),
    ]
    audit_probability: Annotated[
        float | None,
        Field(gt=0, le=1, description="How likely the model was to be asked all the same"),
    ] = None


class TimingField(_Closed):
    """Milliseconds: waiting for the first call, the calls, and from taking the record to now."""

    queued: float
    model: float
    total: float


class Envelope(_Closed):
    """The value of a verdict record."""

    id: str
    outcome: Outcome
    cause: Cause
    unjudged_reason: UnjudgedReason | None = None
    event: Annotated[
        MessageEvent | None,
        Field(
            description="What the record does to an earlier message of this id: its verdict takes "
            "the place of all on that message's earlier positions"
        ),
    ] = None
    position: PositionField
    message: MessageField
    policy_version: str
    policy_digest: str
    judgements: list[JudgementField]
    confidence: Annotated[
        CertaintyField | None,
        Field(description="Of the least sure judgement that the outcome follows from"),
    ] = None
    model: str
    template: str
    endpoint: str
    timing_ms: TimingField
    judged_at: str
    supersedes: str | None = None
    context: ContextField | None = None
    screening: ScreeningField | None = None
