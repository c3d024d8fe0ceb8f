"""A flight: one record on its way from being taken to being terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from consumer.domain.binding import Binding
from consumer.domain.message import Record
from consumer.domain.policy import PolicyVersion
from consumer.domain.verdict import Verdict
from consumer.errors import Rejected
from consumer.interfaces import Partition, Publication
from consumer.pipeline.offsets import OffsetTracker
from consumer.pipeline.sequencer import Sequenced, Sequencer


class Flight(Sequenced):
    """
    What is known of one record so far. Its version was chosen when it was taken and stays.

    It travels with the publication as its ticket: what comes back after the assignment has ended
    is not live and moves nothing.
    """

    __slots__ = (
        "binding",
        "publication",
        "record",
        "rejection",
        "sent_s",
        "stretch",
        "taken_s",
        "task",
        "verdict",
        "version",
    )

    def __init__(self, record: Record, stretch: Stretch, binding: Binding, taken_s: float) -> None:
        super().__init__(record.key if binding.order == "key" else None)
        self.record = record
        self.stretch = stretch
        self.binding = binding
        self.version: PolicyVersion = binding.live
        self.taken_s = taken_s
        self.sent_s = 0.0
        self.publication: Publication | None = None
        self.verdict: Verdict | None = None
        self.rejection: Rejected | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def is_live(self) -> bool:
        return self.stretch.is_live


class Stretch:
    """One partition during one assignment: everything in it ends with the assignment."""

    def __init__(self, partition: Partition, term: int, start: int) -> None:
        self.partition = partition
        self.term = term
        self.tracker = OffsetTracker(start)
        self.sequencer: Sequencer[Flight] = Sequencer()
        self.flights: dict[int, Flight] = {}
        """Unfinished records by offset, in the order they were taken."""
        self.binding: Binding | None = None
        """What bound the topic when its last record was taken."""
        self.is_live = True
        self.is_paused = False
        self.commit_asked = start
        self.on_empty: Callable[[Stretch], None] | None = None
        """Called once nothing is unfinished, for whoever drains."""

    def __repr__(self) -> str:
        return f"<Stretch {self.partition} term {self.term} {self.tracker!r} {self.sequencer!r}>"
