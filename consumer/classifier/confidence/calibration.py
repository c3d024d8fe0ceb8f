"""
What is learned of one policy's answers: how long they reason, and how often looks agree. Pure.

The table in `certainty` is where it begins; each second look counts for the answers of like doubt.
"""

from __future__ import annotations

from bisect import bisect_right

from consumer.inference.pacing.quantiles import Quantiles

LENGTH_MAX = 100_000
"""Tokens of reasoning; longer ones are all alike."""
ANSWERS_MIN = 100
"""Of fewer answers nobody can say which are the longest 20 % (to within 4 points)."""
BINS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
"""Where bins of doubt meet; narrow where most answers lie."""
TABLE_WEIGHT = 20.0
"""The table counts like so many looks: after as many again both count alike."""
LOOKS_MIN = 100
"""A share counted over fewer looks is not known to within 5 points (one standard error)."""
LOOKS_KEPT = 2_000
"""After so many in a bin the older half weighs half as much."""


class Calibration:
    """One policy under one effort and model."""

    def __init__(self) -> None:
        self._lengths = Quantiles(1, LENGTH_MAX)
        self._asked = [0.0] * (len(BINS) + 1)
        self._differed = [0.0] * (len(BINS) + 1)

    def __repr__(self) -> str:
        bins = (f"{d:g}/{a:g}" for d, a in zip(self._differed, self._asked, strict=True))
        return f"<Calibration {self._lengths.seen} answers, differed {' '.join(bins)}>"

    def place(self, length: float) -> float | None:
        """The share of recent answers with a shorter reasoning, before this one is counted too."""
        is_known = self._lengths.seen >= ANSWERS_MIN
        shorter = self._lengths.place(length)
        return shorter if is_known else None

    def score(self, doubt: float) -> float:
        """The probability of the same label, given the table's doubt and what looks have found."""
        at = bisect_right(BINS, doubt)
        asked = self._asked[at]
        if not asked:
            return 1 - doubt
        return 1 - (TABLE_WEIGHT * doubt + self._differed[at]) / (TABLE_WEIGHT + asked)

    def is_calibrated(self, doubt: float) -> bool:
        return self._asked[bisect_right(BINS, doubt)] >= LOOKS_MIN

    def learn(self, doubt: float, asked: int, differed: int) -> None:
        """Count answers to the same question again, and those of them with another label."""
        at = bisect_right(BINS, doubt)
        self._asked[at] += asked
        self._differed[at] += differed
        if self._asked[at] >= LOOKS_KEPT:
            self._asked[at] /= 2
            self._differed[at] /= 2
