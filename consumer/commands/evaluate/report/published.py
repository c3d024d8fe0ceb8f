"""Figures that others published for sets that we know, beside ours on the same texts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.measures.tally import RunMeasures

REPORT_SOURCE = (
    "OpenAI, technical report on gpt-oss-safeguard, 2025-10-29, table 2; policies and prompt of "
    "the report differ from those here, and so may the treatment of missing labels"
)
MEASURE = "F1 of whole texts"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """What a source says of a model."""

    model: str
    value: float


@dataclass(frozen=True, slots=True)
class OwnFigure:
    """What a run of this evaluation found on the same texts."""

    run: str
    model: str
    figure: Interval | None


@dataclass(frozen=True, slots=True)
class PublishedFigures:
    """Both side by side."""

    measure: str
    source: str
    known_by: str
    """Why the texts are taken for those of the source."""
    figures: tuple[PublishedFigure, ...]
    here: tuple[OwnFigure, ...]


_MODELS = (
    "gpt-oss-safeguard-120b",
    "gpt-oss-safeguard-20b",
    "internal-safety-reasoner",
    "gpt-5-thinking",
    "gpt-oss-120b",
    "gpt-oss-20b",
)
_MODERATION_2022 = (0.829, 0.829, 0.828, 0.798, 0.804, 0.787)
_TOXICCHAT = (0.793, 0.799, 0.813, 0.810, 0.767, 0.759)
MODERATION_2022_DIGEST = "17e85b3f5f6ced784cb2c47abe9050f1"
"""Of the 1,680 texts of openai/moderation-api-release."""
TOXICCHAT_TEXTS = 5_083
"""Prompts of ToxicChat's test split, by which it is known; its licence lets nobody ship it here."""


def published_for(
    digest: str, preset: str | None, texts: int, runs: Sequence[RunMeasures]
) -> PublishedFigures | None:
    """What is published for the set with these texts; None where it is no known one."""
    if digest == MODERATION_2022_DIGEST:
        values, known_by = _MODERATION_2022, "its texts"
    elif preset == "toxicchat" and texts == TOXICCHAT_TEXTS:
        values, known_by = _TOXICCHAT, f"the number of its texts, {TOXICCHAT_TEXTS:,}"
    else:
        return None
    return PublishedFigures(
        MEASURE,
        REPORT_SOURCE,
        known_by,
        tuple(PublishedFigure(*each) for each in zip(_MODELS, values, strict=True)),
        tuple(OwnFigure(run.run, run.model, run.outcome.f1) for run in runs if not run.is_rerun),
    )
