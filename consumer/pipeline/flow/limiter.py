"""
Limiter: how many more records may be taken, and which partitions must wait. Pure.

Two bounds, since they guard different things: records being judged (the inference server's load)
and records not yet committed past (memory, and what a crash would judge again). Of the first, later
lanes may fill a part only while an earlier one is in use: what they hold waits for the model, and
would keep a chat message from being taken at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from consumer.domain.lane import LANES, Lane, LaneUse

LANE_SHARES = {Lane.COMMENTS: 0.75, Lane.REPLAY: 0.5}
"""What a lane and all later ones may hold together of `in_flight_max`, while an earlier is used."""
KEPT_S = 60.0
"""A lane counts as in use for so long after its last record: a quiet chat is not a dead one."""
PLENTY_SHARE = 0.5
"""Of the credits that an idle worker gives: with so many the source lacks nothing."""
RESUME_SHARE = 0.75
"""A paused partition resumes below this share of its bound, so that it does not flap."""


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """The bounds; every one is a setting."""

    in_flight_max: int = 256
    """Records being judged at once."""
    pending_max: int = 10_000
    """Records of one partition not yet committed past; a batch already on its way may exceed it."""
    pending_total_max: int = 10_000
    """Records taken and not yet terminal, over all partitions."""


class Limiter:
    """Counts credits: permissions to take a record that the source has not used yet."""

    def __init__(self, limits: FlowLimits) -> None:
        self.limits = limits
        self.in_flight = 0
        """Records being judged."""
        self.pending = 0
        """Records taken and not yet terminal, over all partitions."""
        self._credits = 0
        self._plenty = min(limits.in_flight_max, limits.pending_total_max) * PLENTY_SHARE
        self._use = LaneUse(KEPT_S)
        self._in_lane = [0] * len(LANES)
        """Records being judged, by lane."""

    def __repr__(self) -> str:
        return (
            f"<Limiter in flight {self.in_flight}/{self.limits.in_flight_max}, "
            f"pending {self.pending}/{self.limits.pending_total_max}, credits {self._credits}>"
        )

    def has_room(self, lane: Lane, now_s: float) -> bool:
        """Whether a record of that lane may be judged now, for all that earlier lanes need."""
        return self.room(lane, now_s) > 0

    def room(self, lane: Lane, now_s: float) -> int:
        """How many records of that lane may be judged now beside those that are."""
        self._use.used(lane, now_s)
        # Credits alone do not bound this: what had to wait used its credit long ago.
        free = self.limits.in_flight_max - self.in_flight
        if free > 0 and lane and self._use.is_preceded(lane, now_s):
            share = ceil(LANE_SHARES[lane] * self.limits.in_flight_max)
            free = min(free, share - sum(self._in_lane[lane:]))
        return max(0, free)

    def begin(self, lane: Lane) -> None:
        """A record begins to be judged."""
        self.in_flight += 1
        self._in_lane[lane] += 1

    def end(self, lane: Lane) -> None:
        """It is judged, or nobody judges it any more."""
        self.in_flight -= 1
        self._in_lane[lane] -= 1

    @property
    def is_short_of_credits(self) -> bool:
        """Whether the source has used most of the credits that an idle worker gives."""
        return self._credits < self._plenty

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
