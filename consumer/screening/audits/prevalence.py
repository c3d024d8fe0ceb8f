"""
Prevalence: the share of traffic that breaks the policy, from what was judged and audited.

The Horvitz-Thompson estimate: everything looked at stands for 1 / p messages. Its interval is
Wilson's for as many messages as would say equally much if they had been drawn at random (Korn and
Graubard, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from consumer.screening.audits.certificate import number_of
from consumer.screening.audits.evidence import Evidence

DEVIATIONS = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""


class PrevalenceEstimate(NamedTuple):
    """A share of traffic and the range that holds the true one in 95 of 100 cases."""

    share: float
    low: float
    high: float


class PrevalenceTracker:
    """What was seen of a stream, or of the part of it in one language."""

    def __init__(self) -> None:
        self._messages = 0.0
        self._looked_at = 0.0
        self._positives = 0.0
        self._squares = 0.0

    def __repr__(self) -> str:
        return f"<Prevalence {self._positives:g} of {self._messages:g}>"

    def add_unseen(self, count: int) -> None:
        """Messages that were settled and not audited: they only count."""
        self._messages += count

    def add_negatives(self, count: int) -> None:
        """Messages that the model answered about and allowed."""
        self._messages += count
        self._looked_at += count

    def add(self, evidence: Evidence) -> None:
        """A message that the model answered about."""
        self._messages += 1
        self._looked_at += 1
        if evidence.is_positive:
            self._positives += evidence.weight
            self._squares += evidence.weight**2

    @property
    def messages(self) -> int:
        return int(self._messages)

    def estimate(self) -> PrevalenceEstimate | None:
        """None while nothing was looked at."""
        if not self._looked_at:
            return None
        share = min(1.0, self._positives / self._messages)
        variance = max(0.0, self._squares / self._messages - share**2)
        # As good as a random sample of so many; without any positive, of those looked at.
        size = self._looked_at
        if 0.0 < share < 1.0 and variance > 0.0:
            size = self._messages * share * (1.0 - share) / variance
        square = DEVIATIONS**2
        middle = (share + square / (2 * size)) / (1 + square / size)
        spread = math.sqrt(share * (1 - share) / size + square / (4 * size**2)) * DEVIATIONS
        spread /= 1 + square / size
        return PrevalenceEstimate(share, max(0.0, middle - spread), min(1.0, middle + spread))

    def state(self) -> dict[str, object]:
        return {
            "messages": self._messages,
            "looked_at": self._looked_at,
            "positives": self._positives,
            "squares": self._squares,
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a kept state; raises InvalidSettings where it is of another form."""
        self._messages = number_of(state, "messages")
        self._looked_at = number_of(state, "looked_at")
        self._positives = number_of(state, "positives")
        self._squares = number_of(state, "squares")
