"""Stride: how far one comparison moves a limit, and how rarely the next one is made. Pure."""

from __future__ import annotations

import math

GAIN_MIN, GAIN_MAX = 0.1, 0.5
"""How far one comparison moves the limit, in its logarithm: after many that contradict or agree."""
HOLD_MAX = 16
"""Windows between two comparisons that go on contradicting each other, at most."""


class Stride:
    """
    Grows while comparisons say the same.

    Those that contradict each other are noise about the knee: the limit is moved less by them, and
    they are made ever more rarely.
    """

    def __init__(self) -> None:
        self._gain = GAIN_MAX
        self._last_error = 0.0
        self.hold = 1
        """Windows to the next comparison."""

    def __repr__(self) -> str:
        return f"<Stride {self._gain:.2f}, every {self.hold} windows>"

    def factor(self, error: float) -> float:
        """By how much to multiply the limit; `error` is between -1 (less) and 1 (more)."""
        is_going_on = error * self._last_error > 0
        self._last_error = error
        gain = self._gain * 1.5 if is_going_on else self._gain / 2
        self._gain = min(GAIN_MAX, max(GAIN_MIN, gain))
        self.hold = 1 if is_going_on else min(2 * self.hold, HOLD_MAX)
        return math.exp(self._gain * error)
