"""
Admission: which of the records that were taken may begin, and which have to wait.

A record is admitted where there is room for it (`headroom.py`). Where earlier owners died its
beginning may have to be noted first. What waits keeps its order, and holds up its partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record
from consumer.errors import Fatal, PoisonMessage
from consumer.interfaces import Partition
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.caution import Caution
from consumer.pipeline.flow.budgets import Budgets
from consumer.pipeline.flow.credits import Credits
from consumer.pipeline.flow.gate import Gate
from consumer.pipeline.flow.limiter import Limiter
from consumer.pipeline.headroom import Headroom
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.release import Release
from consumer.pipeline.seams import Seams
from consumer.pipeline.settling import Settling


class Steps(NamedTuple):
    """What is done with records that may begin."""

    settle: Callable[[Sequence[Flight]], list[Flight]]
    """Concludes at once what needs no model, and returns the others."""
    judge: Callable[[Flight], Coroutine[Any, Any, None]]
    """Runs as a task for each of those."""


class Admission:
    """Takes records up, begins them, and admits what waited once there is room again."""

    def __init__(
        self,
        seams: Seams,
        limiter: Limiter,
        ledger: Ledger,
        assignments: dict[Partition, Assignment],
        caution: Caution,
        release: Release,
        steps: Steps,
    ) -> None:
        self._policies = seams.policies
        self._clock = seams.telemetry.clock
        self._limiter = limiter
        self._ledger = ledger
        self._assignments = assignments
        self._caution = caution
        self._release = release
        self._steps = steps
        self.budgets = Budgets(seams.telemetry, seams.partitions_of)
        self.gate = Gate(seams.source, limiter)
        self._headroom = Headroom(limiter, self.budgets, caution)
        self.credits = Credits(
            seams.source,
            limiter,
            self._admit_crowded_out,
            lambda: self._headroom.has_crowded_out,
        )
        self.settling = Settling(self._clock, lambda flight: self._begin([flight]))

    def __repr__(self) -> str:
        return f"<Admission {self._limiter!r} {self.gate!r} {self.budgets!r}>"

    def take(self, records: Sequence[Record]) -> None:
        """
        Records have come, in the order of their partitions.

        Raises:
            Fatal: one was taken before its partition was recovered.
        """
        self._limiter.took(len(records))
        now_s = self._clock.now_s()
        catalogue = self._policies.catalogue
        # Once a batch: a topic that is bound by a pattern is looked for among all of them.
        bound: dict[str, Binding | None] = {}
        for (topic, number), run in groupby(records, _partition_of):
            assignment = self._assignments.get(Partition(topic, number))
            if assignment is None:
                continue
            if not assignment.is_recovered:
                raise Fatal(f"{topic}/{number} was taken before it was recovered")
            if topic not in bound:
                bound[topic] = catalogue.binding_for(topic)
            self._bind(assignment, bound[topic])
            self._take_run(assignment, list(run), now_s)
        self.credits.give_soon()

    def _take_run(self, assignment: Assignment, records: list[Record], now_s: float) -> None:
        """Records of one partition, one after the other."""
        self._ledger.consume(assignment.partition.topic, len(records))
        waiting = assignment.unfinished.waiting
        while count := self._headroom.together(assignment, records, now_s):
            self._admit_together(assignment, records[:count], now_s)
            records = records[count:]
        for record in records:
            if waiting or not self._headroom.holds(assignment, record, now_s):
                waiting.append(record)
            else:
                self._admit(assignment, record, now_s)
        self.gate.pause_if_full(assignment)

    def _bind(self, assignment: Assignment, binding: Binding | None) -> None:
        """
        Take up what binds a partition's topic now.

        A reload may unbind a topic: until it is no longer consumed its old policies hold. Where it
        had none, since that came between its assignment and its first record, records wait.
        """
        if binding is not None and binding is not assignment.binding:
            assignment.bind(binding)

    def _admit_together(
        self, assignment: Assignment, records: Sequence[Record], now_s: float
    ) -> None:
        binding, unfinished = assignment.binding, assignment.unfinished
        assert binding is not None
        flights = []
        for record in records:
            offset = record.position.offset
            if not assignment.commits.offsets.start(offset):
                self._ledger.discard(assignment.partition.topic, 1)
                continue
            flight = Flight(record, assignment, binding, now_s)
            unfinished.admitted[offset] = flight
            unfinished.sequencer.admit(flight)
            flights.append(flight)
        self._limiter.pending += len(flights)
        self._begin(flights)

    def _admit(self, assignment: Assignment, record: Record, now_s: float) -> None:
        topic, _, offset = record.position
        commits, binding = assignment.commits, assignment.binding
        assert binding is not None
        offsets = commits.offsets
        is_recovered = offsets.is_recovered(offset)
        is_careful = offset < commits.suspicion.careful_until
        if not offsets.start(offset):
            self._ledger.discard(topic, 1)
            return
        if is_recovered:
            commits.finish(offset)
            self._ledger.book_recovered(topic)
            # A careful record is not read unnoted, for it may have ended earlier owners; nor does
            # one overtake another that waits for its note.
            if binding.context is not None and not is_careful and not assignment.is_noting:
                assignment.conversations.take_in(record, binding)
            return
        flight = Flight(record, assignment, binding, now_s)
        assignment.unfinished.admitted[offset] = flight
        assignment.unfinished.sequencer.admit(flight)
        self._limiter.pending += 1
        if not is_careful:
            if not self.settling.holds(flight):
                self._begin([flight])
        elif commits.suspicion.is_poison(offset):
            self._release.quarantine(flight, PoisonMessage())
        elif self._caution.has_noted(flight):
            self._begin([flight])

    def _begin(self, flights: Sequence[Flight]) -> None:
        for flight in flights:
            flight.take_in()
        # What is settled takes no task, no room in its lane, and nothing of its budget.
        for flight in self._steps.settle(flights):
            self._limiter.begin(flight.binding.lane)
            if flight.assignment.budget is not None:
                self.budgets.begin(flight, flight.assignment.budget)
            flight.task = asyncio.get_running_loop().create_task(self._steps.judge(flight))

    def admit_waiting(self, assignment: Assignment) -> None:
        """Admit what waited for room, or for the note that it is begun alone."""
        now_s = self._clock.now_s()
        if assignment.binding is None:
            topic = assignment.partition.topic
            self._bind(assignment, self._policies.catalogue.binding_for(topic))
        alone = assignment.unfinished.oldest
        if alone is not None and alone.is_unbegun:
            if self._caution.may_begin_alone(alone):
                self._begin([alone])
            else:
                self._caution.ask_again(assignment)
        waiting = assignment.unfinished.waiting
        while waiting and self._headroom.holds(assignment, waiting[0], now_s):
            self._admit(assignment, waiting.popleft(), now_s)
        if assignment.unfinished.on_empty:
            self.give_back_held([assignment])
        self.gate.resume_if_it_may(assignment)

    def _admit_crowded_out(self) -> None:
        for assignment in self._headroom.take_crowded_out():
            if assignment.is_live:
                self.admit_waiting(assignment)

    def judged(self, flight: Flight) -> None:
        """Its calls have ended, or were given up; others may have its room."""
        if flight.is_live:
            self._limiter.end(flight.binding.lane)
            self.credits.give_soon()
        if flight.reserve is not None:
            self.budgets.end(flight)

    def finished(self, assignment: Assignment, count: int) -> None:
        """So many more of its records are terminal."""
        self._limiter.pending -= count
        if assignment.unfinished.waiting:
            self.admit_waiting(assignment)
        elif assignment.is_paused:
            self.gate.resume_if_it_may(assignment)
        assignment.unfinished.tell_if_empty()

    # What an operator says, and budgets.

    def set_paused(self, topics: frozenset[str]) -> None:
        """An operator pauses these topics, and no others: nothing new is taken from them."""
        self.gate.hold(topics)
        for assignment in self._assignments.values():
            self.gate.pause_if_full(assignment)
            self.gate.resume_if_it_may(assignment)

    def heed_budgets(self) -> None:
        """To be called now and then: takes up budgets that changed, or that have room again."""
        # Also those whose budget is gone by now: what waited for it waits no more.
        budgeted = [each for each in self._assignments.values() if each.budget is not None]
        self.bind_budgets()
        for assignment in budgeted:
            if assignment.is_held:
                self.gate.pause_if_full(assignment)
            elif assignment.is_paused and assignment.is_established:
                self.admit_waiting(assignment)

    def bind_budgets(self) -> None:
        """Give each assignment its input's budget, as the policies have it now."""
        self.budgets.bind(self._assignments.values(), self._policies.catalogue)

    def give_back_held(self, assignments: Iterable[Assignment]) -> None:
        """
        Forget what waits for a budget, or for a policy that binds its topic.

        Who drains cannot wait so long, and nobody has begun.
        """
        for assignment in assignments:
            unfinished = assignment.unfinished
            if (assignment.is_held or assignment.binding is None) and unfinished.waiting:
                self._ledger.discard(assignment.partition.topic, len(unfinished.waiting))
                unfinished.waiting.clear()
                unfinished.tell_if_empty()

    def forget(self, assignment: Assignment) -> int:
        """The assignment is over: somebody judges anew what is unfinished. Returns how many."""
        self.settling.forget(assignment)
        flights = assignment.unfinished.admitted
        for flight in flights.values():
            if flight.task is not None and not flight.task.done():
                flight.task.cancel()
                self._limiter.end(flight.binding.lane)
            # A task that is cancelled before its first step never comes to its own end.
            self.budgets.end(flight)
        self._limiter.pending -= len(flights)
        left = assignment.unfinished.forget()
        self._ledger.discard(assignment.partition.topic, left)
        assignment.conversations.clear()
        return left


def _partition_of(record: Record) -> tuple[str, int]:
    return record.position[:2]
