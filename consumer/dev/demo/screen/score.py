"""Score: how many of what, and how long it took."""

from __future__ import annotations

from collections import Counter

from consumer.dev.demo.screen.row import OutcomeRow

KEPT = 2_000
"""Latencies that the percentiles are made of."""


class Score:
    """Counts what has become of the messages so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._ages_ms: list[int] = []

    def __repr__(self) -> str:
        return f"<Score {dict(self.counts)}>"

    @property
    def total(self) -> int:
        return self.counts.total()

    def add(self, row: OutcomeRow) -> None:
        self.counts[row.outcome] += 1
        self._ages_ms.append(row.age_ms)
        # Of the latest only: a takeover that is long over need not be felt for ever.
        del self._ages_ms[:-KEPT]

    def percentile_ms(self, share: float) -> int:
        """From the record's timestamp to when a reader of its output topic had the verdict."""
        ordered = sorted(self._ages_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
