"""Bounds: between what the recall lies, however often one looks. A grid of tests by betting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consumer.screening.audits.alarm import STAKE_MAX
from consumer.screening.audits.certificate import WEALTH_MAX, CertificateTracker, wealth_of
from consumer.screening.audits.evidence import Evidence

GRID = (
    *(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.84, 0.87, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95),
    *(0.955, 0.96, 0.965, 0.97, 0.975, 0.98, 0.984, 0.987, 0.99, 0.992, 0.994, 0.996, 0.998),
)
"""Recalls that are tested; the bounds are as fine as that."""
STAKES_ABOVE = (0.0005, 0.002, 0.005, 0.01, 0.02, 0.05, 0.15, 0.4)
"""Stakes against "the recall is higher", of which a miss of weight 1 / p pays 1 + stake r / p."""


class RecallBounds(NamedTuple):
    """The recall lies between these, but for a chance of alpha that either is ever wrong."""

    low: float
    high: float


class _Upper:
    """A gambler against "the recall is at least r"."""

    def __init__(self, recall: float, alpha: float, seen_min: float) -> None:
        self._recall = recall
        self._bar = 1.0 / alpha
        # A found positive that stands for several must not cost more than all.
        most = STAKE_MAX * min(1.0, seen_min / (1.0 - recall))
        self._stakes = [min(most, stake) for stake in STAKES_ABOVE]
        self._wealth = [1.0] * len(STAKES_ABOVE)
        self.is_refuted = False

    def add(self, evidence: Evidence) -> None:
        against = evidence.against(self._recall)
        self._wealth = [
            min(WEALTH_MAX, wealth * max(0.0, 1.0 + stake * against))
            for wealth, stake in zip(self._wealth, self._stakes, strict=True)
        ]
        if sum(self._wealth) >= self._bar * len(self._wealth):
            self.is_refuted = True

    def state(self) -> dict[str, object]:
        return {"wealth": list(self._wealth), "refuted": self.is_refuted}

    def restore(self, state: Mapping[str, object]) -> None:
        self._wealth = wealth_of(state, len(STAKES_ABOVE))
        self.is_refuted = state.get("refuted") is True


class BoundsTracker:
    """Both bounds of the recall, each at half of alpha."""

    def __init__(self, alpha: float, probability_min: float, seen_min: float = 1.0) -> None:
        """`seen_min` is the least probability with which what was not settled is looked at."""
        self._lower = [CertificateTracker(r, alpha / 2, probability_min) for r in GRID]
        self._upper = [_Upper(recall, alpha / 2, seen_min) for recall in GRID]

    def __repr__(self) -> str:
        low, high = self.bounds
        return f"<Bounds {low:g} to {high:g}>"

    def add(self, evidence: Evidence) -> None:
        if evidence.is_positive:
            for lower, upper in zip(self._lower, self._upper, strict=True):
                lower.add(evidence)
                upper.add(evidence)

    @property
    def bounds(self) -> RecallBounds:
        low = max(
            (r for r, test in zip(GRID, self._lower, strict=True) if test.is_shown), default=0
        )
        high = min(
            (r for r, test in zip(GRID, self._upper, strict=True) if test.is_refuted), default=1
        )
        return RecallBounds(low, high)

    def state(self) -> dict[str, object]:
        return {
            "lower": [test.state() for test in self._lower],
            "upper": [test.state() for test in self._upper],
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a kept state; raises InvalidSettings where it is of another form."""
        kept = zip(_states(state, "lower"), _states(state, "upper"), strict=True)
        tests = zip(self._lower, self._upper, strict=True)
        for (lower, upper), (of_lower, of_upper) in zip(tests, kept, strict=True):
            lower.restore(of_lower)
            upper.restore(of_upper)


def _states(state: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """One for each recall of the grid; an empty one, which is refused, where there is none."""
    kept = state.get(name)
    found: Sequence[object] = kept if isinstance(kept, Sequence) else []
    states = [each if isinstance(each, Mapping) else {} for each in found[: len(GRID)]]
    return states + [{}] * (len(GRID) - len(states))
