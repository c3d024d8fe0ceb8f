"""
Intake: records in, in bounds; verdicts out, in order; commits behind them.

The rules of this file. Everything runs on the event loop, so nothing is locked. Every record
belongs to a `Stretch`, one partition during one assignment; when the assignment ends so does the
stretch, and whatever comes back for it later moves nothing. A record is terminal when the broker
has acknowledged what became of it, and only terminal records move a commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import structlog

from consumer.domain.message import Record
from consumer.errors import Fatal
from consumer.interfaces import (
    Assigned,
    Clock,
    Partition,
    Policies,
    Report,
    Sink,
    Source,
)
from consumer.pipeline.flight import Flight, Stretch
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.limiter import Limiter
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()


class Intake:
    """Listens to the source and the sink, and moves every record between them."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        policies: Policies,
        processor: Processor,
        publisher: Publisher,
        limiter: Limiter,
        ledger: Ledger,
        clock: Clock,
        metrics: Metrics,
        drain_s: float,
        on_terminal: Callable[[Flight], None] | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._policies = policies
        self._processor = processor
        self._publisher = publisher
        self._limiter = limiter
        self.ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._drain_s = drain_s
        self._on_terminal = on_terminal
        """Told of each record once the broker has what became of it; the demo watches here."""
        self._stretches: dict[Partition, Stretch] = {}
        self._paused_topics: frozenset[str] = frozenset()
        """By an operator; apart from the pauses of single partitions that are full."""
        self._once_paused: frozenset[str] = frozenset()
        self._loop = asyncio.get_running_loop()
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

    # What the source tells.

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        if self.failure.done():
            return
        for partition, term, start in assignments:
            self._stretches[partition] = Stretch(partition, term, start)
        paused = [a.partition for a in assignments if a.partition.topic in self._paused_topics]
        # The source may have assigned them paused just before their topic was resumed.
        resumed = self._once_paused - self._paused_topics
        freed = [a.partition for a in assignments if a.partition.topic in resumed]
        if paused:
            self._source.pause(paused)
        if freed:
            self._source.resume(freed)
        self._give_credits()

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
        for record in records:
            topic, number, offset = record.position
            stretch = self._stretches.get(Partition(topic, number))
            if stretch is None or not stretch.tracker.start(offset):
                continue
            # A reload may unbind a topic; until it is no longer consumed its old policies hold.
            binding = catalogue.binding_for(topic) or stretch.binding
            if binding is None:
                raise Fatal(f"no policy binds {topic}")
            stretch.binding = binding
            flight = Flight(record, stretch, binding, now_s)
            stretch.flights[offset] = flight
            stretch.sequencer.admit(flight)
            self.ledger.consume(topic)
            self._limiter.in_flight += 1
            self._limiter.pending += 1
            flight.task = self._loop.create_task(self._judge(flight))
            if not stretch.is_paused and self._limiter.must_pause(stretch.tracker.pending):
                stretch.is_paused = True
                self._source.pause([stretch.partition])
        self._give_credits()

    async def revoked(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        stretches = [self._stretches[p] for p in partitions if p in self._stretches]
        await self._drain(stretches)
        self._end(stretches)
        return {stretch.partition: stretch.tracker.committable for stretch in stretches}

    def lost(self, partitions: Sequence[Partition]) -> None:
        self._end([self._stretches[p] for p in partitions if p in self._stretches])

    def failed(self, error: Exception) -> None:
        self._fail(error)

    # What an operator tells.

    def set_paused(self, topics: frozenset[str]) -> None:
        """
        Take nothing more of these topics, and again of those that are no longer among them.

        What is in flight finishes and is committed. A partition that is full as well stays paused
        until it has room; one assigned later is paused when it comes.
        """
        before, self._paused_topics = self._paused_topics, topics
        self._once_paused |= topics
        stretches = self._stretches.values()
        pausing = [s.partition for s in stretches if s.partition.topic in topics - before]
        resuming = [
            stretch.partition
            for stretch in stretches
            if stretch.partition.topic in before - topics and not stretch.is_paused
        ]
        if pausing:
            self._source.pause(pausing)
        if resuming:
            self._source.resume(resuming)

    # What the sink tells.

    def reported(self, reports: Sequence[Report]) -> None:
        try:
            self._report(reports)
        except BaseException as error:
            self._fail(error)

    def _report(self, reports: Sequence[Report]) -> None:
        now_s = self._clock.now_s()
        wall_ms = self._clock.wall_ms()
        for ticket, is_stored in reports:
            assert isinstance(ticket, Flight)
            if not ticket.is_live:
                continue
            if is_stored:
                self._finish(ticket, now_s, wall_ms)
            else:
                self._send_smaller(ticket)
        self._give_credits()

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
                self._limiter.in_flight -= 1
                self._give_credits_soon()
        if not flight.is_live:
            return
        stretch = flight.stretch
        if flight.publication is None:
            released = stretch.sequencer.passed_over(flight)
            self.ledger.book_passed_over(flight.record.position.topic)
            self._finished(flight)
        else:
            released = stretch.sequencer.ready(flight, flight.publication.topic)
        if released:
            self._send(released)

    def _send(self, released: list[Flight]) -> None:
        now_s = self._clock.now_s()
        for flight in released:
            assert flight.publication is not None
            flight.sent_s = now_s
            self._sink.send(flight.publication, flight)

    def _send_smaller(self, flight: Flight) -> None:
        try:
            flight.publication = self._publisher.smaller(flight)
        except Fatal as error:
            self._fail(error)
            return
        self._sink.send(flight.publication, flight)

    def _finish(self, flight: Flight, now_s: float, wall_ms: int) -> None:
        verdict = flight.verdict
        if flight.rejection is not None:
            self.ledger.book_dead_letter(flight.record.position.topic, flight.rejection)
        elif verdict is not None:
            self.ledger.book_verdict(verdict)
            self._observe_queued(verdict.queued_ms / 1_000)
            self._observe_model(verdict.model_ms / 1_000)
        self._observe_publish(now_s - flight.sent_s)
        if flight.record.timestamp_ms > 0:
            self._observe_total(max(0, wall_ms - flight.record.timestamp_ms) / 1_000)
        released = flight.stretch.sequencer.acknowledged(flight)
        self._finished(flight)
        if self._on_terminal is not None:
            self._on_terminal(flight)
        if released:
            self._send(released)

    def _finished(self, flight: Flight) -> None:
        stretch = flight.stretch
        offset = flight.record.position.offset
        stretch.tracker.finish(offset)
        del stretch.flights[offset]
        self._limiter.pending -= 1
        if stretch.is_paused and self._limiter.may_resume(stretch.tracker.pending):
            stretch.is_paused = False
            if stretch.partition.topic not in self._paused_topics:
                self._source.resume([stretch.partition])
        if not stretch.flights and stretch.on_empty is not None:
            stretch.on_empty(stretch)

    # Credits, commits, the end.

    def _give_credits_soon(self) -> None:
        """Once a turn of the loop, not once a message."""
        if not self._is_giving:
            self._is_giving = True
            self._loop.call_soon(self._give_credits)

    def _give_credits(self) -> None:
        self._is_giving = False
        if self._is_stopping:
            return
        more = self._limiter.credits_to_give()
        if more:
            self._source.give_credits(more)

    def commit(self) -> None:
        """Ask for the commits that have moved since the last time."""
        moved: dict[Partition, int] = {}
        for partition, stretch in self._stretches.items():
            if stretch.tracker.committable > stretch.commit_asked:
                stretch.commit_asked = moved[partition] = stretch.tracker.committable
        if moved:
            self._source.commit(moved)

    def oldest_age_s(self) -> float:
        """How long ago the oldest unfinished record was taken, in seconds; health looks at it."""
        taken = [
            next(iter(stretch.flights.values())).taken_s
            for stretch in self._stretches.values()
            if stretch.flights
        ]
        return self._clock.now_s() - min(taken) if taken else 0.0

    def refresh_gauges(self, ends: Mapping[Partition, int]) -> None:
        """Set the gauges that are read off the state; `ends` are the inputs' end offsets."""
        metrics, wall_ms = self._metrics, self._clock.wall_ms()
        self.ledger.flush()
        metrics.in_flight.set(self.ledger.in_flight)
        metrics.ledger_difference.set(self.ledger.difference)
        for partition, stretch in self._stretches.items():
            labels = (partition.topic, str(partition.number))
            end = ends.get(partition)
            if end is not None and end >= 0:
                lag = max(0, end - stretch.tracker.committable)
                metrics.lag_records.labels(*labels).set(lag)
            oldest = next(iter(stretch.flights.values()), None)
            age_ms = wall_ms - oldest.record.timestamp_ms if oldest else 0
            metrics.lag_age_s.labels(*labels).set(max(0, age_ms) / 1_000)

    def _drop_gauges(self, partition: Partition) -> None:
        """A partition that is somebody else's has no lag of ours."""
        for gauge in (self._metrics.lag_records, self._metrics.lag_age_s):
            with contextlib.suppress(KeyError):
                gauge.remove(partition.topic, str(partition.number))

    async def drain(self) -> None:
        """Take nothing more and finish what was taken, within the drain budget."""
        self._is_stopping = True
        await self._drain(list(self._stretches.values()))
        self.commit()

    async def _drain(self, stretches: list[Stretch]) -> None:
        """Wait until the stretches are empty, or the one budget for all of them is spent."""
        waiting = {stretch for stretch in stretches if stretch.flights}
        if not waiting:
            return
        emptied: asyncio.Future[None] = self._loop.create_future()

        def on_empty(stretch: Stretch) -> None:
            waiting.discard(stretch)
            if not waiting and not emptied.done():
                emptied.set_result(None)

        for stretch in stretches:
            stretch.on_empty = on_empty
        await asyncio.wait(
            (emptied, self.failure), timeout=self._drain_s, return_when=asyncio.FIRST_COMPLETED
        )
        for stretch in stretches:
            stretch.on_empty = None

    def _end(self, stretches: list[Stretch]) -> None:
        """The assignment is over: forget what is unfinished; somebody judges it anew."""
        for stretch in stretches:
            stretch.is_live = False
            left = len(stretch.flights)
            for flight in stretch.flights.values():
                if flight.task is not None and not flight.task.done():
                    flight.task.cancel()
                    self._limiter.in_flight -= 1
            self._limiter.pending -= left
            self.ledger.discard(stretch.partition.topic, left)
            stretch.flights.clear()
            del self._stretches[stretch.partition]
            self._drop_gauges(stretch.partition)
            log.info(
                "assignment ended",
                partition=str(stretch.partition),
                term=stretch.term,
                committable=stretch.tracker.committable,
                discarded=left,
            )
        self._give_credits_soon()

    def _fail(self, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)
