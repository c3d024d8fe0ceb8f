"""
Quantiles of a stream of positive numbers, in fixed memory. Pure.

Buckets that each cover a tenth more than the one before: a quantile is right to within 5 %, finer
than the things measured here repeat. Old numbers fade, so that a new model or a busier server is
learned within some thousand answers.
"""

from __future__ import annotations

import math
from bisect import bisect_right

GROWTH = 1.1
_LOG_GROWTH = math.log(GROWTH)
MEMORY = 4_000
"""After so many numbers the older half weighs half as much."""


class Quantiles:
    """Where numbers lie among those seen of late; the same numbers give the same answers."""

    def __init__(self, least: float, most: float, memory: int = MEMORY) -> None:
        """Numbers below `least` and above `most` count as these."""
        self._least = least
        self._memory = memory
        buckets = math.ceil(math.log(most / least) / _LOG_GROWTH) + 1
        self._bounds = [least * GROWTH ** (bucket + 0.5) for bucket in range(buckets - 1)]
        """Where a bucket ends and the next begins."""
        self._counts = [0.0] * buckets
        self._total = 0.0
        self.seen = 0
        """How many numbers there were in all."""

    def __repr__(self) -> str:
        return f"<Quantiles of {self.seen}: p50 {self.at(0.5):.3g}, p95 {self.at(0.95):.3g}>"

    def add(self, number: float) -> None:
        self._add_to(bisect_right(self._bounds, number))

    def place(self, number: float) -> float:
        """`share_below` of this number among those before it, and then `add` it."""
        bucket = bisect_right(self._bounds, number)
        share = self._share_below(bucket)
        self._add_to(bucket)
        return share

    def _add_to(self, bucket: int) -> None:
        self._counts[bucket] += 1.0
        self._total += 1.0
        self.seen += 1
        if self._total >= self._memory:
            self._counts = [count / 2 for count in self._counts]
            self._total /= 2

    def at(self, share: float) -> float:
        """The number below which this share (0 to 1) of them lies; `least` where there is none."""
        left = share * self._total
        for bucket, count in enumerate(self._counts):
            if count and left <= count:
                return self._least * math.exp(_LOG_GROWTH * (bucket + left / count - 0.5))
            left -= count
        return self._least

    def share_below(self, number: float) -> float:
        """The share of them below this number, counting half of those that are much the same."""
        return self._share_below(bisect_right(self._bounds, number))

    def _share_below(self, bucket: int) -> float:
        if not self._total:
            return 0.5
        return (sum(self._counts[:bucket]) + self._counts[bucket] / 2) / self._total
