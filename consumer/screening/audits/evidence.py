"""
Evidence: what one message says for or against the demanded recall. Pure.

Test by betting (Waudby-Smith and Ramdas, 2023; e-detectors: Shin, Ramdas, Rinaldo, 2024): with
score s, audited with probability p(s) where it is settled, and Y = 1 for a confirmed positive,

    Z = r A Y / p(s)     if it was settled
    Z = -(1 - r) A Y / q if it was not, and the model was asked with probability q

has a mean of at most 0 exactly when the recall is at least r, whatever p is, as long as it is above
zero and fixed before the draw. What is not positive or not looked at has Z = 0 and says nothing.
The model is asked about all that no stage settles, so q = 1; where a later stage settles what this
one did not, q is the probability of the later one's audit.
"""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """A message that the model answered about, settled or not."""

    is_settled: bool
    """Whether the filter would have kept it from the model; then it was audited."""
    probability: float
    """With which it was looked at: that of its audit, or of a later stage's; else 1."""
    is_positive: bool
    """The model's answer is not allow, and was confirmed by two of three."""

    @property
    def weight(self) -> float:
        """How many messages it stands for."""
        return 1.0 / self.probability

    def against(self, recall: float) -> float:
        """Z: above zero speaks against the recall, below zero for it."""
        if not self.is_positive:
            return 0.0
        return recall * self.weight if self.is_settled else -(1.0 - recall) * self.weight
