"""
Audit note: what workers tell each other about one filter, on a topic of one partition.

All read all of it in one order, so they come to the same conclusion at the same note.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.screening.audits.evidence import Evidence

PROBABILITY_MIN = 1e-7
"""Below two floors of audits, one upon the other: a note with less was not written by a worker, and
what it weighs would be no number for whoever adds it up."""

COUNT_MAX = 10**12
"""More messages than a worker sees in a minute, or ever: a note with more is nobody's, too."""


class AuditNote(BaseModel):
    """A positive, counts of what says nothing of the recall, or a person's word."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["positive", "counts", "switched on", "switched off"]
    version: str
    """Digest of the policy version; notes about another one move nothing."""
    artefact: str
    """Digest of the filter."""
    position: str = ""
    """Of a positive: `source/partition/offset`, so that a repeated note counts once."""
    is_settled: bool = False
    """Of a positive: the filter would have settled it, and it was audited."""
    probability: float = Field(default=1.0, ge=PROBABILITY_MIN, le=1)
    """Of a positive: with which the model was asked, by this stage's audits and later ones'."""
    language: str = ""
    """As the record said or as it was guessed; empty where neither did."""
    settled: int = Field(default=0, ge=0, le=COUNT_MAX)
    """Of counts: messages settled unseen, here or by a later stage, since the last such note."""
    negative: int = Field(default=0, ge=0, le=COUNT_MAX)
    """Of counts: messages that the model answered about, and allowed."""

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.is_settled, self.probability, is_positive=True)

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_defaults=True).encode()


def read_note(value: bytes | None) -> AuditNote | None:
    """The note in a record; None where it is none, as a later release's may be."""
    try:
        return AuditNote.model_validate_json(value or b"")
    except ValidationError:
        return None
