"""
The worker: builds its parts, runs them, stops them. The only file that knows every other.

`Worker` is an object, so that the demo and the tests start the real program without a shell.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from consumer.kafka.cluster.controls import controls_table
from consumer.kafka.cluster.transactions import OpenTransactions
from consumer.kafka.reader.tail import TailReader
from consumer.kafka.reader.tails import KafkaTails
from consumer.kafka.sink.sink import KafkaSink
from consumer.kafka.source.source import KafkaSource
from consumer.pipeline.assignment.assignment import Flight
from consumer.pipeline.assignment.commits import Owner
from consumer.pipeline.assignment.lease import LeaseTerms
from consumer.pipeline.assignment.recovery import Recovery
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.flow.limiter import FlowLimits
from consumer.pipeline.intake import Intake
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.seams import Seams
from consumer.registry.store import PolicyStore
from consumer.screening.screener import Screener
from consumer.settings.settings import Settings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.filtering import filters_on
from consumer.worker.following.decisions import follow_decisions
from consumer.worker.following.pauses import PauseFollower
from consumer.worker.following.topics import TopicFollower
from consumer.worker.following.transactions import TransactionFollower
from consumer.worker.inputs import Inputs
from consumer.worker.member import Member, every
from consumer.worker.model import WatchedModel
from consumer.worker.patience import LEAVE_S, patiently, within
from consumer.worker.status import WorkerFigures, figures_of
from consumer.worker.vitals import Vitals
from consumer.worker.wiring import (
    build_classifier,
    check_budgets,
    kafka_config,
    lease_terms,
    recovery_limits,
    worker_name,
)

log = structlog.get_logger()

TICK_S = 0.25
"""Gauges, budgets and stuck records are looked at so often: soon for a person, idle for a core."""


class Worker:
    """One member of the group: takes, judges, publishes, commits, until it is stopped or fails."""

    def __init__(
        self, settings: Settings, on_terminal: Callable[[Flight], None] | None = None
    ) -> None:
        self._settings = settings
        self._on_terminal = on_terminal
        self.telemetry = Telemetry()
        self._kafka = kafka_config(settings.kafka)
        check_budgets(settings)
        self._filters = filters_on(self._kafka, settings.inference.decision, self.telemetry)
        self.filters = self._filters.filters
        self._screener = Screener(self.telemetry.clock, self.filters)
        self.policies = PolicyStore(
            settings.policies.folder, self.telemetry, self._screener.prepare
        )
        self.model = WatchedModel(settings.inference, self.telemetry)
        self._inputs = Inputs(settings.kafka, self._kafka, self.policies)
        self._decisions = follow_decisions(self._kafka, self._inputs, self.policies, self._screener)
        self._controls = controls_table(self._kafka)
        self.vitals = Vitals(
            settings, self.telemetry.metrics.registry, self.model.fleet, self.filters.standing
        )

    def __repr__(self) -> str:
        member = self.vitals.member
        return f"<Worker {'not started' if member is None else repr(member)}, {self.model!r}>"

    @property
    def member(self) -> Member:
        """What the started worker is in its group."""
        assert self.vitals.member is not None, "the worker has not started"
        return self.vitals.member

    def figures(self) -> WorkerFigures:
        """How it does, for a person who looks on; from any thread, so it only reads."""
        member = self.vitals.member
        if member is None:
            return WorkerFigures("starting")
        return figures_of(
            self.vitals.ready(),
            member.intake.ledger,
            self.telemetry.metrics.outcomes(),
            len(member.source.owned),
            len(tuple(member.intake.recovering)),
        )

    async def start(self) -> None:
        """
        Check the topics, warm up the endpoint, join the group.

        Raises:
            Fatal: what is missing and what to do about it.
        """
        try:
            # First of all: a port that is taken is known at once, and a start can be watched.
            await self.vitals.open()
            await self._join()
        except BaseException:
            await self._close()
            raise

    async def _join(self) -> None:
        # Whether they let us in at all is known at once; what follows may meet a leader that moves.
        await asyncio.to_thread(self._inputs.ask)
        terms = await patiently(lambda: lease_terms(self._settings, self._kafka))
        ends = await patiently(self._inputs.look)
        controls = await patiently(self._controls.read)
        await asyncio.gather(self.model.warm_up(), self._filters.warm_up())
        member = self._build_member(terms)
        # Before the first assignment, so that nothing of a paused topic is taken at a start.
        member.pauses.heed(controls)
        member.start(ends, self._loops(member))
        self.vitals.member = member
        log.info(
            "started",
            topics=self._inputs.topics,
            group=self._kafka.group,
            endpoints=[endpoint.name for endpoint in self.model.fleet.endpoints],
            model=self._settings.inference.model,
            health=f"http://{self._settings.telemetry.health_host}:{self.vitals.port}",
        )

    def _build_member(self, terms: LeaseTerms) -> Member:
        ours, inputs = self._settings.kafka, self._inputs
        tails = KafkaTails(TailReader(self._kafka), inputs.identify)
        source, sink = self._build_source(terms), self._build_sink()
        intake = self._build_intake(source, sink, tails, terms)
        return Member(
            source,
            sink,
            intake,
            tails,
            TopicFollower(inputs, source, sink, self.telemetry, ours.topics_refresh_s),
            PauseFollower(
                self._controls.read,
                lambda: inputs.topics,
                intake.admission.set_paused,
                self.telemetry,
                ours.controls_refresh_s,
            ),
            TransactionFollower(
                OpenTransactions(self._kafka), lambda: intake.at_rest(source.ends), self.telemetry
            ),
        )

    def _build_source(self, terms: LeaseTerms) -> KafkaSource:
        inputs = self._inputs
        return KafkaSource(
            # With KIP-848 the brokers say what the session is; the client is not told it.
            self._kafka._replace(session_timeout_s=terms.session_s),
            inputs.topics,
            inputs.start_rule,
            inputs.co_partitions,
            inputs.identify,
            self.telemetry,
            self._settings.pipeline.drain_s,
        )

    def _build_sink(self) -> KafkaSink:
        inputs, bytes_max = self._inputs, self._settings.kafka.message_bytes_max
        # A batch that is larger than its topic takes would be refused as a whole.
        smallest = min([bytes_max, *inputs.bytes_max.values()])
        return KafkaSink(
            self._kafka._replace(batch_bytes_max=smallest),
            TailReader(self._kafka),
            self.telemetry,
            inputs.identify,
            inputs.limits,
        )

    def _build_intake(
        self, source: KafkaSource, sink: KafkaSink, tails: KafkaTails, terms: LeaseTerms
    ) -> Intake:
        settings, clock, group = self._settings, self.telemetry.clock, self._kafka.group
        encoder = DeadLetterEncoder(group, worker_name(), settings.dead_letters.spring_names)
        publisher = Publisher(
            group, encoder, settings.kafka.message_bytes_max, self._inputs.bytes_max
        )
        classifier = build_classifier(settings.inference, self.model.fleet, self.telemetry)
        return Intake(
            Seams(
                source,
                sink,
                self.policies,
                self.telemetry,
                self.model.is_well,
                self._inputs.partitions_of,
            ),
            Processor(classifier, publisher, clock, group, self._screener),
            Recovery(tails, clock, recovery_limits(settings)),
            FlowLimits(
                settings.pipeline.in_flight_max,
                settings.pipeline.pending_max,
                settings.pipeline.pending_total_max,
            ),
            Owner(secrets.token_hex(4), terms),
            settings.pipeline.drain_s,
            self._on_terminal,
        )

    def _loops(self, member: Member) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the messages."""
        intake, settings = member.intake, self._settings

        def tick() -> None:
            intake.admission.heed_budgets()
            intake.refresh_gauges(member.source.ends)
            intake.end_pinned(settings.pipeline.pinned_s, self.model.fleet.is_out)
            self._screener.spoken_to(self.model.voice)
            self._filters.heed(self.model.models, self.model.template)
            for (name, stage), count in self._screener.kept().items():
                self.telemetry.metrics.screening_kept.labels(name, stage.value).set(count)

        loops = [
            every(settings.pipeline.commit_every_s, intake.commit),
            every(TICK_S, tick),
            every(settings.kafka.lease_margin_s / 5, intake.tick),
            *self._filters.loops(),
            self._decisions.run(),
        ]
        return [*loops, self._watch_policies()] if settings.policies.watch else loops

    async def _watch_policies(self) -> None:
        while True:
            await asyncio.sleep(self._settings.policies.watch_every_s)
            await asyncio.to_thread(self.policies.reload_if_changed)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until `stop` is set, then drain.

        Raises:
            Exception: what made it impossible to carry on; nothing unfinished was committed.
        """
        asyncio.get_running_loop().set_exception_handler(self._on_stray_error)
        try:
            await self.member.until(stop)
        finally:
            await self.stop()
        self.member.raise_failure()

    def _on_stray_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody awaits would be a silent standstill: it stops the service."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.member.intake.failed(error)
        else:
            loop.default_exception_handler(context)

    async def stop(self) -> None:
        """Take nothing more, finish what is in flight, commit, leave the group, close all."""
        ledger = self.member.intake.ledger
        log.info("stopping: draining", in_flight=ledger.in_flight)
        self.vitals.is_stopping = True
        await self.member.leave(self._settings.pipeline.drain_s)
        await self._close()
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

    async def _close(self) -> None:
        # What is being read is read to its end first, and a broker may be away.
        closing = asyncio.to_thread(self._controls.close)
        await within(LEAVE_S, "closing what reads the pauses", closing)
        await within(LEAVE_S, "closing what keeps the audits", self._filters.close())
        await within(LEAVE_S, "closing what reads the decisions", self._decisions.close())
        await self.model.close()
        self.vitals.close()
