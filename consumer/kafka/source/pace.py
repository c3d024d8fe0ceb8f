"""
Pace: how soon after records were handed over the next ones are.

Whatever is handed over wakes the event loop, and everything that follows from it (calls, answers,
verdicts) comes as it came: together or one by one. A message that comes alone costs nearly twice
what it costs among others. So where they come fast the next ones are let gather for a moment; where
they come slowly none waits.
"""

from __future__ import annotations

GATHER_S = 0.004
"""Records that come faster are handed over no more often: a small part of what any answer takes."""
FAST_S = 2 * GATHER_S
"""Two that were handed over with less between them came fast."""


class Pace:
    """Of one source. Time is passed in, in seconds of one clock."""

    def __init__(self) -> None:
        self._went_s = float("-inf")
        self._is_fast = False

    def __repr__(self) -> str:
        return f"<Pace {'fast' if self._is_fast else 'slow'}>"

    def went(self, now_s: float) -> None:
        """Records are handed over."""
        self._is_fast = now_s - self._went_s < FAST_S
        self._went_s = now_s

    def rest_s(self, now_s: float) -> float:
        """For how long the next ones are let gather."""
        return max(0.0, self._went_s + GATHER_S - now_s) if self._is_fast else 0.0
