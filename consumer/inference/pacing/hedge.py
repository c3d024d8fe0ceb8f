"""
Hedging: a second call for one that takes unusually long; the first answer counts. Pure.

A tail of one call in a hundred that takes ten times the median is what people wait for. It costs
double work just when a server is slow, so the share of calls that get a second one is bounded.
While no place is free a second call would take one from others: then the first is given up for it,
after twice the time. A call that hangs holds its place no longer than that.
"""

from __future__ import annotations

from consumer.inference.pacing.quantiles import Quantiles

LATENCY_MAX_S = 600.0
"""Longer calls are all alike: nobody waits for ten minutes."""
SEEN_MIN = 200
"""Before so many answers nobody knows what is unusually long."""


class Hedging:
    """When a second call goes out, learned from the latencies of the calls that were answered."""

    def __init__(self, at: float, share_max: float) -> None:
        """`at` is the share of calls (0 to 1) that are faster than what counts as long."""
        self._at = at
        self._share_max = share_max
        self._latencies = Quantiles(0.001, LATENCY_MAX_S)
        self._calls = 0
        self.hedged = 0
        """How many calls had a second one."""

    def __repr__(self) -> str:
        return f"<Hedging after p{self._at * 100:g}, {self.hedged} of {self._calls} calls>"

    def after_s(self) -> float | None:
        """How long to wait for an answer before a second call; None where there is none yet."""
        self._calls += 1
        return self._latencies.at(self._at) if self._latencies.seen >= SEEN_MIN else None

    def answered(self, latency_s: float) -> None:
        self._latencies.add(latency_s)

    def may_hedge(self) -> bool:
        """Whether one more second call keeps to the share; it counts as made."""
        if self.hedged + 1 > self._share_max * self._calls:
            return False
        self.hedged += 1
        return True
