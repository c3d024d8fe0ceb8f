"""
The wiring: builds everything, runs it, stops it. The only file that knows every other.

`Worker` is an object, so that the demo and the tests start the real program without a shell.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from consumer.classifier.direct import DirectTransport
from consumer.classifier.endpoint import Endpoint
from consumer.classifier.judge import SafeguardClassifier, SegmentLimits
from consumer.classifier.request import RequestFormat
from consumer.classifier.transport import Transport
from consumer.domain.binding import Catalogue
from consumer.domain.control import Control
from consumer.errors import BrokerUnavailable, Fatal, InvalidSettings, Retryable, TopicsMissing
from consumer.interfaces import Clock, Output
from consumer.kafka.config import KafkaConfig, check_client_properties
from consumer.kafka.controls import ControlsReader
from consumer.kafka.outputs import describe_outputs, unfit_steps
from consumer.kafka.session import check_metadata_room, read_session
from consumer.kafka.sink import KafkaSink
from consumer.kafka.source import KafkaSource
from consumer.kafka.tail import TailReader
from consumer.kafka.tails import KafkaTails
from consumer.kafka.topics import Step, Topics
from consumer.pipeline.flight import Flight
from consumer.pipeline.intake import Intake
from consumer.pipeline.lease import LeaseTerms
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.limiter import FlowLimits, Limiter
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.recovery import Recovery, RecoveryLimits
from consumer.registry.store import PolicyStore
from consumer.reliability.breaker import Breaker
from consumer.reliability.dead_letters import DeadLetterOffice
from consumer.reliability.retry import RetryLimits
from consumer.settings import InferenceSettings, KafkaSettings, Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.health import Health, HealthServer
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

TICK_S = 0.25
START_PATIENCE_S = 20.0


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
        self.endpoint = build_endpoint(settings.inference, self._clock, self.metrics)
        self._co_partitions: dict[str, int] = {}
        self._topic_ids: dict[str, str] = {}
        self._bytes_max: dict[str, int] = {}
        """The largest batch that an output takes, where the brokers say so."""
        self._inputs: list[str] = []
        self._controls = ControlsReader(self._kafka)
        self._paused: frozenset[str] = frozenset()
        """Those of the inputs that an operator has paused."""
        self._ticked_s = time.monotonic()
        self._is_started = False
        self._tasks: list[asyncio.Task[None]] = []
        self.source: KafkaSource
        self.sink: KafkaSink
        self.intake: Intake
        self.health: HealthServer

    def __repr__(self) -> str:
        if not self._is_started:
            return f"<Worker not started, {self.endpoint!r}>"
        return f"<Worker {self.intake!r} {self.source!r} {self.sink!r} {self.endpoint!r}>"

    async def start(self) -> None:
        """
        Check the topics, warm up the endpoint, join the group.

        Raises:
            Fatal: what is missing and what to do about it.
        """
        try:
            await self._start()
        except BaseException:
            await asyncio.to_thread(self._controls.close)
            await self.endpoint.close()
            raise

    async def _start(self) -> None:
        settings, metrics = self._settings, self.metrics
        drain_s = settings.pipeline.drain_s
        # Whether they let us in at all is known at once; what follows may meet a leader that moves.
        await asyncio.to_thread(Topics(self._kafka).partitions)
        terms = await patiently(lambda: lease_terms(settings, self._kafka))
        tail = TailReader(self._kafka)
        ends = await patiently(lambda: self._look_at_topics(tail))
        controls = await patiently(self._controls.read)
        await self._warm_up()
        group = self._kafka.group
        self._tails = KafkaTails(TailReader(self._kafka), self._identify)
        self.source = KafkaSource(
            self._kafka,
            self._inputs,
            self._start_rule,
            lambda topic: self._co_partitions.get(topic, 0),
            self._identify,
            metrics,
            drain_s,
        )
        # A batch that is larger than its topic takes would be refused as a whole.
        smallest = min([settings.kafka.message_bytes_max, *self._bytes_max.values()])
        self.sink = KafkaSink(
            self._kafka._replace(batch_bytes_max=smallest), TailReader(self._kafka), metrics
        )
        office = DeadLetterOffice(
            group, worker_name(), settings.dead_letters.spring_names, self._topic_ids
        )
        publisher = Publisher(group, office, settings.kafka.message_bytes_max, self._bytes_max)
        classifier = build_classifier(settings.inference, self.endpoint, self._clock, metrics)
        self.intake = Intake(
            self.source,
            self.sink,
            self.policies,
            Processor(classifier, publisher, self._clock, group, self._topic_ids),
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
        )
        self.health = HealthServer(
            settings.telemetry.health_host,
            settings.telemetry.health_port,
            self._is_live,
            self._is_ready,
            metrics.registry,
            lambda: None,
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
        ]
        if settings.policies.watch:
            self._tasks.append(asyncio.create_task(self._watch_policies()))
        log.info(
            "started",
            topics=self._inputs,
            group=group,
            endpoint=self.endpoint.name,
            model=settings.inference.model,
            health=f"http://{settings.telemetry.health_host}:{self.health.port}",
        )

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
        """Take nothing more, finish what is in flight, commit, leave the group."""
        log.info("stopping: draining", in_flight=self.intake.ledger.in_flight)
        await self.source.quiesce()
        await self.intake.drain()
        for task in self._tasks:
            if not task.done():
                task.cancel()
        await self.source.close()
        await self.sink.close(self._settings.pipeline.drain_s)
        self._tails.close()
        await asyncio.to_thread(self._controls.close)
        await self.endpoint.close()
        self.health.close()
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

    def _look_at_topics(self, tail: TailReader) -> dict[Output, int]:
        """Find the inputs, check their outputs, and return the outputs' end offsets. Blocking."""
        topics = Topics(self._kafka)
        catalogue = self.policies.catalogue
        partitions = topics.partitions()
        steps = [step for step in topics.plan(catalogue, partitions) if step.is_needed]
        if steps and self._settings.kafka.create_topics:
            for line in topics.apply(steps, self._settings.kafka.replication, {}):
                log.info("topics", step=line)
            partitions = topics.partitions()
            steps = [step for step in topics.plan(catalogue, partitions) if step.is_needed]
        inputs = catalogue.inputs_among(list(partitions))
        steps += self._unfit(catalogue, inputs, partitions)
        refused = {s.topic for s in steps if s.topic not in partitions or s.change == "by hand"}
        if refused:
            lines = "\n".join(f"  {step}" for step in steps if step.topic in refused)
            error = TopicsMissing(
                f"topics are not as the policies need them:\n{lines}\n"
                "`safeguard topics plan` shows what to do and `safeguard topics apply` does it, "
                "or set kafka.create_topics = true"
            )
            if not self._is_started:
                raise error
            # Of what came up later only the topics that are at fault wait.
            log.error("new topics are left out", error=str(error))
            inputs = [
                source
                for source in inputs
                if source in self._inputs
                or not refused.intersection((source, *_outputs_of(catalogue, source)))
            ]
        if not inputs:
            raise TopicsMissing(
                "no topic of the broker matches the policies: create the input topics, or mend "
                "`topics` in topic.toml"
            )
        self._inputs = inputs
        if self._settings.kafka.topic_ids:
            self._topic_ids.update(topics.ids(inputs))
        self._co_partitions.update(co_partitions(catalogue, inputs, partitions))
        return tail.ends(outputs_of(catalogue, inputs, partitions))

    def _unfit(
        self, catalogue: Catalogue, inputs: Sequence[str], partitions: Mapping[str, int]
    ) -> list[Step]:
        """Outputs that would forget verdicts too soon, where the brokers can be asked."""
        if not self._settings.kafka.topic_ids:
            return []
        if not self._is_started:
            check_metadata_room(self._kafka)
        known = {output for source in self._inputs for output in _outputs_of(catalogue, source)}
        wanted = {output for source in inputs for output in _outputs_of(catalogue, source)}
        new = sorted(output for output in wanted - known if output in partitions)
        facts = describe_outputs(self._kafka, new)
        self._bytes_max.update({t: f.bytes_max for t, f in facts.items() if f.bytes_max})
        return unfit_steps(facts, self._settings.kafka.retention_min_s)

    def _identify(self, topics: Sequence[str]) -> Mapping[str, str]:
        """The broker's ids of topics; verdict ids follow a topic that was made again. Blocking."""
        if not self._settings.kafka.topic_ids:
            return {}
        ids = Topics(self._kafka).ids(topics)
        self._topic_ids.update(ids)
        return ids

    def _start_rule(self, topic: str) -> str:
        binding = self.policies.catalogue.binding_for(topic)
        return binding.start_of(topic) if binding else "latest"

    async def _follow_topics(self, tail: TailReader) -> None:
        """Pick up new topics that match a pattern, and outputs that have grown."""
        while True:
            await asyncio.sleep(self._settings.kafka.topics_refresh_s)
            before = list(self._inputs)
            try:
                ends = await asyncio.to_thread(self._look_at_topics, tail)
            except (Retryable, Fatal) as error:
                log.warning("topics not looked at", error=str(error))
                continue
            self.sink.add_outputs(ends)
            if self._inputs != before:
                log.info("topics changed", topics=self._inputs)
                self.source.subscribe(self._inputs)
            self.source.look_again()

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
        paused = said.intersection(self._inputs)
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
        try:
            found = await self.endpoint.probe()
        except Retryable as error:
            log.warning(
                "endpoint does not answer yet", endpoint=self.endpoint.name, error=str(error)
            )
            return
        log.info(
            "endpoint answers",
            endpoint=self.endpoint.name,
            has_model=found.has_model,
            known_bad=found.label_for_bad,
            known_good=found.label_for_good,
            schema=found.has_schema,
        )

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.pipeline.commit_every_s)
            self.intake.commit()

    async def _tick_regularly(self) -> None:
        while True:
            self._ticked_s = time.monotonic()
            self.intake.refresh_gauges(self.source.ends)
            self.intake.end_pinned(self._settings.pipeline.pinned_s, self.endpoint.breaker.is_open)
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
        details = {
            "loop_s": round(now_s - self._ticked_s, 1),
            "kafka_s": round(now_s - self.source.polled_s, 1),
        }
        # A revocation keeps the Kafka thread for as long as its drain may take.
        stuck_s = self._settings.telemetry.stuck_s + self._settings.pipeline.drain_s
        return Health(max(details.values()) < stuck_s, dict(details))

    def _is_ready(self) -> Health:
        stranded = [str(partition) for partition in tuple(self.source.stranded)]
        return Health(
            self._is_started and not self.intake.failure.done(),
            {
                "partitions": len(self.source.owned),
                "breaker_open": self.endpoint.breaker.is_open,
                "stranded": stranded,
                "recovering": [str(partition) for partition in self.intake.recovering],
                "publishing_waits": self.sink.troubled,
                "paused_topics": sorted(self._paused),
            },
        )


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


def _outputs_of(catalogue: Catalogue, source: str) -> tuple[str, ...]:
    binding = catalogue.binding_for(source)
    return binding.outputs_of(source) if binding else ()


def co_partitions(
    catalogue: Catalogue, inputs: list[str], partitions: Mapping[str, int]
) -> dict[str, int]:
    """How many partitions all outputs of each input have."""
    found: dict[str, int] = {}
    for source in inputs:
        binding = catalogue.binding_for(source)
        if binding is not None:
            outputs = binding.outputs_of(source)
            found[source] = min(partitions.get(output, 0) for output in outputs)
    return found


def outputs_of(
    catalogue: Catalogue, inputs: list[str], partitions: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Every partition of every output."""
    names: dict[str, None] = {}
    for source in inputs:
        binding = catalogue.binding_for(source)
        if binding is not None:
            names |= dict.fromkeys(binding.outputs_of(source))
    return [(name, number) for name in names for number in range(partitions.get(name, 0))]


def kafka_config(settings: KafkaSettings) -> KafkaConfig:
    """
    What the Kafka clients are given; secrets are read from their files here.

    Raises:
        InvalidSettings: a property that the service owns, or a secret that cannot be read.
    """
    client = {name: _property(value) for name, value in settings.client.items()}
    for name, file in settings.client_files.items():
        try:
            client[name] = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSettings(
                f"kafka.client_files.{name}: {file} cannot be read: {error}"
            ) from None
    check_client_properties(client)
    return KafkaConfig(
        bootstrap_servers=settings.bootstrap_servers,
        group=settings.group,
        group_protocol=settings.group_protocol,
        static_member=settings.static_member,
        session_timeout_s=settings.session_timeout_s,
        max_poll_interval_s=settings.max_poll_interval_s,
        message_timeout_s=settings.message_timeout_s,
        request_timeout_s=settings.request_timeout_s,
        linger_ms=settings.linger_ms,
        message_bytes_max=settings.message_bytes_max,
        client=client,
    )


def check_budgets(settings: Settings) -> None:
    """
    Hold settings together that only make sense together.

    Raises:
        InvalidSettings: naming both, and what to change.
    """
    drain_s, poll_s = settings.pipeline.drain_s, settings.kafka.max_poll_interval_s
    if drain_s + 15 > poll_s:
        raise InvalidSettings(
            f"pipeline.drain_s = {drain_s:g} does not fit into kafka.max_poll_interval_s = "
            f"{poll_s:g}: a drain that long would cost the membership; leave 15 s between them"
        )


def lease_terms(settings: Settings, kafka: KafkaConfig) -> LeaseTerms:
    """
    What the publishing lease is made of. Blocking: with KIP-848 the brokers are asked.

    Raises:
        InvalidSettings: the group's session leaves no time to publish; naming what to change.
    """
    ours = settings.kafka
    session = read_session(kafka, may_ask=ours.topic_ids)
    terms = LeaseTerms(
        session_s=session.session_s,
        heartbeat_s=session.heartbeat_s,
        request_s=ours.request_timeout_s,
        margin_s=ours.lease_margin_s,
        publish_s=kafka.client_timeout_s,
    )
    commit_s = settings.pipeline.commit_every_s
    lacking_s = terms.needed_s + commit_s - terms.length_s
    if lacking_s > 0:
        raise InvalidSettings(
            f"the group's session of {session.session_s:g} s ({session.origin}) is {lacking_s:.1f} "
            "s too short for a publishing lease. It must hold a heartbeat "
            f"({session.heartbeat_s:g} s), kafka.request_timeout_s ({ours.request_timeout_s:g}), "
            f"1.25 x kafka.message_timeout_s ({ours.message_timeout_s:g}) + 0.5 s, "
            f"pipeline.commit_every_s ({commit_s:g}) and twice kafka.lease_margin_s "
            f"({ours.lease_margin_s:g}): raise the session, or lower one of these"
        )
    return terms


def recovery_limits(settings: Settings) -> RecoveryLimits:
    kafka, pipeline = settings.kafka, settings.pipeline
    return RecoveryLimits(
        when_unknown=kafka.when_unknown,
        scan_skew_s=kafka.scan_skew_s,
        clock_skew_s=kafka.clock_skew_s,
        careful_after=pipeline.careful_after,
        careful_offsets=pipeline.careful_offsets,
    )


def _property(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def build_endpoint(settings: InferenceSettings, clock: Clock, metrics: Metrics) -> Endpoint:
    """
    The endpoint as the settings name it.

    Raises:
        InvalidSettings: the key's file cannot be read.
    """
    key = "none"
    if settings.api_key_file is not None:
        try:
            key = settings.api_key_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSettings(
                f"inference.api_key_file: {settings.api_key_file} cannot be read: {error}"
            ) from None
    return Endpoint(
        name=settings.endpoint,
        transport=_transport(settings, key),
        format=RequestFormat(
            model=settings.model,
            tokens_max=settings.tokens_max,
            temperature=settings.temperature,
            seed=settings.seed,
        ),
        breaker=Breaker(settings.probe_every_s),
        clock=clock,
        metrics=metrics,
        timeout_s=settings.timeout_s,
        calls_max=settings.calls_max,
    )


def _transport(settings: InferenceSettings, key: str) -> Transport:
    # A probe goes out beside the calls, so there is one connection more than there are calls.
    connections_max = settings.calls_max + 1
    if settings.transport == "sdk":
        # Imported here: the package takes a second and 40 MB that the direct transport saves.
        from consumer.classifier.sdk import SdkTransport

        return SdkTransport(settings.endpoint, key, connections_max, settings.timeout_s)
    return DirectTransport(settings.endpoint, key, connections_max, settings.timeout_s)


def build_classifier(
    settings: InferenceSettings, endpoint: Endpoint, clock: Clock, metrics: Metrics
) -> SafeguardClassifier:
    return SafeguardClassifier(
        endpoint,
        RetryLimits(settings.attempts_max, wait_max_s=settings.wait_max_s),
        SegmentLimits(
            settings.segment_bytes, settings.segment_overlap_chars, settings.segments_max
        ),
        clock,
        metrics,
        random.Random(),
    )


def worker_name() -> str:
    """Who signs dead letters: host and process."""
    return f"{socket.gethostname()}-{os.getpid()}"
