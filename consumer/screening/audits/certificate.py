"""
Certificate: whether the recall has been shown, at a level that holds however often one looks.

Wealth is multiplied and never added up in logarithms: products are the same on every machine, so
that all workers come to the same conclusion at the same message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumer.errors import InvalidSettings
from consumer.screening.audits.evidence import Evidence

STAKES = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 0.97)
"""Shares of the highest stake that can never lose all; the mean has an eleventh of the best."""
WEALTH_MAX = 1e250
"""Far above any bar: so much is as good as more, and infinity times zero is no number."""


class CertificateTracker:
    """
    A gambler against "the recall is lower": wealth of 1 / alpha shows the contrary.

    The mean over the stakes is a test martingale (Ville's inequality): under any lower recall the
    chance that it ever reaches 1 / alpha is at most alpha.
    """

    def __init__(self, recall: float, alpha: float, probability_min: float) -> None:
        self._recall = recall
        self._bar = 1.0 / alpha
        self._stakes = [share * probability_min / recall for share in STAKES]
        self._wealth = [1.0] * len(STAKES)
        self._best = 1.0

    def __repr__(self) -> str:
        return f"<Certificate {self.wealth:.3g} of {self._bar:g}>"

    def add(self, evidence: Evidence) -> None:
        against = evidence.against(self._recall)
        if against:
            self._wealth = [
                min(WEALTH_MAX, wealth * max(0.0, 1.0 - stake * against))
                for wealth, stake in zip(self._wealth, self._stakes, strict=True)
            ]
            self._best = max(self._best, self.wealth)

    @property
    def wealth(self) -> float:
        return sum(self._wealth) / len(self._wealth)

    @property
    def is_shown(self) -> bool:
        """Whether the recall has been shown, now or at any time before."""
        return self._best >= self._bar

    def state(self) -> dict[str, object]:
        return {"wealth": list(self._wealth), "best": self._best}

    def restore(self, state: Mapping[str, object]) -> None:
        """
        Go on from a kept state.

        Raises:
            InvalidSettings: it is of another form; start anew without it.
        """
        self._wealth, self._best = wealth_of(state, len(STAKES)), number_of(state, "best")


def wealth_of(state: Mapping[str, object], count: int) -> list[float]:
    """The wealth by stake that was kept, checked."""
    kept = state.get("wealth")
    if isinstance(kept, Sequence) and len(kept) == count:
        return [number_of({"wealth": value}, "wealth") for value in kept]
    raise InvalidSettings(f"a kept state of audits has no {count} numbers of wealth: start anew")


def number_of(state: Mapping[str, object], name: str) -> float:
    value = state.get(name)
    if isinstance(value, int | float) and 0 <= value < float("inf"):
        return float(value)
    raise InvalidSettings(f"a kept state of audits has no number {name!r}: start anew")
