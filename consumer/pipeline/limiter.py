"""
Limiter: how many more records may be taken, and which partitions must wait. Pure.

Two bounds, since they guard different things: records being judged (the inference server's load)
and records not yet committed past (memory, and what a crash would judge again).
"""

from __future__ import annotations

from dataclasses import dataclass

RESUME_SHARE = 0.75
"""A paused partition resumes below this share of its bound, so that it does not flap."""


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """The bounds; every one is a setting."""

    in_flight_max: int = 256
    """Records being judged at once."""
    pending_max: int = 2_000
    """Records of one partition not yet committed past; a batch already on its way may exceed it."""
    pending_total_max: int = 10_000
    """The same over all partitions."""


class Limiter:
    """Counts credits: permissions to take a record that the source has not used yet."""

    def __init__(self, limits: FlowLimits) -> None:
        self.limits = limits
        self.in_flight = 0
        """Records being judged."""
        self.pending = 0
        """Records taken and not yet terminal, over all partitions."""
        self._credits = 0

    def __repr__(self) -> str:
        return (
            f"<Limiter in flight {self.in_flight}/{self.limits.in_flight_max}, "
            f"pending {self.pending}/{self.limits.pending_total_max}, credits {self._credits}>"
        )

    def took(self, count: int) -> None:
        """So many records have come, each on a credit."""
        self._credits -= count

    def credits_to_give(self) -> int:
        """How many more credits the source may have now; they count as given."""
        room = min(
            self.limits.in_flight_max - self.in_flight,
            self.limits.pending_total_max - self.pending,
        )
        more = max(0, room - self._credits)
        self._credits += more
        return more

    def must_pause(self, pending: int) -> bool:
        return pending >= self.limits.pending_max

    def may_resume(self, pending: int) -> bool:
        return pending < self.limits.pending_max * RESUME_SHARE
