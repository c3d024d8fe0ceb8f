"""Head: what an artefact says of itself: for what it was made, from what, and what was shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Field(ge=0, le=1)


class FrozenFields(BaseModel):
    """Of a head: closed, and never changed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False
    )


class Counts(FrozenFields):
    """Messages of one part of the examples."""

    positives: int = Field(ge=0)
    negatives: int = Field(ge=0)


class RecallShown(FrozenFields):
    """What the last part of the examples, which training never saw, says of the recall."""

    positives: int = Field(ge=0)
    missed: int = Field(ge=0)
    recall: float = Share
    """Weighted by 1 / p where a filter was at work before."""
    low: float = Share
    """Shown with confidence 1 - alpha."""
    settled: float = Share
    """Share of all messages of the part that would not have reached the model."""


class FilterHead(FrozenFields):
    """All that is known of a filter but its weights."""

    form: Literal[1] = 1
    """Of file and features; another release may see texts otherwise."""
    made_at: str
    """RFC 3339."""
    topic: str
    version: str
    """`topic@v2`, for people."""
    version_digest: str
    """Of the policy version whose verdicts were learned; the filter is for that one alone."""
    model: str
    template: str
    """Of the verdicts, as they name them."""
    since_ms: int
    until_ms: int
    """Timestamps of the first message learned from and the last one certified with."""
    certified_since_ms: int
    """Messages from here on training never saw."""
    learned: Counts
    certified: Counts
    languages: dict[str, int] = {}
    """Messages by language as records said, the most frequent."""
    recall: float = Share
    """Demanded."""
    alpha: float = Field(gt=0, lt=1)
    threshold: float = Share
    """A text is settled below it."""
    near_from: float = Share
    """Settled texts from here on are near the threshold and audited more often."""
    familiar_min: float = Share
    """A text with a smaller share of words that training saw is never settled."""
    shown: RecallShown
    bias: float
    slope: float = Field(gt=0)
    offset: float

    @property
    def has_evidence(self) -> bool:
        """Whether the demanded recall was shown; a filter without that settles nothing."""
        return self.shown.low >= self.recall and self.shown.positives > 0
