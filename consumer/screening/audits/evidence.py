"""
Evidence: what one message says for or against the demanded recall. Pure.

Test by betting (Waudby-Smith and Ramdas, 2023; e-detectors: Shin, Ramdas, Rinaldo, 2024): with
score s, audited with probability p(s) where it is settled, and Y = 1 for a confirmed positive,

    Z = r A Y / p(s)     if it was settled
    Z = -(1 - r) Y       if the model judged it anyway

has a mean of at most 0 exactly when the recall is at least r, whatever p is, as long as it is above
zero and fixed before the draw. What is not positive or not looked at has Z = 0 and says nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """A message that the model answered about, settled or not."""

    is_settled: bool
    """Whether the filter would have kept it from the model; then it was audited."""
    probability: float
    """That of its audit; 1 where the model judges all."""
    is_positive: bool
    """The model's answer is not allow, and was confirmed by two of three."""

    @property
    def weight(self) -> float:
        """How many messages it stands for."""
        return 1.0 / self.probability if self.is_settled else 1.0

    def against(self, recall: float) -> float:
        """Z: above zero speaks against the recall, below zero for it."""
        if not self.is_positive:
            return 0.0
        return recall * self.weight if self.is_settled else -(1.0 - recall)
