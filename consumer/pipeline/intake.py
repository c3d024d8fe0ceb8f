"""
Intake: records in, in bounds; verdicts out, in order; commits behind them.

The rules of this file. Everything runs on the event loop, so nothing is locked. Every record
belongs to a `Stretch`, one partition during one assignment; when the assignment ends so does the
stretch, and whatever comes back for it later moves nothing. A stretch begins with its recovery:
nothing is judged before it is known what earlier owners did. A record is terminal when the broker
has acknowledged what became of it, and only terminal records move a commit. Nothing is published
without a lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record, age_ms
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import Fatal, PoisonMessage
from consumer.interfaces import (
    Assigned,
    Clock,
    CommitPoint,
    Committed,
    DeliveryReport,
    Fate,
    Partition,
    Policies,
    Sink,
    Source,
)
from consumer.pipeline.assignment.committer import Committer
from consumer.pipeline.assignment.drain import until_empty
from consumer.pipeline.assignment.lease import LeaseTerms, Moment
from consumer.pipeline.assignment.recovery import Recovery
from consumer.pipeline.assignment.tenure import Tenure
from consumer.pipeline.flight import Flight, Stretch
from consumer.pipeline.flow.budgets import Budgets
from consumer.pipeline.flow.limiter import Limiter
from consumer.pipeline.gauges import Gauges
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.usage import UsageMeter

log = structlog.get_logger()

GIVE_EVERY_S = 0.001
"""How often credits are given, at most."""
LAST_COMMIT_S = 5.0
"""How long the stop waits for the answers to its last commits."""


class Intake:
    """Listens to the source and the sink, and moves every record between them."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        policies: Policies,
        processor: Processor,
        publisher: Publisher,
        recovery: Recovery,
        limiter: Limiter,
        ledger: Ledger,
        terms: LeaseTerms,
        owner: str,
        clock: Clock,
        metrics: Metrics,
        drain_s: float,
        on_terminal: Callable[[Flight], None] | None = None,
        partitions_of: Callable[[str], int] | None = None,
        is_model_well: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source = source
        self._sink = sink
        self._policies = policies
        self._processor = processor
        self._publisher = publisher
        self._recovery = recovery
        self._limiter = limiter
        self.ledger = ledger
        self._terms = terms
        self._owner = owner
        self._clock = clock
        self._metrics = metrics
        self._drain_s = drain_s
        self._on_terminal = on_terminal
        """Told of each record once the broker has what became of it; the demo watches here."""
        self._is_model_well = is_model_well
        """Whether it is known to answer: only then may a record be what ends a worker."""
        self.budgets = Budgets(clock, metrics, partitions_of)
        self._usage = UsageMeter(metrics)
        self._gauges = Gauges(metrics, clock)
        self._committer = Committer(source, terms, clock, metrics)
        self._stretches: dict[Partition, Stretch] = {}
        self._paused_topics: frozenset[str] = frozenset()
        self._loop = asyncio.get_running_loop()
        self._crowded_out: set[Stretch] = set()
        """Those with records that wait for their lane."""
        self._is_giving = False
        self._is_stopping = False
        self.failure: asyncio.Future[None] = self._loop.create_future()
        """Done, with the error, when the service must stop."""
        stages = metrics.stage_seconds
        self._observe_queued = stages.labels("queued").observe
        self._observe_model = stages.labels("model").observe
        self._observe_publish = stages.labels("publish").observe
        self._observe_total = stages.labels("total").observe

    def __repr__(self) -> str:
        return f"<Intake {self._limiter!r} {self.ledger!r} {list(self._stretches.values())!r}>"

    # Assignments.

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        if self.failure.done() or self._is_stopping:
            return
        for assigned in assignments:
            if assigned.partition in self._stretches:
                self._end([self._stretches[assigned.partition]])
            stretch = Stretch(assigned.partition, assigned.number)
            self._stretches[assigned.partition] = stretch
            stretch.recovering = self._loop.create_task(self._recover(stretch, assigned))
        self._bind_budgets()
        self._give_credits()

    async def _recover(self, stretch: Stretch, assigned: Assigned) -> None:
        """Find out what was done before, and commit that this worker goes on from there."""
        topic = stretch.partition.topic
        try:
            binding = self._policies.catalogue.binding_for(topic)
            outputs = binding.outputs_of(topic) if binding else ()
            recovered = await self._recovery.recover(assigned, outputs)
            tenure = Tenure(assigned, recovered, self._owner, self._terms, self._sink.floor)
            tenure.name_outputs(outputs)
            if not self._is_model_well():
                tenure.put_at_risk(False)
            stretch.tenure, stretch.binding = tenure, binding
            self._committer.commit([stretch])
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)

    def committed(self, results: Sequence[Committed]) -> None:
        for result in results:
            stretch = self._stretches.get(result.partition)
            if stretch is not None and stretch.number != result.number:
                stretch = None
            begins = stretch is not None and not stretch.is_established
            if not self._committer.answered(result, stretch) or stretch is None:
                continue
            if begins:
                stretch.is_paused = True
                self._resume_if_it_may(stretch)
            self._send_withheld(stretch)
            self._admit_waiting(stretch)

    async def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Mapping[Partition, CommitPoint]:
        stretches = [
            self._stretches[partition]
            for partition, number in assignments.items()
            if partition in self._stretches and self._stretches[partition].number == number
        ]
        self._give_back_held(stretches)
        await until_empty(stretches, self.failure, self._drain_s)
        self._end(stretches)
        # After a failure nothing is released: the next owner counts it as a bad end.
        return {} if self.failure.done() else self._committer.last_points(stretches)

    def lost(self, partitions: Sequence[Partition]) -> None:
        self._end([self._stretches[p] for p in partitions if p in self._stretches])

    def failed(self, error: Exception) -> None:
        self._fail(error)

    # Taking and admitting.

    def taken(self, records: Sequence[Record]) -> None:
        # After a failure nothing more is tracked: what comes later must not be committed past it.
        if self.failure.done():
            return
        try:
            self._take(records)
        except BaseException as error:
            self._fail(error)

    def _take(self, records: Sequence[Record]) -> None:
        self._limiter.took(len(records))
        now_s = self._clock.now_s()
        catalogue = self._policies.catalogue
        # Once a batch: a topic that is bound by a pattern is looked for among all of them.
        bound: dict[str, Binding | None] = {}
        for record in records:
            topic, number, _ = record.position
            stretch = self._stretches.get(Partition(topic, number))
            if stretch is None:
                continue
            if stretch.tenure is None:
                raise Fatal(f"{record.position} was taken before its partition was recovered")
            if topic not in bound:
                bound[topic] = catalogue.binding_for(topic)
            self._bind(stretch, bound[topic])
            self.ledger.consume(topic)
            if stretch.waiting or not self._has_room(stretch, record, now_s):
                stretch.waiting.append(record)
            else:
                self._admit(stretch, record, now_s)
            self._pause_if_full(stretch)
        self._give_credits_soon()

    def _bind(self, stretch: Stretch, binding: Binding | None) -> None:
        """
        Take up what binds a partition's topic now.

        A reload may unbind a topic: until it is no longer consumed its old policies hold. Where it
        had none, since that came between its assignment and its first record, records wait.
        """
        if binding is None or binding is stretch.binding:
            return
        stretch.binding = binding
        stretch.settled.name_outputs(binding.outputs_of(stretch.partition.topic))
        if binding.context is None:
            stretch.conversations.clear()

    def _has_room(self, stretch: Stretch, record: Record, now_s: float) -> bool:
        """
        Whether a record may be tracked now: the commit's map has room, it may be alone, earlier
        lanes leave it room, and so does the budget that it would wait for.
        """
        tenure, offset = stretch.settled, record.position.offset
        if stretch.binding is None:
            return False
        if tenure.tracker.is_recovered(offset):
            return tenure.tracker.has_room(offset)
        oldest = next(iter(stretch.flights), None)
        if oldest is not None and (tenure.is_careful(offset) or tenure.is_careful(oldest)):
            return False
        if not tenure.tracker.has_room(offset):
            return False
        if not self._limiter.has_room(stretch.binding.lane, now_s):
            self._crowded_out.add(stretch)
            return False
        budget = stretch.budget
        if budget is not None and budget.waits and not self.budgets.has_room(budget):
            return False
        return tenure.is_careful(offset) or self._has_noted_start(stretch)

    def _has_noted_start(self, stretch: Stretch) -> bool:
        """Where earlier owners died, whether the next one would know that the model was at work."""
        tenure = stretch.settled
        if tenure.is_start_noted or not self._is_model_well():
            return True
        tenure.put_at_risk(True)
        self._committer.commit([stretch])
        return False

    def _admit(self, stretch: Stretch, record: Record, now_s: float) -> None:
        topic, _, offset = record.position
        tenure, binding = stretch.settled, stretch.binding
        assert binding is not None
        is_recovered = tenure.tracker.is_recovered(offset)
        if not tenure.tracker.start(offset):
            self.ledger.discard(topic, 1)
            return
        if is_recovered:
            tenure.tracker.finish(offset)
            tenure.moved()
            self.ledger.book_recovered(topic)
            # A careful record is not read unnoted, for it may have ended earlier owners; nor does
            # one overtake another that waits for its note.
            may_read = not tenure.is_careful(offset) and not stretch.is_noting
            if binding.context is not None and may_read:
                stretch.conversations.take_in(record, binding)
            return
        flight = Flight(record, stretch, binding, now_s)
        stretch.flights[offset] = flight
        stretch.sequencer.admit(flight)
        self._limiter.pending += 1
        if tenure.is_careful(offset) and not self._has_noted(flight, tenure):
            return
        self._begin(flight)

    def _has_noted(self, flight: Flight, tenure: Tenure) -> bool:
        """Whether the next owner would know that this record was begun alone; else see to it."""
        offset = flight.record.position.offset
        if tenure.is_poison(offset):
            flight.rejection = PoisonMessage()
            flight.publication = self._publisher.dead_letter(flight, flight.rejection)
            self._ready(flight)
            return False
        if self._may_begin_alone(flight):
            return True
        tenure.mark(offset)
        self._committer.commit([flight.stretch])
        return False

    def _may_begin_alone(self, flight: Flight) -> bool:
        """Whether the next owner would suspect it; where the model is not well, nobody should."""
        tenure = flight.stretch.settled
        return tenure.is_marked(flight.record.position.offset) or not self._is_model_well()

    def _weigh(self, stretch: Stretch) -> None:
        """Have the next commit say whether the end of this worker would count against records."""
        tenure = stretch.tenure
        # After a failure what was said last holds: it may have been the record's doing.
        if tenure is None or not tenure.is_suspicious or self.failure.done():
            return
        tenure.put_at_risk(
            self._is_model_well()
            and (
                tenure.is_first
                or stretch.is_noting
                or tenure.is_noting_start
                or any(flight.is_being_judged for flight in stretch.flights.values())
            )
        )

    def _begin(self, flight: Flight) -> None:
        binding, stretch = flight.binding, flight.stretch
        self._limiter.begin(binding.lane)
        if binding.context is not None:
            # Here, where records still come as they lie in the partition: calls end in any order.
            flight.in_context = stretch.conversations.take_in(flight.record, binding)
        if stretch.budget is not None:
            self.budgets.begin(flight, stretch.budget)
        flight.task = self._loop.create_task(self._judge(flight))

    def _admit_waiting(self, stretch: Stretch) -> None:
        """Admit what waited for room, or for the note that it is begun alone."""
        now_s = self._clock.now_s()
        if stretch.binding is None:
            self._bind(stretch, self._policies.catalogue.binding_for(stretch.partition.topic))
        alone = next(iter(stretch.flights.values()), None)
        if alone is not None and alone.is_unbegun:
            if self._may_begin_alone(alone):
                self._begin(alone)
            else:
                self._committer.commit([stretch])
        while stretch.waiting and self._has_room(stretch, stretch.waiting[0], now_s):
            self._admit(stretch, stretch.waiting.popleft(), now_s)
        if stretch.on_empty:
            self._give_back_held([stretch])
        self._resume_if_it_may(stretch)

    # Pausing.

    def set_paused(self, topics: frozenset[str]) -> None:
        """An operator pauses these topics, and no others: nothing new is taken from them."""
        self._paused_topics = topics
        for stretch in self._stretches.values():
            self._pause_if_full(stretch)
            self._resume_if_it_may(stretch)

    def _pause_if_full(self, stretch: Stretch) -> None:
        if stretch.is_paused or not stretch.is_established:
            return
        if (
            stretch.waiting
            or stretch.is_held
            or stretch.partition.topic in self._paused_topics
            or self._limiter.must_pause(stretch.settled.tracker.pending)
        ):
            stretch.is_paused = True
            self._source.pause([stretch.partition])

    def _resume_if_it_may(self, stretch: Stretch) -> None:
        if (
            stretch.is_paused
            and not stretch.waiting
            and not stretch.is_held
            and stretch.partition.topic not in self._paused_topics
            and self._limiter.may_resume(stretch.settled.tracker.pending)
        ):
            stretch.is_paused = False
            self._source.resume([stretch.partition])

    def heed_budgets(self) -> None:
        """To be called now and then: takes up budgets that changed, or that have room again."""
        # Also those whose budget is gone by now: what waited for it waits no more.
        budgeted = [each for each in self._stretches.values() if each.budget is not None]
        self._bind_budgets()
        for stretch in budgeted:
            if stretch.is_held:
                self._pause_if_full(stretch)
            elif stretch.is_paused and stretch.is_established:
                self._admit_waiting(stretch)

    def _bind_budgets(self) -> None:
        self.budgets.bind(self._stretches.values(), self._policies.catalogue)

    def _give_back_held(self, stretches: Iterable[Stretch]) -> None:
        """
        Forget what waits for a budget, or for a policy that binds its topic.

        Who drains cannot wait so long, and nobody has begun.
        """
        for stretch in stretches:
            if (stretch.is_held or stretch.binding is None) and stretch.waiting:
                self.ledger.discard(stretch.partition.topic, len(stretch.waiting))
                stretch.waiting.clear()
                stretch.tell_if_empty()

    # What the sink tells.

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        try:
            self._report(reports)
        except BaseException as error:
            self._fail(error)

    def _report(self, reports: Sequence[DeliveryReport]) -> None:
        now_s = self._clock.now_s()
        wall_ms = self._clock.wall_ms()
        again: dict[Stretch, list[Flight]] = {}
        for ticket, fate in reports:
            assert isinstance(ticket, Flight)
            if not ticket.is_live:
                continue
            if fate is Fate.STORED:
                self._finish(ticket, now_s, wall_ms)
                continue
            try:
                self._fit_again(ticket, is_refused=fate is Fate.TOO_LARGE)
            except Fatal as error:
                self._fail(error)
                return
            again.setdefault(ticket.stretch, []).append(ticket)
        for stretch, flights in again.items():
            self._send_again(stretch, flights)
        # An output that takes one at a time may take the next, from whichever partition.
        for stretch in self._stretches.values():
            self._send_withheld(stretch)
        self._give_credits_soon()

    def _fit_again(self, flight: Flight, *, is_refused: bool) -> None:
        """It was not stored: make it smaller where it must be, by what its topic takes today."""
        before = flight.publication
        assert before is not None
        if is_refused:
            flight.publication = self._publisher.smaller(flight)
        self._publisher.make_fit(flight)
        assert flight.publication is not None
        flight.destination = flight.publication.topic
        if flight.destination != before.topic:
            # It will never lie there; what was only repeated keeps its floor.
            flight.stretch.settled.acknowledged(before.topic, flight.record.position.offset)

    def _send_again(self, stretch: Stretch, flights: list[Flight]) -> None:
        """
        What was not stored goes through the order of its key once more.

        Another topic may be its destination by now, and then what follows it has to wait. Of each
        key what is withheld was released after it, so that it goes with it.
        """
        flights += stretch.withheld
        stretch.withheld.clear()
        self._send(stretch.sequencer.put_back(flights))

    # The way of one record.

    async def _judge(self, flight: Flight) -> None:
        try:
            await self._processor.process(flight)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
            return
        finally:
            if flight.is_live:
                self._limiter.end(flight.binding.lane)
                self._give_credits_soon()
            if flight.reserve is not None:
                self.budgets.end(flight)
        usage, verdict = flight.usage, flight.verdict
        if verdict is not None and usage is not None and usage.calls:
            self._usage.add(flight.version.id, usage, verdict.model_ms)
        if flight.is_live:
            self._ready(flight)

    def _ready(self, flight: Flight) -> None:
        """It is known what is to be published, if anything."""
        stretch = flight.stretch
        if flight.publication is None:
            released = stretch.sequencer.passed_over(flight)
            self.ledger.book_passed_over(flight.record.position.topic)
            self._finished(flight)
        else:
            try:
                self._publisher.make_fit(flight)
            except Fatal as error:
                self._fail(error)
                return
            released = stretch.sequencer.ready(flight, flight.publication.topic)
        if released:
            self._send(released)

    def _send(self, released: list[Flight]) -> None:
        """Send in this order what may be published now, and withhold the rest."""
        now = Moment.of(self._clock)
        for flight in released:
            if flight.stretch.withheld or not self._may_send(flight, now):
                flight.stretch.withheld.append(flight)
            else:
                self._send_one(flight, now)

    def _may_send(self, flight: Flight, now: Moment) -> bool:
        """Whether it may go now; its output is named from the next commit on."""
        publication, tenure = flight.publication, flight.stretch.settled
        assert publication is not None
        tenure.need(publication.topic)
        return tenure.may_publish(publication.topic, now) and self._sink.takes(publication.output)

    def _send_one(self, flight: Flight, now: Moment) -> None:
        publication = flight.publication
        assert publication is not None
        flight.stretch.settled.sent(publication.topic, flight.record.position.offset)
        flight.sent_s = now.now_s
        self._sink.send(publication, flight)

    def _send_withheld(self, stretch: Stretch) -> None:
        """As many as may go now; the first that may not holds up those after it."""
        if not stretch.withheld:
            return
        withheld, now = stretch.withheld, Moment.of(self._clock)
        while withheld and self._may_send(withheld[0], now):
            self._send_one(withheld.popleft(), now)

    def _finish(self, flight: Flight, now_s: float, wall_ms: int) -> None:
        verdict, publication = flight.verdict, flight.publication
        if flight.rejection is not None:
            self.ledger.book_dead_letter(flight.record.position.topic, flight.rejection)
        elif verdict is not None:
            self.ledger.book_verdict(verdict)
            self._observe_queued(verdict.queued_ms / 1_000)
            self._observe_model(verdict.model_ms / 1_000)
        self._observe_publish(now_s - flight.sent_s)
        age = age_ms(flight.record.timestamp_ms, wall_ms)
        if age is not None:
            self._observe_total(max(0, age) / 1_000)
        assert publication is not None
        flight.stretch.settled.acknowledged(publication.topic, flight.record.position.offset)
        released = flight.stretch.sequencer.acknowledged(flight)
        self._finished(flight)
        if self._on_terminal is not None:
            self._on_terminal(flight)
        if released:
            self._send(released)

    def _finished(self, flight: Flight) -> None:
        stretch = flight.stretch
        offset = flight.record.position.offset
        tenure = stretch.settled
        tenure.tracker.finish(offset)
        tenure.moved()
        del stretch.flights[offset]
        self._limiter.pending -= 1
        if stretch.waiting:
            self._admit_waiting(stretch)
        elif stretch.is_paused:
            self._resume_if_it_may(stretch)
        stretch.tell_if_empty()

    def end_pinned(self, pinned_s: float, is_out: bool) -> None:
        """
        End the oldest record of a partition that is still being judged while later ones have been.

        New ones may come all the time, and those that were judged may wait for it, in the order of
        their key. `is_out` says that the model answers nobody: then no record is to blame. Its
        verdict is `unjudged`, reason `stuck`, as the topic's `on_unjudged` says.
        """
        if is_out or not pinned_s:
            return
        for stretch in self._stretches.values():
            flight = next(iter(stretch.flights.values()), None)
            if flight is None or flight.task is None or flight.task.done():
                continue
            age_s = self._clock.now_s() - flight.taken_s
            if age_s < pinned_s or not stretch.goes_on_behind(flight):
                continue
            log.error(
                "one record holds up its partition: ending it",
                position=str(flight.record.position),
                age_s=round(age_s, 1),
            )
            flight.task.cancel()
            self._processor.give_up(flight, UnjudgedReason.STUCK)
            self._ready(flight)

    # Credits, commits, the end.

    def _give_credits_soon(self) -> None:
        """By handfuls: each gift wakes the source's thread, which then takes as many at once."""
        if not self._is_giving:
            self._is_giving = True
            self._loop.call_later(GIVE_EVERY_S, self._give_credits)

    def _give_credits(self) -> None:
        self._is_giving = False
        if self._is_stopping:
            return
        if self._crowded_out:
            crowded_out, self._crowded_out = self._crowded_out, set()
            for stretch in crowded_out:
                if stretch.is_live:
                    self._admit_waiting(stretch)
        more = self._limiter.credits_to_give()
        if more:
            self._source.give_credits(more)

    def tick(self) -> None:
        """To be called many times a second: notices when this process has stood still."""
        self._committer.tick()

    def commit(self) -> None:
        """Ask for the commits that say anything new, and for those that renew a lease."""
        for stretch in self._stretches.values():
            self._weigh(stretch)
        self._committer.commit(self._stretches.values())

    @property
    def recovering(self) -> tuple[Partition, ...]:
        """Assigned, and not yet judged."""
        stretches = tuple(self._stretches.values())
        return tuple(each.partition for each in stretches if not each.is_established)

    @property
    def beyond_end(self) -> tuple[Partition, ...]:
        """Assigned, and with an end that lies before what we have done of them."""
        return self._gauges.beyond_end

    def at_rest(self, ends: Mapping[Partition, int]) -> list[Partition]:
        """Those that wait for nothing but records, though `ends` says that there are more."""
        return [
            each.partition
            for each in self._stretches.values()
            if each.is_established
            and each.is_empty
            and not each.is_paused
            and each.settled.tracker.committable < ends.get(each.partition, -1)
        ]

    def refresh_gauges(self, ends: Mapping[Partition, int]) -> None:
        """Set the gauges that are read off the state; `ends` are the inputs' end offsets."""
        self._usage.flush()
        self._gauges.refresh(self._stretches.values(), self.ledger, ends)

    async def drain(self) -> None:
        """
        Take nothing more, finish what was taken within the drain budget, and make the last commits.

        After a failure nothing is released: the next owner counts that start as one that ended
        badly.
        """
        self._is_stopping = True
        stretches = list(self._stretches.values())
        self._give_back_held(stretches)
        await until_empty(stretches, self.failure, self._drain_s)
        if self.failure.done():
            self.commit()
            return
        self._end(stretches)
        await self._committer.commit_last(stretches, LAST_COMMIT_S)

    def _end(self, stretches: Iterable[Stretch]) -> None:
        """The assignment is over: forget what is unfinished; somebody judges it anew."""
        for stretch in stretches:
            stretch.is_live = False
            if stretch.recovering is not None:
                stretch.recovering.cancel()
            for flight in stretch.flights.values():
                if flight.task is not None and not flight.task.done():
                    flight.task.cancel()
                    self._limiter.end(flight.binding.lane)
                # A task that is cancelled before its first step never comes to its own end.
                self.budgets.end(flight)
            left = len(stretch.flights) + len(stretch.waiting)
            self._limiter.pending -= len(stretch.flights)
            self.ledger.discard(stretch.partition.topic, left)
            stretch.flights.clear()
            stretch.waiting.clear()
            stretch.withheld.clear()
            stretch.conversations.clear()
            stretch.tell_if_empty()
            if self._stretches.get(stretch.partition) is stretch:
                del self._stretches[stretch.partition]
            self._gauges.drop(stretch.partition)
            log.info(
                "assignment ended",
                partition=str(stretch.partition),
                term=stretch.term,
                committable=stretch.tenure.tracker.committable if stretch.tenure else None,
                discarded=left,
            )
        self._bind_budgets()
        self._give_credits_soon()

    def _fail(self, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)
