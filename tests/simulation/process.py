"""One simulated worker process: the real pipeline on a simulated client and model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from consumer.classifier.judge import SafeguardClassifier, SegmentLimits
from consumer.domain.binding import Binding, Catalogue, MessageTerms, Outputs
from consumer.domain.messages.rules import EventRule, EventTerms
from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.domain.screening import ScreeningTerms
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.retry import RetryLimits
from consumer.interfaces import Screening
from consumer.pipeline.assignment.commits import Owner
from consumer.pipeline.assignment.lease import LeaseTerms
from consumer.pipeline.assignment.recovery import Recovery, RecoveryLimits
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.flow.limiter import FlowLimits
from consumer.pipeline.intake import Intake
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.seams import Seams
from consumer.screening.screener import Screener
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.filtering import FollowedFilters
from tests.builders import an_endpoint
from tests.simulation.client import (
    CLIENT_TIMEOUT_S,
    HEARTBEAT_S,
    REQUEST_S,
    SimSink,
    SimSource,
    SimTails,
)
from tests.simulation.cluster import Cluster
from tests.simulation.filter import MODEL, TEMPLATE
from tests.simulation.filter_journal import FilterJournal, FilterWitness
from tests.simulation.notes import NoteTopic, SimNoteLog, SimNoteStore
from tests.simulation.safeguard import SimTransport
from tests.simulation.scheduler import Loop, Scheduler, VirtualClock

POLICY = Policy(
    name="p",
    title="P",
    text="OK, MAYBE or BAD.",
    outcomes={"OK": Outcome.ALLOW, "MAYBE": Outcome.FLAG, "BAD": Outcome.BLOCK},
)
VERSION = PolicyVersion("in", 1, (POLICY,), "d" * 32)
MARGIN_S = 1.0
COMMIT_S = 0.5
DRAIN_S = 4.0
LOOK_S = (1.0, 5.0, 20.0)
"""How often a process looks at the topics; one of these."""


class SimPolicies:
    """One policy set, for ever."""

    def __init__(
        self,
        deadline_s: float,
        on_outage: str,
        outputs: Outputs,
        screening: ScreeningTerms,
        settle_s: float | None = None,
    ) -> None:
        """With a settling time the records are JSON, and may be edits and deletions."""
        binding = Binding(
            "in",
            ("in",),
            VERSION,
            MessageTerms(format="text") if settle_s is None else _with_events(settle_s),
            outputs,
            deadline_s=deadline_s,
            on_outage=on_outage,  # type: ignore[arg-type]
            versions={1: VERSION},
            screening=screening,
        )
        self.catalogue = Catalogue((binding,))


def _with_events(settle_s: float) -> MessageTerms:
    edit = EventRule(frozenset({"edited"}), field=("type",))
    delete = EventRule(frozenset({"deleted"}), field=("type",))
    return MessageTerms(id=("id",), event=EventTerms(edit, delete, settle_s=settle_s))


class SimNetwork:
    """What this process can reach."""

    def __init__(self, cluster: Cluster, dice: Random) -> None:
        self._cluster = cluster
        self._dice = dice
        self.is_cut_from_coordinator = False

    def has_coordinator(self) -> bool:
        return not (self.is_cut_from_coordinator or self._cluster.is_coordinator_out)

    def has_brokers(self) -> bool:
        return not self._cluster.are_brokers_out

    def delay_s(self) -> float:
        return self._dice.choice((0.001, 0.005, 0.02, 0.1)) * (0.5 + self._dice.random())


class SimProcess:
    """A worker, from its start to its end."""

    def __init__(
        self,
        scheduler: Scheduler,
        cluster: Cluster,
        dice: Random,
        name: str,
        session_s: float,
        policies: SimPolicies,
        limits: FlowLimits,
        stall_rate: float,
        fault_rate: float,
        *,
        are_limits_shown: bool = True,
        careful_after: int = 4,
        is_model_out: bool = False,
        journal: FilterJournal | None = None,
        notes: NoteTopic | None = None,
    ) -> None:
        """`journal` and `notes` are those of the world's filter, where it has one."""
        self.name = name
        self.loop = Loop(scheduler, dice, stall_rate)  # type: ignore[abstract]
        self.network = SimNetwork(cluster, dice)
        self.transport = SimTransport(dice, fault_rate)
        self.transport.is_out = is_model_out
        self.is_stopping = False
        self.is_over = False
        clock = VirtualClock(scheduler, dice.randrange(-100, 100))
        metrics = Metrics()
        terms = LeaseTerms(session_s, HEARTBEAT_S, REQUEST_S, MARGIN_S, CLIENT_TIMEOUT_S)
        topic_limits: dict[str, int] = {}
        publisher = Publisher("g", DeadLetterEncoder("g", name), bytes_max_of=topic_limits)

        def build() -> None:
            self.source = SimSource(
                cluster, scheduler, self.loop, self.network, dice, name, DRAIN_S
            )
            self.sink = SimSink(
                cluster,
                scheduler,
                self.loop,
                self.network,
                clock,
                dice,
                topic_limits,
                are_limits_shown=are_limits_shown,
            )
            self.endpoint = an_endpoint(
                self.transport,
                probe_every_s=0.5,
                timeout_s=3.0,
                capacity=8,
                telemetry=Telemetry(clock, metrics),
            )
            classifier = SafeguardClassifier(
                Fleet([self.endpoint], Telemetry(clock, metrics)),
                RetryLimits(3, wait_max_s=1.0),
                SegmentLimits(16_000, 400, 8),
                Telemetry(clock, metrics),
                dice,
            )
            screening: Screening = Screener(clock)
            if journal is not None and notes is not None:
                screening = self._with_filter(policies, journal, notes, Telemetry(clock, metrics))
            self.intake = Intake(
                Seams(
                    self.source, self.sink, policies, Telemetry(clock, metrics), self._is_model_well
                ),
                Processor(classifier, publisher, clock, "g", screening),
                Recovery(
                    SimTails(cluster, self.network),
                    clock,
                    RecoveryLimits(
                        clock_skew_s=0.3, careful_after=careful_after, careful_offsets=5
                    ),
                ),
                limits,
                Owner(f"{dice.getrandbits(32):08x}", terms),
                DRAIN_S,
            )
            self.sink.start(self.intake, cluster.floors())
            self.source.start(self.intake)
            regularly = [self._commit(), self._tick(), self._look(cluster, dice.choice(LOOK_S))]
            if self.filters is not None:
                regularly += self.filters.loops()
            self.tasks = [self.loop.create_task(each) for each in regularly]

        self.filters: FollowedFilters | None = None
        self._was_model_there = not is_model_out
        self.loop.run(build)

    def _with_filter(
        self,
        policies: SimPolicies,
        journal: FilterJournal,
        notes: NoteTopic,
        telemetry: Telemetry,
    ) -> FilterWitness:
        """The stages with a filter, whose notes this process writes and follows."""

        def opened(take: Callable[[bytes | None], None], _missed: Callable[[], None]) -> SimNoteLog:
            self.witness.log = SimNoteLog(notes, self.network, take)
            return self.witness.log

        self.filters = FollowedFilters(SimNoteStore(notes, self.network), opened, telemetry)
        screener = Screener(telemetry.clock, self.filters.filters)
        screener.prepare(policies.catalogue)
        self.witness = FilterWitness(self.name, self.loop, screener, self.filters.filters, journal)
        return self.witness

    @property
    def failure(self) -> str | None:
        """What made it impossible to carry on, where something did."""
        if self.loop.failures:
            return repr(self.loop.failures[0])
        if self.intake.failure.done():
            return repr(self.intake.failure.exception())
        return None

    def _is_model_well(self) -> bool:
        has_answered = self._was_model_there or self.endpoint.standing.last_judgement_s > float(
            "-inf"
        )
        return has_answered and not self.endpoint.breaker.is_open

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_S)
            self.intake.commit()

    async def _tick(self) -> None:
        while True:
            self.intake.tick()
            self.intake.end_pinned(15.0, self.endpoint.breaker.is_open)
            if self.filters is not None:
                self.filters.heed([MODEL], lambda _: TEMPLATE)
                self.witness.look()
            await asyncio.sleep(MARGIN_S / 4)

    async def _look(self, cluster: Cluster, every_s: float) -> None:
        """Whether a topic was made again."""
        while True:
            await asyncio.sleep(every_s)
            if self.network.has_brokers():
                self.sink.add_outputs(cluster.floors())
                self.source.begin_again(cluster.ids)

    def kill(self) -> None:
        self.loop.die()
        self.is_over = True

    def stop(self) -> None:
        """As on SIGTERM."""
        if not self.is_stopping and not self.is_over:
            self.is_stopping = True
            self.loop.run(lambda: self.loop.create_task(self._stop()))

    async def _stop(self) -> None:
        self.source.quiesce()
        await self.intake.drain()
        for task in self.tasks:
            task.cancel()
        self.source.is_closing = True
        while not self.source.is_closed:
            await asyncio.sleep(0.1)
        for _ in range(20):
            if self.sink.is_idle:
                break
            await asyncio.sleep(0.1)
        self.kill()
