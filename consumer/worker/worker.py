"""
The worker: builds its parts, runs them, stops them. The only file that knows every other.

`Worker` is an object, so that the demo and the tests start the real program without a shell.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import structlog

from consumer.domain.control import Control
from consumer.errors import BrokerUnavailable, Fatal, PortTaken, Retryable
from consumer.interfaces import Partition
from consumer.kafka.cluster.controls import controls_table
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.cluster.transactions import OpenTransactions
from consumer.kafka.reader.tail import TailReader
from consumer.kafka.reader.tails import KafkaTails
from consumer.kafka.sink.sink import KafkaSink
from consumer.kafka.source.source import KafkaSource
from consumer.pipeline.assignment.recovery import Recovery
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.flight import Flight
from consumer.pipeline.flow.limiter import FlowLimits, Limiter
from consumer.pipeline.intake import Intake
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.registry.store import PolicyStore
from consumer.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.health import Health, HealthServer
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.readiness import State, why_not_ready
from consumer.worker.inputs import Inputs
from consumer.worker.wiring import (
    build_classifier,
    build_fleet,
    build_probers,
    check_budgets,
    kafka_config,
    lease_terms,
    recovery_limits,
    worker_name,
)

log = structlog.get_logger()

TICK_S = 0.25
START_PATIENCE_S = 20.0
PORT_PATIENCE_S = 3.0
"""Workers whose supervisor was killed let go of their ports within a second."""
LEAVE_S = 2.0
"""Beyond the drain budget, for each step that asks brokers, which may be away."""
TRANSACTIONS_S = 5.0
"""How often partitions at rest are looked at; two looks in a row say that one is held up."""
DOUBT_S = 1.0
"""Topics are looked at no more often, whatever the source doubts."""


class Worker:
    """One member of the group: takes, judges, publishes, commits, until it is stopped or fails."""

    def __init__(
        self, settings: Settings, on_terminal: Callable[[Flight], None] | None = None
    ) -> None:
        self._settings = settings
        self._on_terminal = on_terminal
        self._clock = SystemClock()
        self.metrics = Metrics()
        self._kafka = kafka_config(settings.kafka)
        check_budgets(settings)
        self.policies = PolicyStore(settings.policies.folder, self.metrics, self._clock.wall_ms)
        self.fleet = build_fleet(settings.inference, self._clock, self.metrics)
        self.probers = build_probers(settings.inference, self.fleet, self._clock)
        self.probers.follow_outages()
        self.inputs = Inputs(settings.kafka, self._kafka, self.policies)
        self._controls = controls_table(self._kafka)
        self._paused: frozenset[str] = frozenset()
        """Those of the inputs that an operator has paused."""
        self._held_by_transactions: Mapping[Partition, int] = {}
        self._ticked_s = time.monotonic()
        self._is_started = False
        self._was_model_there = False
        """Whether it answered before the first message."""
        self._is_stopping = False
        self._beating: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.source: KafkaSource
        self.sink: KafkaSink
        self.intake: Intake
        self.health: HealthServer | None = None

    def __repr__(self) -> str:
        if not self._is_started:
            return f"<Worker not started, {self.fleet!r}>"
        return f"<Worker {self.intake!r} {self.source!r} {self.sink!r} {self.fleet!r}>"

    async def start(self) -> None:
        """
        Check the topics, warm up the endpoint, join the group.

        Raises:
            Fatal: what is missing and what to do about it.
        """
        try:
            # First of all: a port that is taken is known at once, and a start can be watched.
            self.health = await self._open_health()
            self._beating = asyncio.create_task(self._beat())
            await self._start()
        except BaseException:
            await asyncio.to_thread(self._controls.close)
            await self.probers.close()
            await self.fleet.close()
            self._close_health()
            raise

    async def _open_health(self) -> HealthServer:
        ours = self._settings.telemetry
        until_s = time.monotonic() + PORT_PATIENCE_S
        while True:
            try:
                return HealthServer(
                    ours.health_host,
                    ours.health_port,
                    self._is_live,
                    self._is_ready,
                    self.metrics.registry,
                )
            except PortTaken:
                if time.monotonic() > until_s:
                    raise
                await asyncio.sleep(TICK_S)

    def _close_health(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        if self.health is not None:
            self.health.close()

    def release_port(self) -> None:
        """Somebody else needs the health port; this worker only ends."""
        if self.health is not None:
            threading.Thread(target=self.health.close, name="release").start()

    async def _start(self) -> None:
        settings, metrics = self._settings, self.metrics
        drain_s = settings.pipeline.drain_s
        # Whether they let us in at all is known at once; what follows may meet a leader that moves.
        await asyncio.to_thread(Topics(self._kafka).partitions)
        terms = await patiently(lambda: lease_terms(settings, self._kafka))
        tail = TailReader(self._kafka)
        ends = await patiently(lambda: self.inputs.look(tail))
        controls = await patiently(self._controls.read)
        await self._warm_up()
        group = self._kafka.group
        self._tails = KafkaTails(TailReader(self._kafka), self.inputs.identify)
        self.source = KafkaSource(
            # With KIP-848 the brokers say what the session is; the client is not told it.
            self._kafka._replace(session_timeout_s=terms.session_s),
            self.inputs.topics,
            self.inputs.start_rule,
            self.inputs.co_partitions,
            self.inputs.identify,
            metrics,
            drain_s,
        )
        bytes_max = settings.kafka.message_bytes_max
        # A batch that is larger than its topic takes would be refused as a whole.
        smallest = min([bytes_max, *self.inputs.bytes_max.values()])
        self.sink = KafkaSink(
            self._kafka._replace(batch_bytes_max=smallest),
            TailReader(self._kafka),
            metrics,
            self.inputs.identify,
            self.inputs.limits,
        )
        encoder = DeadLetterEncoder(group, worker_name(), settings.dead_letters.spring_names)
        publisher = Publisher(
            group, encoder, settings.kafka.message_bytes_max, self.inputs.bytes_max
        )
        classifier = build_classifier(settings.inference, self.fleet, self._clock, metrics)
        self.intake = Intake(
            self.source,
            self.sink,
            self.policies,
            Processor(classifier, publisher, self._clock, group),
            publisher,
            Recovery(self._tails, self._clock, recovery_limits(settings)),
            Limiter(
                FlowLimits(
                    settings.pipeline.in_flight_max,
                    settings.pipeline.pending_max,
                    settings.pipeline.pending_total_max,
                )
            ),
            Ledger(metrics),
            terms,
            secrets.token_hex(4),
            self._clock,
            metrics,
            drain_s,
            self._on_terminal,
            self.inputs.partitions_of,
            self._is_model_well,
        )
        # Before the first assignment, so that nothing of a paused topic is taken at a start.
        self._apply_controls(controls)
        self.sink.start(self.intake, ends)
        self.source.start(self.intake)
        self._is_started = True
        self._tasks = [
            asyncio.create_task(self._commit_regularly()),
            asyncio.create_task(self._tick_regularly()),
            asyncio.create_task(self._watch_for_stalls()),
            asyncio.create_task(self._follow_topics(tail)),
            asyncio.create_task(self._follow_controls()),
            asyncio.create_task(self._follow_transactions()),
        ]
        if settings.policies.watch:
            self._tasks.append(asyncio.create_task(self._watch_policies()))
        log.info(
            "started",
            topics=self.inputs.topics,
            group=group,
            endpoints=[endpoint.name for endpoint in self.fleet.endpoints],
            model=settings.inference.model,
            health=f"http://{settings.telemetry.health_host}:{self.health_port}",
        )

    @property
    def health_port(self) -> int:
        """Where health listens; 0 where it does not."""
        return 0 if self.health is None else self.health.port

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until `stop` is set, then drain.

        Raises:
            Exception: what made it impossible to carry on; nothing unfinished was committed.
        """
        stopping = asyncio.create_task(stop.wait())
        asyncio.get_running_loop().set_exception_handler(self._on_stray_error)
        try:
            ends: list[asyncio.Future[Any]] = [stopping, self.intake.failure, *self._tasks]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self.stop()
        if self.intake.failure.done():
            self.intake.failure.result()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    def _on_stray_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody awaits would be a silent standstill: it stops the service."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.intake.failed(error)
        else:
            loop.default_exception_handler(context)

    async def stop(self) -> None:
        """
        Take nothing more, finish what is in flight, commit, leave the group.

        All of it together takes `pipeline.drain_s` and a little: what is not done by then is left
        to the next owner, who finds out.
        """
        log.info("stopping: draining", in_flight=self.intake.ledger.in_flight)
        self._is_stopping = True
        until_s = time.monotonic() + self._settings.pipeline.drain_s
        await self.source.quiesce(self._settings.pipeline.drain_s)
        await _within(until_s - time.monotonic() + LEAVE_S, "draining", self.intake.drain())
        for task in self._tasks:
            if not task.done():
                task.cancel()
        await self.source.close(LEAVE_S)
        left_s = max(0.0, until_s - time.monotonic())
        await _within(left_s + LEAVE_S, "ending the producer", self.sink.close(left_s))
        self._tails.close()
        # What is being read is read to its end first, and a broker may be away.
        closing = asyncio.to_thread(self._controls.close)
        await _within(LEAVE_S, "closing what reads the pauses", closing)
        await self.probers.close()
        await self.fleet.close()
        self._close_health()
        ledger = self.intake.ledger
        log.info(
            "stopped",
            consumed=ledger.consumed,
            verdicts=ledger.verdicts,
            dead_letters=ledger.dead_letters,
            recovered=ledger.recovered,
            passed_over=ledger.passed_over,
            discarded=ledger.discarded,
            difference=ledger.difference,
        )

    # Topics.

    async def _follow_topics(self, tail: TailReader) -> None:
        """Pick up new topics that match a pattern, and outputs that have grown."""
        while True:
            await self._until_topics_are_due()
            before = list(self.inputs.topics)
            try:
                ends = await asyncio.to_thread(self.inputs.look, tail)
            except (Retryable, Fatal) as error:
                log.warning("topics not looked at", error=str(error))
                continue
            for output in self.sink.add_outputs(ends):
                self.metrics.topics_made_again.labels(output).inc()
                log.error("an output topic was made again: what was on it is gone", topic=output)
            self.sink.heed_limits(self.inputs.bytes_max)
            self.source.begin_again(self.inputs.ids)
            if self.inputs.topics != before:
                log.info("topics changed", topics=self.inputs.topics)
                self.source.subscribe(self.inputs.topics)
            self.source.look_again()

    async def _until_topics_are_due(self) -> None:
        """Regularly, and soon where the source meets what a topic made again would explain."""
        self.source.doubts.clear()
        await asyncio.sleep(DOUBT_S)
        with contextlib.suppress(TimeoutError):
            refresh_s = max(0.0, self._settings.kafka.topics_refresh_s - DOUBT_S)
            await asyncio.wait_for(self.source.doubts.wait(), refresh_s)

    async def _follow_transactions(self) -> None:
        """See which partitions stand at a transaction that somebody has left open."""
        transactions = OpenTransactions(self._kafka)
        while True:
            await asyncio.sleep(TRANSACTIONS_S)
            at_rest = self.intake.at_rest(self.source.ends)
            try:
                held = await asyncio.to_thread(transactions.look, at_rest)
            except Retryable as error:
                log.warning("open transactions not looked for", error=str(error))
                continue
            for partition in sorted(held.keys() - self._held_by_transactions.keys()):
                log.error(
                    "a partition stands at an open transaction, and what comes after it waits: "
                    "`kafka-transactions.sh find-hanging` names its producer",
                    partition=str(partition),
                    offset=held[partition],
                )
            self._held_by_transactions = held
            self.metrics.held_by_transactions.set(len(held))

    async def _follow_controls(self) -> None:
        """Pause and resume what an operator says; what was said last holds while it is unread."""
        while True:
            await asyncio.sleep(self._settings.kafka.controls_refresh_s)
            try:
                controls = await asyncio.to_thread(self._controls.read)
            except Retryable as error:
                log.warning("pauses not looked at", error=str(error))
                continue
            self._apply_controls(controls)

    def _apply_controls(self, controls: Mapping[str, Control]) -> None:
        said = frozenset(topic for topic, control in controls.items() if control.is_paused)
        self.intake.set_paused(said)
        paused = said.intersection(self.inputs.topics)
        for topic in sorted(paused ^ self._paused):
            control = controls.get(topic, Control(topic, False))
            log.warning(
                "topic paused" if topic in paused else "topic resumed",
                topic=topic,
                by=control.by,
                at=control.at,
                reason=control.reason,
            )
        self._paused = paused
        self.metrics.topics_paused.set(len(paused))

    # What runs beside the messages.

    async def _warm_up(self) -> None:
        """A first structured request takes some servers 20 s: better before traffic than in it."""
        for name, found in (await self.probers.probe()).items():
            if isinstance(found, Retryable):
                log.warning("endpoint does not answer yet", endpoint=name, error=str(found))
                self.probers.probe_soon(name)
                continue
            self._was_model_there = True
            log.info(
                "endpoint answers",
                endpoint=name,
                profile=found.profile,
                api=found.api,
                has_model=found.has_model,
                known_bad=found.label_for_bad,
                known_good=found.label_for_good,
                schema=found.has_schema,
            )

    def _is_model_well(self) -> bool:
        """Whether it has answered this process, and is not out."""
        has_answered = self._was_model_there or self.fleet.last_judgement_s > float("-inf")
        return has_answered and not self.fleet.is_out

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.pipeline.commit_every_s)
            self.intake.commit()

    async def _beat(self) -> None:
        """Show that the loop goes round, from the start on."""
        while True:
            self._ticked_s = time.monotonic()
            await asyncio.sleep(TICK_S)

    async def _tick_regularly(self) -> None:
        while True:
            self.intake.heed_budgets()
            self.intake.refresh_gauges(self.source.ends)
            self.intake.end_pinned(self._settings.pipeline.pinned_s, self.fleet.is_out)
            await asyncio.sleep(TICK_S)

    async def _watch_for_stalls(self) -> None:
        every_s = self._settings.kafka.lease_margin_s / 5
        while True:
            self.intake.tick()
            await asyncio.sleep(every_s)

    async def _watch_policies(self) -> None:
        while True:
            await asyncio.sleep(self._settings.policies.watch_every_s)
            await asyncio.to_thread(self.policies.reload_if_changed)

    # Health; called from the health server's thread.

    def _is_live(self) -> Health:
        now_s = time.monotonic()
        details = {"loop_s": round(now_s - self._ticked_s, 1)}
        if self._is_started:
            details["kafka_s"] = round(now_s - self.source.polled_s, 1)
        # A revocation keeps the Kafka thread for as long as its drain may take.
        stuck_s = self._settings.telemetry.stuck_s + self._settings.pipeline.drain_s
        return Health(max(details.values()) < stuck_s, dict(details))

    def _is_ready(self) -> Health:
        if not self._is_started:
            return Health(False, {"why": ["starting"]})
        source, now_s = self.source, time.monotonic()
        owned, failure = source.owned, self.intake.failure
        state = State(
            is_stopping=self._is_stopping,
            failure=str(failure.exception()) if failure.done() else None,
            troubles=source.troubles.told(owned, now_s),
            owned=frozenset(owned),
            stranded=frozenset(tuple(source.stranded)),
            recovering=frozenset(self.intake.recovering),
            unreadable=frozenset(source.troubles.stopped(now_s)),
            held=frozenset(tuple(self._held_by_transactions)),
            is_model_out=self.fleet.is_out,
        )
        why = why_not_ready(state)
        return Health(
            not why,
            {
                "why": why,
                "partitions": len(owned),
                "breaker_open": state.is_model_out,
                "endpoints_out": [e.name for e in self.fleet.endpoints if e.breaker.is_open],
                "stranded": sorted(map(str, state.stranded)),
                "recovering": sorted(map(str, state.recovering)),
                "unreadable": sorted(map(str, state.unreadable)),
                "held_by_transactions": sorted(map(str, state.held)),
                "beyond_end": [str(partition) for partition in self.intake.beyond_end],
                "publishing_waits": self.sink.troubled,
                "paused_topics": sorted(self._paused),
                "budgets_spent": list(self.intake.budgets.spent),
            },
        )


async def _within(seconds: float, what: str, work: Coroutine[Any, Any, None]) -> None:
    """A step of the stop; what takes too long is left behind, as a crash would leave it."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        log.warning("the stop goes on without waiting any longer", step=what)


Answer = TypeVar("Answer")


async def patiently(ask: Callable[[], Answer]) -> Answer:
    """
    Ask brokers that have let us in something; a leader that moves is no reason to end.

    Raises:
        BrokerUnavailable: they have not answered for START_PATIENCE_S.
    """
    until_s = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            return await asyncio.to_thread(ask)
        except BrokerUnavailable as error:
            if time.monotonic() > until_s:
                raise
            log.warning("the brokers are asked again", error=str(error))
            await asyncio.sleep(1.0)
