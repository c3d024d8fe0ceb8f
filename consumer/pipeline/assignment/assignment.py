"""
Assignment: one partition from being assigned to being revoked or lost, and its flights, each a
record on its way from being taken to being terminal. Everything in it ends with the assignment.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.choose import choose
from consumer.domain.messages.message import Message, Record
from consumer.domain.value import Value
from consumer.domain.verdicts.usage import NO_USAGE, Usage
from consumer.domain.verdicts.verdict import Verdict
from consumer.errors import Rejected
from consumer.interfaces import Inquiry, Partition, Publication
from consumer.pipeline.assignment.commits import Commits
from consumer.pipeline.assignment.conversations import Conversations, InContext
from consumer.pipeline.assignment.unfinished import Unfinished
from consumer.pipeline.flow.budget import Budget
from consumer.pipeline.sequencer import Sequenced


class Reserve(NamedTuple):
    """What was set aside in a budget for one record."""

    budget: Budget
    calls: int


class Conclusion(Value, frozen=True):
    """What a record comes to: what is published for it, made of a verdict or of a rejection."""

    publication: Publication
    verdict: Verdict | None = None
    rejection: Rejected | None = None


class Flight(Sequenced):
    """
    What is known of one record so far. Its version was chosen when it was taken and stays.

    It waits for a note that it is begun alone, or is being judged, and then has its conclusion. It
    travels with the publication as its ticket: what comes back after the assignment has ended is
    not live and moves nothing.
    """

    __slots__ = (
        "assignment",
        "binding",
        "conclusion",
        "in_context",
        "inquiry",
        "is_over_budget",
        "is_overtaken",
        "message",
        "record",
        "reserve",
        "sent_s",
        "settling",
        "taken_s",
        "task",
        "usage",
        "version",
    )

    def __init__(
        self, record: Record, assignment: Assignment, binding: Binding, taken_s: float
    ) -> None:
        super().__init__(record.key if binding.order == "key" else None)
        self.record = record
        self.assignment = assignment
        self.binding = binding
        self.version = choose(binding)
        self.taken_s = taken_s
        self.in_context: InContext | None = None
        """It as it was read when it was taken, where its topic has context."""
        self.message: Message | None = None
        """What it says, once it is known that the model is to be asked."""
        self.inquiry: Inquiry | None = None
        """What it is asked with, where it was screened before."""
        self.is_over_budget = False
        """Whether its topic's budget was spent when it began."""
        self.settling: str | None = None
        """The message that it edits, while it waits for a later edit of it; else None."""
        self.is_overtaken = False
        """Whether a later record about its message came while it waited."""
        self.reserve: Reserve | None = None
        self.usage: Usage | None = NO_USAGE
        """What its calls cost; None while they are made, and when they were cut short."""
        self.task: asyncio.Task[None] | None = None
        self.conclusion: Conclusion | None = None
        self.sent_s = 0.0

    def __repr__(self) -> str:
        state = "noting" if self.is_unbegun else "judging" if self.is_being_judged else "judged"
        state = "settling" if self.settling is not None else state
        return f"<Flight {self.record.position} {state}, to {self.destination}>"

    @property
    def is_live(self) -> bool:
        return self.assignment.is_live

    @property
    def is_being_judged(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def is_unbegun(self) -> bool:
        """Whether it waits for the note that it is begun alone."""
        return self.task is None and self.conclusion is None and self.settling is None

    def take_in(self) -> None:
        """
        Find what it is shown with, unless that is found, and remember it for those after it.

        To be called while records come as they lie in the partition: calls end in any order.
        """
        if self.binding.context is not None and self.in_context is None:
            self.in_context = self.assignment.conversations.take_in(self.record, self.binding)


class Assignment:
    """What was taken of one partition, under what it is judged, and what may be committed of it."""

    def __init__(self, partition: Partition, number: int) -> None:
        self.partition = partition
        self.number = number
        self.unfinished: Unfinished[Flight] = Unfinished()
        self.binding: Binding | None = None
        """What bound the topic when its last record was taken."""
        self.budget: Budget | None = None
        """What its input may cost, where it has a bound."""
        self.conversations = Conversations()
        """What was said in it, where its topic has context."""
        self.recovering: asyncio.Task[None] | None = None
        self.is_live = True
        self.is_paused = False
        self.is_recovered = False
        """Whether it is known what was done before."""
        self.commits: Commits
        """What may be committed and published; there once it is recovered."""

    def __repr__(self) -> str:
        commits: object = self.commits if self.is_recovered else "not recovered"
        return f"<Assignment {self.partition} {commits!r} {self.unfinished!r}>"

    @property
    def is_established(self) -> bool:
        """Whether it is known what was done before, and committed that we go on from there."""
        return self.is_recovered and self.commits.is_established

    def begin(self, commits: Commits, binding: Binding | None) -> None:
        """It is recovered."""
        self.commits, self.binding = commits, binding
        self.is_recovered = True

    @property
    def term(self) -> int:
        """Counts the assignments of the partition, over all workers; 0 while that is not known."""
        return self.commits.term if self.is_recovered else 0

    @property
    def topic_id(self) -> str:
        """The broker's id of the topic that its records were taken from, or empty."""
        return self.commits.topic_id if self.is_recovered else ""

    @property
    def committable(self) -> int | None:
        """How far it may be committed; None while that is not known."""
        return self.commits.offsets.committable if self.is_recovered else None

    @property
    def is_held(self) -> bool:
        """Whether its records wait until the budget has room."""
        return self.budget is not None and self.budget.is_spent and self.budget.waits

    @property
    def is_noting(self) -> bool:
        """Whether its one record waits for the note that it is begun alone."""
        oldest = self.unfinished.oldest
        return oldest is not None and oldest.is_unbegun

    def goes_on_behind(self, flight: Flight) -> bool:
        """Whether any record that was taken after this one has been judged."""
        offsets = self.commits.offsets
        return offsets.pending > offsets.unfinished or any(
            other.conclusion is not None
            for other in self.unfinished.admitted.values()
            if other is not flight
        )

    def bind(self, binding: Binding) -> None:
        """Take up what binds the topic now."""
        self.binding = binding
        self.commits.outputs.use(binding.outputs_of(self.partition.topic))
        if binding.context is None:
            self.conversations.clear()


def sought_out(record: Record, binding: Binding, now_s: float = 0.0) -> Flight:
    """The flight of a record that was not taken: nothing was assigned, so its term is 0."""
    topic, number, _ = record.position
    return Flight(record, Assignment(Partition(topic, number), 0), binding, now_s)
