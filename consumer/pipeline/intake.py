"""
Intake: records in, in bounds; verdicts out, in order; commits behind them.

The rules of this file. Everything runs on the event loop, so nothing is locked. Every record
belongs to an `Assignment`; when it ends, whatever comes back for it later moves nothing. It begins
with its recovery: nothing is judged before it is known what earlier owners did. What is admitted is
decided in `admission.py`, what may leave in `release.py`; here they are told what happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from consumer.domain.messages.message import Record
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.interfaces import Assigned, CommitPoint, Committed, DeliveryReport, Partition
from consumer.pipeline.admission import Admission, Steps
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.assignment.commits import Commits, Owner
from consumer.pipeline.assignment.committer import Committer
from consumer.pipeline.assignment.drain import until_empty
from consumer.pipeline.assignment.recovery import Recovery
from consumer.pipeline.caution import Caution
from consumer.pipeline.flow.limiter import FlowLimits, Limiter
from consumer.pipeline.gauges import Gauges
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.process import Processor
from consumer.pipeline.release import Release
from consumer.pipeline.seams import Seams
from consumer.telemetry.usage import UsageMeter

log = structlog.get_logger()

LAST_COMMIT_S = 5.0
"""
How long the stop waits for the answers to its last commits.

Beyond it nothing is lost: the next owner finds on the outputs what they would have told.
"""


class Intake:
    """Listens to the source and the sink, and moves every record between them."""

    def __init__(
        self,
        seams: Seams,
        processor: Processor,
        recovery: Recovery,
        limits: FlowLimits,
        owner: Owner,
        drain_s: float,
        on_terminal: Callable[[Flight], None] | None = None,
    ) -> None:
        self._seams = seams
        self._processor = processor
        self._recovery = recovery
        self._owner = owner
        self._drain_s = drain_s
        self._assignments: dict[Partition, Assignment] = {}
        self._committer = Committer(seams.source, owner.terms, seams.telemetry)
        self._caution = Caution(self._committer, seams.is_model_well)
        self.ledger = Ledger(seams.telemetry)
        self._usage = UsageMeter(seams.telemetry)
        self._gauges = Gauges(seams.telemetry)
        self._release = Release(
            seams,
            processor.publisher,
            self.ledger,
            self._assignments,
            lambda assignment, count: self.admission.finished(assignment, count),
            self.failed,
            on_terminal,
        )
        self.admission = Admission(
            seams,
            Limiter(limits),
            self.ledger,
            self._assignments,
            self._caution,
            self._release,
            Steps(self._settle, self._judge),
        )
        self._is_stopping = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done, with the error, when the service must stop."""

    def __repr__(self) -> str:
        assignments = list(self._assignments.values())
        return f"<Intake {self.admission!r} {self.ledger!r} {assignments!r}>"

    # Assignments.

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        if self.failure.done() or self._is_stopping:
            return
        for assigned in assignments:
            if assigned.partition in self._assignments:
                self._end([self._assignments[assigned.partition]])
            assignment = Assignment(assigned.partition, assigned.number)
            self._assignments[assigned.partition] = assignment
            recovering = self._recover(assignment, assigned)
            assignment.recovering = asyncio.get_running_loop().create_task(recovering)
        self.admission.bind_budgets()
        self.admission.credits.give()

    async def _recover(self, assignment: Assignment, assigned: Assigned) -> None:
        """Find out what was done before, and commit that this worker goes on from there."""
        topic = assignment.partition.topic
        try:
            binding = self._seams.policies.catalogue.binding_for(topic)
            outputs = binding.outputs_of(topic) if binding else ()
            recovered = await self._recovery.recover(assigned, outputs)
            commits = Commits(assigned, recovered, self._owner, self._seams.sink.floor)
            commits.outputs.use(outputs)
            if not self._seams.is_model_well():
                commits.put_at_risk(False)
            assignment.begin(commits, binding)
            self._committer.commit([assignment])
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failed(error)

    def committed(self, results: Sequence[Committed]) -> None:
        for result in results:
            assignment = self._assignments.get(result.partition)
            if assignment is not None and assignment.number != result.number:
                assignment = None
            begins = assignment is not None and not assignment.is_established
            if not self._committer.answered(result, assignment) or assignment is None:
                continue
            if begins:
                assignment.is_paused = True
                self.admission.gate.resume_if_it_may(assignment)
            self._release.send_withheld(assignment)
            self.admission.admit_waiting(assignment)

    async def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Mapping[Partition, CommitPoint]:
        ending = [
            self._assignments[partition]
            for partition, number in assignments.items()
            if partition in self._assignments and self._assignments[partition].number == number
        ]
        self.admission.give_back_held(ending)
        self.admission.settling.end(ending)
        await until_empty(ending, self.failure, self._drain_s)
        self._end(ending)
        # After a failure nothing is released: the next owner counts it as a bad end.
        return {} if self.failure.done() else self._committer.last_points(ending)

    def lost(self, partitions: Sequence[Partition]) -> None:
        self._end([self._assignments[p] for p in partitions if p in self._assignments])

    def _end(self, assignments: Iterable[Assignment]) -> None:
        """They are over: forget what is unfinished; somebody judges it anew."""
        for assignment in assignments:
            assignment.is_live = False
            if assignment.recovering is not None:
                assignment.recovering.cancel()
            left = self.admission.forget(assignment)
            if self._assignments.get(assignment.partition) is assignment:
                del self._assignments[assignment.partition]
            self._gauges.drop(assignment.partition)
            log.info(
                "assignment ended",
                partition=str(assignment.partition),
                term=assignment.term,
                committable=assignment.committable,
                discarded=left,
            )
        self.admission.bind_budgets()
        self.admission.credits.give_soon()

    # Records and what becomes of them.

    def taken(self, records: Sequence[Record]) -> None:
        # After a failure nothing more is tracked: what comes later must not be committed past it.
        if self.failure.done():
            return
        try:
            self.admission.take(records)
        except BaseException as error:
            self.failed(error)

    def _settle(self, flights: Sequence[Flight]) -> list[Flight]:
        """Conclude at once what needs no model; returns the others."""
        try:
            conclusions = [*zip(flights, self._processor.settle(flights), strict=True)]
            self._release.all_concluded(
                [(f, found) for f, found in conclusions if found is not None]
            )
        except BaseException as error:
            self.failed(error)
            return []
        return [flight for flight, found in conclusions if found is None]

    async def _judge(self, flight: Flight) -> None:
        try:
            conclusion = await self._processor.process(flight)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failed(error)
            return
        finally:
            self.admission.judged(flight)
        usage, verdict = flight.usage, conclusion.verdict if conclusion else None
        if verdict is not None and usage is not None and usage.calls:
            self._usage.add(flight.version.id, usage, verdict.model_ms)
        if flight.is_live:
            self._release.concluded(flight, conclusion)

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        try:
            self._release.reported(reports)
        except BaseException as error:
            self.failed(error)
        self.admission.credits.give_soon()

    def end_pinned(self, pinned_s: float, is_out: bool) -> None:
        """
        End the oldest record of a partition that is still being judged while later ones have been.

        New ones may come all the time, and those that were judged may wait for it, in the order of
        their key. `is_out` says that the model answers nobody: then no record is to blame. Its
        verdict is `unjudged`, reason `stuck`, as the topic's `on_unjudged` says.
        """
        if is_out or not pinned_s:
            return
        for assignment in self._assignments.values():
            flight = assignment.unfinished.oldest
            if flight is None or flight.task is None or flight.task.done():
                continue
            age_s = self._seams.telemetry.clock.now_s() - flight.taken_s
            if age_s < pinned_s or not assignment.goes_on_behind(flight):
                continue
            log.error(
                "one record holds up its partition: ending it",
                position=str(flight.record.position),
                age_s=round(age_s, 1),
            )
            flight.task.cancel()
            conclusion = self._processor.give_up(flight, UnjudgedReason.STUCK)
            self._release.concluded(flight, conclusion)

    # Commits and what is seen from outside.

    def tick(self) -> None:
        """To be called many times a second: for stand-stills of this process, and for edits."""
        self._committer.tick()
        self.admission.settling.go_on()

    def commit(self) -> None:
        """Ask for the commits that say anything new, and for those that renew a lease."""
        # After a failure what was said last holds: it may have been the record's doing.
        if not self.failure.done():
            for assignment in self._assignments.values():
                self._caution.weigh(assignment)
        self._committer.commit(self._assignments.values())

    @property
    def recovering(self) -> tuple[Partition, ...]:
        """Assigned, and not yet judged."""
        assignments = tuple(self._assignments.values())
        return tuple(each.partition for each in assignments if not each.is_established)

    @property
    def beyond_end(self) -> tuple[Partition, ...]:
        """Assigned, and with an end that lies before what we have done of them."""
        return self._gauges.beyond_end

    def at_rest(self, ends: Mapping[Partition, int]) -> list[Partition]:
        """Those that wait for nothing but records, though `ends` says that there are more."""
        return [
            each.partition
            for each in self._assignments.values()
            if each.is_established
            and each.unfinished.is_empty
            and not each.is_paused
            and each.commits.offsets.committable < ends.get(each.partition, -1)
        ]

    def refresh_gauges(self, ends: Mapping[Partition, int]) -> None:
        """Set the gauges that are read off the state; `ends` are the inputs' end offsets."""
        self._usage.flush()
        self._gauges.refresh(self._assignments.values(), self.ledger, ends)

    # The end.

    async def drain(self) -> None:
        """
        Take nothing more, finish what was taken within the drain budget, and make the last commits.

        After a failure nothing is released: the next owner counts that start as one that ended
        badly.
        """
        self._is_stopping = True
        self.admission.credits.stop()
        assignments = list(self._assignments.values())
        self.admission.give_back_held(assignments)
        self.admission.settling.end(assignments)
        await until_empty(assignments, self.failure, self._drain_s)
        if self.failure.done():
            self.commit()
            return
        self._end(assignments)
        await self._committer.commit_last(assignments, LAST_COMMIT_S)

    def failed(self, error: BaseException) -> None:
        """The service must stop; the first reason counts."""
        if not self.failure.done():
            self.failure.set_exception(error)
