"""
Alarm: the recall has fallen below what is demanded. A Shiryaev-Roberts detector (Pollak, 1985).

For every stake M becomes (1 + M)(1 + stake Z). While the recall holds, M less the number of steps
is a martingale or falls, so the mean run to a false alarm is at least the bar, counted in messages
with Z other than 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from consumer.screening.audits.certificate import WEALTH_MAX, number_of, wealth_of
from consumer.screening.audits.evidence import Evidence

STAKES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0)
"""
As multiples of the least audit probability: the best stake for a fall to 0.9 is about that, for
smaller falls less, and more where misses lie near the threshold and weigh little.
"""
STAKE_MAX = 0.5
"""
Less than 1 / (1 - recall) for every recall, so that M stays above zero; where a found positive
stands for several by another stage's audits, so much less.
"""


def stakes_of(probability_min: float) -> list[float]:
    """The stakes of an alarm, by the least probability of an audit."""
    return [min(STAKE_MAX, multiple * probability_min) for multiple in STAKES]


class AlarmTracker:
    """Sums up what speaks against the recall since any moment; stays on once it is on."""

    def __init__(
        self, recall: float, run_length: float, probability_min: float, seen_min: float = 1.0
    ) -> None:
        """`seen_min` is the least probability with which what was not settled is looked at."""
        self._recall = recall
        self._bar = run_length
        most = STAKE_MAX * min(1.0, seen_min / (1.0 - recall))
        self._stakes = [min(most, stake) for stake in stakes_of(probability_min)]
        self._wealth = [0.0] * len(STAKES)
        self._is_on = False

    def __repr__(self) -> str:
        return f"<Alarm {'ON ' if self._is_on else ''}{self.level:.3g} of {self._bar:g}>"

    def add(self, evidence: Evidence) -> None:
        against = evidence.against(self._recall)
        if against:
            self._wealth = [
                min(WEALTH_MAX, (1.0 + wealth) * max(0.0, 1.0 + stake * against))
                for wealth, stake in zip(self._wealth, self._stakes, strict=True)
            ]
            self._is_on = self._is_on or self.level >= self._bar

    @property
    def level(self) -> float:
        return sum(self._wealth) / len(self._wealth)

    @property
    def is_on(self) -> bool:
        return self._is_on

    def state(self) -> dict[str, object]:
        return {"wealth": list(self._wealth), "on": int(self._is_on)}

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a kept state; raises InvalidSettings where it is of another form."""
        self._wealth = wealth_of(state, len(STAKES))
        self._is_on = number_of(state, "on") > 0
