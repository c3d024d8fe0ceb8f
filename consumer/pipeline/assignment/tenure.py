"""
Tenure: what a worker may commit and publish for one partition during one assignment. Pure.

It makes the checkpoint that goes with each commit and holds the lease that each accepted commit
renews. One commit at a time is under way, so that none can overtake another. Nothing is sent to an
output before an accepted commit has named it: the next owner would not look there.

An owner that dies casts suspicion on the records of its partition only where the commit says that
they were at risk: in the hands of a model that is well. Its death in an outage, or idle, says
nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consumer.domain.checkpoint import Checkpoint, Floor, short_id
from consumer.interfaces import Assigned, CommitPoint, Output
from consumer.pipeline.assignment.lease import Lease, LeaseTerms, Moment
from consumer.pipeline.assignment.offsets import OffsetTracker
from consumer.pipeline.assignment.recovery import Recovered

FloorOf = Callable[[Output], Floor]
"""The first offset at which a publication sent now can come to lie, and in which topic."""

ATTEMPTS_MAX = 2
"""A record begun alone so often, each time with the end of its worker, is quarantined."""


class Tenure:
    """From the recovery of a partition to the end of its assignment."""

    def __init__(
        self,
        assigned: Assigned,
        recovered: Recovered,
        owner: str,
        terms: LeaseTerms,
        floor_of: FloorOf,
    ) -> None:
        self.partition = assigned.partition
        self.number = assigned.number
        self.term = recovered.term
        self.topic_id = recovered.topic_id
        """The broker's id of the input; empty where it gives none."""
        self.tracker = OffsetTracker(assigned.start, recovered.done, recovered.named)
        self.is_established = False
        """Whether its first commit was accepted: only then is anything judged."""
        self._start = assigned.start
        self._recovered = recovered
        self._owner = owner
        self._terms = terms
        self._floor_of = floor_of
        self.lease = Lease(terms)
        self._floors = dict(recovered.floors)
        """Output -> where the tail began when it was read, or when the output came up."""
        self._current: frozenset[str] = frozenset()
        """The outputs of the policies in force."""
        self._unacknowledged: dict[str, dict[int, Floor]] = {}
        """Output -> offset of the record on its way there -> where it can lie at the earliest."""
        self._named: frozenset[str] = frozenset()
        """The outputs named by the last accepted commit and by each that was asked for since."""
        self._asked: Moment | None = None
        """When the commit under way was asked for."""
        self._asked_metadata = ""
        self._asked_was_steady = False
        self._asked_names: frozenset[str] = frozenset()
        self._has_moved = True
        self._mark = (recovered.attempted, recovered.attempts)
        """A record begun alone, and how often it was."""
        self.is_first = not recovered.starts and not recovered.careful_until
        """Whether no owner before is suspected to have died of a record here."""
        self._is_at_risk = self.is_first
        """
        Whether records are in the hands of a model that is well.

        A first owner says so beforehand; after others have died the first record waits for that.
        """
        self._asked_starts = 0
        self._is_start_noted = not recovered.starts
        self._asked_mark = self._mark
        self._noted_mark = (-1, 0)
        """The mark that the last accepted commit of this tenure holds, once it has made one."""
        self._is_marking = False

    def __repr__(self) -> str:
        state = "established" if self.is_established else "not established"
        return f"<Tenure {self.partition} term {self.term} {state} {self.lease!r}>"

    # Publications.

    def name_outputs(self, topics: Sequence[str]) -> None:
        """From now on what is taken goes to these; others are named only while they are needed."""
        self._current = frozenset(topics)
        for topic in topics:
            self._floors.setdefault(topic, self._floor_of(self._output(topic)))

    def need(self, topic: str) -> None:
        """Something is ready to go there, be it under policies of before a reload."""
        if topic not in self._current:
            self.name_outputs([*self._current, topic])

    def may_publish(self, topic: str, now: Moment) -> bool:
        return topic in self._named and self.lease.allows_publishing(now)

    def sent(self, topic: str, offset: int) -> None:
        """About to be sent, for the first time or again."""
        on_their_way = self._unacknowledged.setdefault(topic, {})
        if offset not in on_their_way:
            on_their_way[offset] = self._floor(topic)

    def acknowledged(self, topic: str, offset: int) -> None:
        """It is stored, or will never be."""
        del self._unacknowledged[topic][offset]
        self._has_moved = True

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way to an output."""
        return not any(self._unacknowledged.values())

    # Records that may end their worker.

    @property
    def is_suspicious(self) -> bool:
        """Whether the death of this worker could still count against a record."""
        left, at = self._recovered, self.tracker.committable
        return at == self._start or at < left.careful_until

    def put_at_risk(self, is_at_risk: bool) -> None:
        """The next commit says so, where that is new."""
        if is_at_risk != self._is_at_risk:
            self._is_at_risk = is_at_risk
            self._has_moved = True

    @property
    def is_start_noted(self) -> bool:
        """Whether the next owner would know that the model was given a record of this partition."""
        return self._is_start_noted or not self.is_suspicious

    @property
    def is_noting_start(self) -> bool:
        """Whether a record waits for that note."""
        return self._is_at_risk and not self.is_start_noted

    def is_careful(self, offset: int) -> bool:
        return offset < self._recovered.careful_until

    def is_poison(self, offset: int) -> bool:
        """Whether this record, alone, has ended its worker too often."""
        left = self._recovered
        return offset == left.attempted and left.attempts >= ATTEMPTS_MAX

    def mark(self, offset: int) -> None:
        """The next commit notes that this record is begun alone."""
        left = self._recovered
        self._mark = (offset, (left.attempts if offset == left.attempted else 0) + 1)
        self._is_marking = True
        self._is_at_risk = True
        self._has_moved = True

    def is_marked(self, offset: int) -> bool:
        """Whether the next owner would know that this record was begun alone."""
        return self._is_marking and self._mark[0] == offset and self._noted_mark == self._mark

    # Commits.

    def moved(self) -> None:
        """Something was finished that the last commit does not know of."""
        self._has_moved = True

    def is_asking(self, now: Moment) -> bool:
        """Whether an answer is due; one that takes longer than a lease is not waited for."""
        return self._asked is not None and now.since_s(self._asked) < self._terms.length_s

    def wants_commit(self, now: Moment) -> bool:
        """Whether a commit would say anything new, or the lease runs down."""
        if self.is_asking(now):
            return False
        return (
            self._has_moved
            or not self.is_established
            or self._named != self._names()
            or self.lease.is_due(now)
        )

    def ask(self, now: Moment, is_steady: bool) -> CommitPoint:
        """The commit to send now; its answer comes through `answered`."""
        self._asked = now
        self._asked_was_steady = is_steady
        self._asked_names = self._names()
        # From when it may be stored the next owner looks nowhere else, whatever we hear of it.
        self._named &= self._asked_names
        self._asked_mark = self._mark_to_note
        self._asked_starts = self._starts
        self._has_moved = False
        point = self._point(now, self._terms.length_s, is_released=False)
        self._asked_metadata = point.metadata
        return point

    def answered(self, metadata: str, is_accepted: bool) -> None:
        """What became of the commit with this metadata, if it is the one that was asked for."""
        if self._asked is None or metadata != self._asked_metadata:
            return
        asked, self._asked = self._asked, None
        if not is_accepted:
            self._has_moved = True
            return
        self._named = self._asked_names
        self._noted_mark = self._asked_mark
        self._is_start_noted |= self._asked_starts > self._recovered.starts
        self.is_established = True
        if self._asked_was_steady:
            self.lease.renew(asked)

    def last_point(self, now: Moment) -> CommitPoint:
        """The last commit of this assignment; it releases where nothing is on its way."""
        return self._point(now, max(0.0, self.lease.left_s(now)), is_released=self.is_settled)

    def _point(self, now: Moment, lease_s: float, *, is_released: bool) -> CommitPoint:
        tracker, left = self.tracker, self._recovered
        offset = tracker.committable
        lease_end_ms = now.wall_ms + int(lease_s * 1_000)
        checkpoint = Checkpoint(
            owner=self._owner,
            term=self.term,
            lease_end_ms=0 if is_released else lease_end_ms,
            is_released=is_released,
            topic_id=short_id(self.topic_id),
            floors={topic: self._floor_to_note(topic) for topic in self._names()},
            done=tracker.done,
            starts=self._starts if offset == self._start and not is_released else 0,
            careful_until=left.careful_until if left.careful_until > offset else 0,
            attempted=self._mark_to_note[0],
            attempts=0 if is_released else self._mark_to_note[1],
        )
        text = checkpoint.encode(offset, self.partition.topic)
        return CommitPoint(self.number, offset, text)

    @property
    def _starts(self) -> int:
        return self._recovered.starts + self._is_at_risk

    @property
    def _mark_to_note(self) -> tuple[int, int]:
        left = self._recovered
        return self._mark if self._is_at_risk else (left.attempted, left.attempts)

    def _names(self) -> frozenset[str]:
        """The outputs where the next owner has to look; those of before a reload may go."""
        if not (self.is_established and self.tracker.covers_recovered):
            return frozenset(self._floors)
        return self._current.union(t for t, sent in self._unacknowledged.items() if sent)

    def _floor_to_note(self, topic: str) -> Floor:
        """From where on anything may lie that the checkpoint does not name as done."""
        found = self._recovered.found_floors.get(topic)
        if found is not None and not (self.is_established and self.tracker.covers_recovered):
            return found
        on_their_way = self._unacknowledged.get(topic)
        if on_their_way:
            # They were sent in this order, so the first has the lowest floor; where the output
            # was made again in between, its floor is of the old one, and the new is read whole.
            return next(iter(on_their_way.values()))
        return self._floor(topic)

    def _floor(self, topic: str) -> Floor:
        """
        Where what is sent now can lie at the earliest.

        Offsets compare within one topic. The sink knows of the last topic of that name that this
        process has seen: where it is another one than at the beginning, only the sink's counts. If
        the sink is behind instead, the next owner finds a floor of an older topic and reads all.
        """
        own, sinks = self._floors[topic], self._floor_of(self._output(topic))
        if own.topic_id == sinks.topic_id:
            return max(own, sinks)
        return sinks if sinks.topic_id else own

    def _output(self, topic: str) -> Output:
        return Output(topic, self.partition.number)
