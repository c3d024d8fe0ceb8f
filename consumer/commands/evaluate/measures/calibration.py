"""
Whether scores come true: judgements sorted by how sure they were, and how many were right. Pure.

A score is the probability that asking again gives the same label. Held against the label that was
due it also shows what is wrong each time; held against a second run it shows what it promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.commands.evaluate.measures.interval import Interval, bootstrap, wilson

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Judgements of about the same score."""

    low: float
    high: float
    judgements: int
    score: float | None
    """Their mean score."""
    right: Interval | None


@dataclass(frozen=True, slots=True)
class CalibrationMeasures:
    """How far scores are from what came true."""

    bins: tuple[Bin, ...]
    expected_error: Interval | None
    """ECE: the mean distance of score and share, each bin with the weight of its judgements."""
    calibrated_share: float | None
    """Of the judgements, how many had a score that was calibrated on second looks."""


class ScoreBins:
    """Counts of judgements by their score."""

    def __init__(self) -> None:
        self._right = [0] * BINS
        self._wrong = [0] * BINS
        self._scores = [0.0] * BINS
        self._calibrated = 0

    def __repr__(self) -> str:
        return f"<ScoreBins over {self.total} judgements>"

    @property
    def total(self) -> int:
        return sum(self._right) + sum(self._wrong)

    def add(self, score: float, *, is_right: bool, is_calibrated: bool) -> None:
        at = min(BINS - 1, int(score * BINS))
        (self._right if is_right else self._wrong)[at] += 1
        self._scores[at] += score
        self._calibrated += is_calibrated

    def measures(self) -> CalibrationMeasures | None:
        """None where no judgement had a score."""
        if not self.total:
            return None
        sizes = [right + wrong for right, wrong in zip(self._right, self._wrong, strict=True)]
        means = [s / max(1, n) for s, n in zip(self._scores, sizes, strict=True)]
        bins = tuple(
            Bin(
                at / BINS,
                (at + 1) / BINS,
                size,
                means[at] if size else None,
                wilson(self._right[at], size),
            )
            for at, size in enumerate(sizes)
        )

        def error(counts: Sequence[int]) -> float | None:
            total = sum(counts)
            if not total:
                return None
            pairs = zip(counts[:BINS], counts[BINS:], means, strict=True)
            gaps = (abs(right - mean * (right + wrong)) for right, wrong, mean in pairs)
            return sum(gaps) / total

        ece = bootstrap([*self._right, *self._wrong], error)
        return CalibrationMeasures(bins, ece, self._calibrated / self.total)
