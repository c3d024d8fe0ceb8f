"""
Lease: the right to publish for one partition, renewed by each accepted commit. Pure.

Kafka refuses the commits of a member that it has expelled but not what that member produces. So a
worker publishes only while it is certain that nobody else owns the partition: a commit that was
accepted shows that the group still counted us in, and it goes on doing so for a session from our
last heartbeat. The lease is shorter than the session by what may lie between the two, and it is
counted from when the commit was asked for, never from its answer.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.value import Value
from consumer.interfaces import Clock


class Moment(Value, frozen=True, order=True):
    """A moment on both clocks: one may stand still or be set while the other goes on."""

    now_s: float
    wall_ms: int

    @classmethod
    def of(cls, clock: Clock) -> Moment:
        return cls(clock.now_s(), clock.wall_ms())

    def since_s(self, earlier: Moment) -> float:
        """Seconds since an earlier moment, by whichever clock moved further."""
        return max(self.now_s - earlier.now_s, (self.wall_ms - earlier.wall_ms) / 1_000)


NEVER = Moment(float("-inf"), 0)


class LeaseTerms(NamedTuple):
    """What a lease is made of; all in seconds."""

    session_s: float
    """After so long without a heartbeat the group gives the partitions to others."""
    heartbeat_s: float
    """Between two heartbeats."""
    request_s: float
    """The longest that one request to the coordinator may take."""
    margin_s: float
    """For threads that wait for the processor; a longer stand-still counts as a stall."""
    publish_s: float
    """The longest that a publication can lie in the client before it is stored or given up."""

    @property
    def length_s(self) -> float:
        """From asking for the commit that renews it to its end."""
        return self.session_s - self.heartbeat_s - self.request_s - self.margin_s

    @property
    def needed_s(self) -> float:
        """What must be left of it for a publication to begin."""
        return self.publish_s + self.margin_s

    @property
    def steady_s(self) -> float:
        """How long there must have been no stall before a commit, for it to renew the lease."""
        return self.heartbeat_s + self.request_s


class Lease:
    """The lease of one partition."""

    def __init__(self, terms: LeaseTerms) -> None:
        self._terms = terms
        self._renewed: Moment | None = None
        self._last = NEVER
        """Up to when a publication may begin."""

    def __repr__(self) -> str:
        return f"<Lease of {self._terms.length_s:g} s, renewed {self._renewed}>"

    def renew(self, asked: Moment) -> None:
        """The commit that was asked for then has been accepted."""
        self._renewed = renewed = max(self._renewed or asked, asked)
        for_s = self._terms.length_s - self._terms.needed_s
        self._last = Moment(renewed.now_s + for_s, renewed.wall_ms + int(for_s * 1_000))

    def left_s(self, now: Moment) -> float:
        """Seconds until it ends; negative where it has ended or never was."""
        if self._renewed is None:
            return float("-inf")
        return self._terms.length_s - now.since_s(self._renewed)

    def allows_publishing(self, now: Moment) -> bool:
        """Whether what is sent now is stored or given up before the lease ends."""
        return now.now_s <= self._last.now_s and now.wall_ms <= self._last.wall_ms

    def is_due(self, now: Moment) -> bool:
        """Whether it should be renewed, though no commit has moved."""
        return self.left_s(now) < (self._terms.length_s + self._terms.needed_s) / 2


class StallWatch:
    """
    Knows whether this process has stood still of late.

    A process that stood still sent no heartbeats, so a commit accepted right after proves less: a
    KIP-848 coordinator does not count a commit as a heartbeat and may expel us the moment after.
    """

    def __init__(self, terms: LeaseTerms) -> None:
        self._terms = terms
        self._ticked: Moment | None = None
        self._steady_since: Moment | None = None

    def __repr__(self) -> str:
        return f"<StallWatch steady since {self._steady_since}>"

    def tick(self, now: Moment) -> None:
        """To be called far more often than `margin_s`."""
        if self._ticked is not None and now.since_s(self._ticked) > self._terms.margin_s:
            self._steady_since = now
        self._ticked = now

    def is_steady(self, now: Moment) -> bool:
        """Whether a commit asked for now would renew a lease."""
        self.tick(now)
        # Before the first stall there was none: to be assigned anything we have just been heard.
        since = self._steady_since
        return since is None or now.since_s(since) >= self._terms.steady_s
