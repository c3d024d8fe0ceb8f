"""A flight: one record on its way from being taken to being terminal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record
from consumer.domain.policy import PolicyVersion
from consumer.domain.verdicts.usage import NO_USAGE, Usage
from consumer.domain.verdicts.verdict import Verdict
from consumer.errors import Rejected
from consumer.interfaces import Partition, Publication
from consumer.pipeline.assignment.tenure import Tenure
from consumer.pipeline.conversations import Conversations, InContext
from consumer.pipeline.flow.budget import Budget
from consumer.pipeline.sequencer import Sequenced, Sequencer


class Reserve(NamedTuple):
    """What was set aside in a budget for one record."""

    budget: Budget
    calls: int


class Flight(Sequenced):
    """
    What is known of one record so far. Its version was chosen when it was taken and stays.

    It travels with the publication as its ticket: what comes back after the assignment has ended
    is not live and moves nothing.
    """

    __slots__ = (
        "binding",
        "in_context",
        "is_over_budget",
        "publication",
        "record",
        "rejection",
        "reserve",
        "sent_s",
        "stretch",
        "taken_s",
        "task",
        "usage",
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
        self.usage: Usage | None = NO_USAGE
        """What its calls cost; None while they are made, and when they were cut short."""
        self.reserve: Reserve | None = None
        self.is_over_budget = False
        """Whether its topic's budget was spent when it began."""
        self.in_context: InContext | None = None
        """It as it was read when it was taken, where its topic has context."""

    @property
    def is_live(self) -> bool:
        return self.stretch.is_live

    @property
    def is_being_judged(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def is_unbegun(self) -> bool:
        """Whether it waits for the note that it is begun alone."""
        return self.task is None and self.publication is None


class Stretch:
    """One partition during one assignment: everything in it ends with the assignment."""

    def __init__(self, partition: Partition, number: int) -> None:
        self.partition = partition
        self.number = number
        self.tenure: Tenure | None = None
        """What may be committed and published; None until the recovery is through."""
        self.recovering: asyncio.Task[None] | None = None
        self.sequencer: Sequencer[Flight] = Sequencer()
        self.flights: dict[int, Flight] = {}
        """Unfinished records by offset, in the order they were taken."""
        self.waiting: deque[Record] = deque()
        """Taken, and not yet admitted: there is no room, or they go one at a time."""
        self.withheld: deque[Flight] = deque()
        """Ready to be published, and not allowed to yet."""
        self.binding: Binding | None = None
        """What bound the topic when its last record was taken."""
        self.budget: Budget | None = None
        """What its input may cost, where it has a bound."""
        self.conversations = Conversations()
        """What was said in it, where its topic has context."""
        self.is_live = True
        self.is_paused = False
        self.on_empty: list[Callable[[Stretch], None]] = []
        """Called once nothing is unfinished, for whoever drains."""

    def __repr__(self) -> str:
        return (
            f"<Stretch {self.partition} {self.tenure!r} {self.sequencer!r} "
            f"waiting {len(self.waiting)}, withheld {len(self.withheld)}>"
        )

    @property
    def is_established(self) -> bool:
        """Whether it is known what was done before, and committed that we go on from there."""
        return self.tenure is not None and self.tenure.is_established

    @property
    def term(self) -> int:
        """Counts the assignments of the partition, over all workers; 0 while that is not known."""
        return self.tenure.term if self.tenure else 0

    @property
    def topic_id(self) -> str:
        """The broker's id of the topic that its records were taken from, or empty."""
        return self.tenure.topic_id if self.tenure else ""

    @property
    def is_held(self) -> bool:
        """Whether its records wait until the budget has room."""
        return self.budget is not None and self.budget.is_spent and self.budget.waits

    @property
    def is_noting(self) -> bool:
        """Whether its one record waits for the note that it is begun alone."""
        first = next(iter(self.flights.values()), None)
        return first is not None and first.is_unbegun

    def goes_on_behind(self, flight: Flight) -> bool:
        """Whether any record that was taken after this one has been judged."""
        tracker = self.settled.tracker
        return tracker.pending > tracker.unfinished or any(
            other.publication is not None for other in self.flights.values() if other is not flight
        )

    @property
    def is_empty(self) -> bool:
        return not self.flights and not self.waiting

    def tell_if_empty(self) -> None:
        """Tell whoever drains, once."""
        if self.is_empty:
            listeners, self.on_empty = self.on_empty, []
            for listener in listeners:
                listener(self)

    @property
    def settled(self) -> Tenure:
        """The tenure of a stretch whose records are being taken."""
        assert self.tenure is not None
        return self.tenure
