"""Figures that others published for sets that we know by their texts. Data."""

from __future__ import annotations

from dataclasses import dataclass

REPORT_SOURCE = (
    "OpenAI, technical report on gpt-oss-safeguard, 2025-10-29, table 2; policies and prompt of "
    "the report differ from those here, and so may the treatment of missing labels"
)


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """What a source says of a model on the same texts."""

    model: str
    measure: str
    value: float
    source: str


_MODERATION_2022 = (
    ("gpt-oss-safeguard-120b", 0.829),
    ("gpt-oss-safeguard-20b", 0.829),
    ("internal-safety-reasoner", 0.828),
    ("gpt-oss-120b", 0.804),
    ("gpt-5-thinking", 0.798),
    ("gpt-oss-20b", 0.787),
)
_SETS = {
    # The 1,680 texts of openai/moderation-api-release.
    "17e85b3f5f6ced784cb2c47abe9050f1": tuple(
        PublishedFigure(model, "F1 of whole texts", value, REPORT_SOURCE)
        for model, value in _MODERATION_2022
    )
}


def published_for(digest: str) -> tuple[PublishedFigure, ...]:
    """What is published for the set with these texts; nothing where it is no known one."""
    return _SETS.get(digest, ())
