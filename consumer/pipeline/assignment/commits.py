"""
Commits: what may be committed and published in one assignment, once it is recovered. Pure.

Each commit carries a checkpoint, and each accepted one renews the lease. One commit at a time is
under way, so that none can overtake another.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.checkpoint import Checkpoint, short_id
from consumer.interfaces import Assigned, CommitPoint
from consumer.pipeline.assignment.lease import Lease, LeaseTerms, Moment
from consumer.pipeline.assignment.offsets import OffsetTracker
from consumer.pipeline.assignment.outputs import FloorOf, OutputFloors
from consumer.pipeline.assignment.recovery import Recovered
from consumer.pipeline.assignment.suspicion import Suspicion


class Owner(NamedTuple):
    """Who commits."""

    name: str
    """Of this process, unlike any other's."""
    terms: LeaseTerms


class Asked(NamedTuple):
    """A commit under way."""

    at: Moment
    metadata: str
    is_steady: bool
    """Whether this process had not stood still of late, so that the answer renews the lease."""


class Commits:
    """From the recovery of a partition to the end of its assignment."""

    def __init__(
        self, assigned: Assigned, recovered: Recovered, owner: Owner, floor_of: FloorOf
    ) -> None:
        self._assigned = assigned
        self._owner = owner
        self.term = recovered.term
        self.topic_id = recovered.topic_id
        """The broker's id of the input; empty where it gives none."""
        self.offsets = OffsetTracker(assigned.start, recovered.done, recovered.named)
        self.outputs = OutputFloors(assigned.partition.number, recovered, floor_of)
        self.suspicion = Suspicion(recovered, assigned.start)
        self.lease = Lease(owner.terms)
        self.is_established = False
        """Whether the first commit was accepted: only then is anything judged."""
        self._asked: Asked | None = None
        self._has_moved = True

    def __repr__(self) -> str:
        state = "established" if self.is_established else "not established"
        return f"<Commits of {self._assigned.partition} term {self.term} {state} {self.lease!r}>"

    # Records and their publications.

    def finish(self, offset: int) -> None:
        """A record is terminal; the last commit does not know of it."""
        self.offsets.finish(offset)
        self._has_moved = True

    def may_publish(self, topic: str, now: Moment) -> bool:
        return self.outputs.is_named(topic) and self.lease.allows_publishing(now)

    def acknowledged(self, topic: str, offset: int) -> None:
        """What was sent there for a record is stored, or will never be."""
        self.outputs.acknowledged(topic, offset)
        self._has_moved = True

    # Whether our end would count against records.

    @property
    def is_suspicious(self) -> bool:
        return self.suspicion.may_grow(self.offsets.committable)

    @property
    def is_noting_start(self) -> bool:
        return self.suspicion.is_noting_start(self.offsets.committable)

    def put_at_risk(self, is_at_risk: bool) -> None:
        """The next commit says so, where that is new."""
        self._has_moved |= self.suspicion.put_at_risk(is_at_risk)

    def mark(self, offset: int) -> None:
        """The next commit notes that this record is begun alone."""
        self.suspicion.mark(offset)
        self._has_moved = True

    # Asking and hearing.

    def is_asking(self, now: Moment) -> bool:
        """Whether an answer is due; one that takes longer than a lease is not waited for."""
        asked = self._asked
        return asked is not None and now.since_s(asked.at) < self._owner.terms.length_s

    def is_wanted(self, now: Moment) -> bool:
        """Whether a commit would say anything new, or the lease runs down."""
        if self.is_asking(now):
            return False
        return self._has_moved or self.outputs.has_news(self._is_whole) or self.lease.is_due(now)

    def ask(self, now: Moment, is_steady: bool) -> CommitPoint:
        """The commit to send now; its answer comes through `answered`."""
        self.outputs.ask(self._is_whole)
        self.suspicion.ask()
        self._has_moved = False
        point = self._point(now, self._owner.terms.length_s, is_released=False)
        self._asked = Asked(now, point.metadata, is_steady)
        return point

    def answered(self, metadata: str, is_accepted: bool) -> None:
        """What became of the commit with this metadata, if it is the one that was asked for."""
        asked = self._asked
        if asked is None or metadata != asked.metadata:
            return
        self._asked = None
        if not is_accepted:
            self._has_moved = True
            return
        self.outputs.accepted()
        self.suspicion.accepted()
        self.is_established = True
        if asked.is_steady:
            self.lease.renew(asked.at)

    def last_point(self, now: Moment) -> CommitPoint:
        """The last commit of this assignment; it releases where nothing is on its way."""
        left_s = max(0.0, self.lease.left_s(now))
        return self._point(now, left_s, is_released=self.outputs.is_settled)

    def _point(self, now: Moment, lease_s: float, *, is_released: bool) -> CommitPoint:
        partition, number = self._assigned.partition, self._assigned.number
        offset = self.offsets.committable
        note = self.suspicion.to_note(offset, is_released=is_released)
        checkpoint = Checkpoint(
            owner=self._owner.name,
            term=self.term,
            lease_end_ms=0 if is_released else now.wall_ms + int(lease_s * 1_000),
            is_released=is_released,
            topic_id=short_id(self.topic_id),
            floors=self.outputs.to_note(self._is_whole),
            done=self.offsets.done,
            starts=note.starts,
            careful_until=self.suspicion.still_careful_until(offset),
            attempted=note.attempted,
            attempts=note.attempts,
        )
        return CommitPoint(number, offset, checkpoint.encode(offset, partition.topic))

    @property
    def _is_whole(self) -> bool:
        """Whether a commit says all that is done, so that the outputs need no reading before it."""
        return self.is_established and self.offsets.covers_recovered
