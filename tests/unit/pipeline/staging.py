"""An intake with fakes around it, for tests that decide what happens when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from consumer.domain.binding import Binding, Catalogue, MessageTerms
from consumer.domain.checkpoint import Checkpoint, Floor, decode_checkpoint
from consumer.domain.messages.context import Context
from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.domain.verdicts.verdict import Judgement
from consumer.errors import BrokerUnavailable
from consumer.interfaces import (
    Assigned,
    CommitPoint,
    Committed,
    DeliveryReport,
    Fate,
    Judged,
    Output,
    Partition,
    Publication,
    Ticket,
)
from consumer.pipeline.assignment.commits import Owner
from consumer.pipeline.assignment.lease import LeaseTerms
from consumer.pipeline.assignment.recovery import Recovery, RecoveryLimits
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.flow.limiter import FlowLimits
from consumer.pipeline.intake import Intake
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.seams import Seams
from consumer.screening.filters import Filters
from consumer.screening.screener import Screener
from consumer.telemetry.telemetry import Telemetry

TOPIC = "chat"
ZERO = Partition(TOPIC, 0)
POLICY = Policy(
    name="p",
    title="P",
    text="",
    outcomes={"OK": Outcome.ALLOW, "MAYBE": Outcome.FLAG, "BAD": Outcome.BLOCK},
)
VERSION = PolicyVersion("chat", 1, (POLICY,), "d" * 32)
TERMS = LeaseTerms(session_s=30, heartbeat_s=2, request_s=3, margin_s=1, publish_s=10)
"""A lease of 24 s, of which 11 must be left to publish."""


class HandClock:
    """Moves when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wall = 1_000_000_000

    def now_s(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return self.wall

    def move(self, seconds: float) -> None:
        self.now += seconds
        self.wall += int(seconds * 1_000)


class FakeSource:
    """Notes what it is asked, and answers commits as the test says."""

    def __init__(self) -> None:
        self.credits = 0
        self.commits: list[Mapping[Partition, CommitPoint]] = []
        self.paused: list[Partition] = []
        self.resumed: list[Partition] = []
        self.answer: bool | None = True
        """What the broker makes of commits; None leaves them unanswered."""
        self.intake: Intake

    def give_credits(self, count: int) -> None:
        self.credits += count

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        self.commits.append(points)
        if self.answer is not None:
            results = [Committed(p, c.number, c.metadata, self.answer) for p, c in points.items()]
            asyncio.get_running_loop().call_soon(self.intake.committed, results)

    def answer_last(self, is_accepted: bool = True) -> None:
        points = self.commits[-1]
        self.intake.committed(
            [Committed(p, c.number, c.metadata, is_accepted) for p, c in points.items()]
        )

    def pause(self, assignments: Mapping[Partition, int]) -> None:
        self.paused += assignments

    def resume(self, assignments: Mapping[Partition, int]) -> None:
        self.resumed += assignments


class FakeSink:
    """Holds publications until the test says what became of them."""

    def __init__(self) -> None:
        self.sent: list[tuple[Publication, Ticket]] = []
        self.floors: dict[Output, Floor] = {}
        self.takes_one = False
        """Whether its outputs are given one at a time."""

    def send(self, publication: Publication, ticket: Ticket) -> None:
        self.sent.append((publication, ticket))

    def takes(self, output: Output) -> bool:
        return not self.takes_one or all(each.output != output for each, _ in self.sent)

    def floor(self, output: Output) -> Floor:
        return self.floors.get(output, Floor(0))

    @property
    def topics(self) -> list[str]:
        return [publication.topic for publication, _ in self.sent]


class FakeTails:
    """What lies on the outputs of partition 0: offsets of the input, by output and offset there."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[int, int]] = {}
        """Output topic -> its offset -> the input offset judged there."""
        self.by_time: dict[str, int] = {}
        self.topic_ids: dict[str, str] = {}
        self.first_ms: int | None = None
        self.reads: list[tuple[str, int, int]] = []
        self.sources: set[str] = set()
        """The topic that positions were asked of: its id, or its name."""
        self.failures = 0
        """So many calls fail first."""
        self.calls: list[str] = []

    def end(self, topic: str) -> int:
        return max(self.outputs.get(topic, {}), default=-1) + 1

    async def ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        self.calls.append("ids")
        return {topic: self.topic_ids[topic] for topic in topics if topic in self.topic_ids}

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        self.calls.append("ends")
        if self.failures:
            self.failures -= 1
            raise BrokerUnavailable("out")
        return {output: self.end(output.topic) for output in outputs}

    async def offsets_at(
        self, outputs: Sequence[Output], timestamp_ms: int
    ) -> Mapping[Output, int]:
        self.calls.append(f"at {timestamp_ms}")
        return {output: self.by_time.get(output.topic, 0) for output in outputs}

    async def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        self.calls.append(f"first at {offset}")
        return self.first_ms

    async def positions(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        self.reads.append((output.topic, floor, end))
        self.sources.add(source)
        lying = self.outputs.get(output.topic, {})
        return {offset for at, offset in lying.items() if floor <= at < end}


class FakeClassifier:
    """Answers each text when the test lets it: the label is the text's first word."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.judged: list[str] = []
        self.contexts: dict[str, Context | None] = {}
        """What each text was shown with."""

    async def classify(
        self,
        text: str,
        version: PolicyVersion,
        binding: Binding,
        deadline_s: float | None,
        context: Context | None = None,
    ) -> Judged:
        self.judged.append(text)
        self.contexts[text] = context
        if text in self.gates:
            await self.gates[text].wait()
        label = text.split()[0]
        return Judged((Judgement("p", label, POLICY.outcomes[label]),), context=context)


class FakePolicies:
    """One set, which a test may replace."""

    def __init__(self, binding: Binding) -> None:
        self.catalogue = Catalogue((binding,))


class Stage:
    """An intake with fakes around it."""

    def __init__(
        self,
        binding: Binding | None = None,
        limits: FlowLimits | None = None,
        drain_s: float = 5,
        recovery: RecoveryLimits | None = None,
        *,
        is_screened: bool = False,
        filters: Filters | None = None,
    ) -> None:
        self.binding = binding or Binding(
            "chat", (TOPIC,), VERSION, MessageTerms(format="text"), versions={1: VERSION}
        )
        self.source, self.sink, self.tails = FakeSource(), FakeSink(), FakeTails()
        self.classifier = FakeClassifier()
        self.policies = FakePolicies(self.binding)
        self.clock = HandClock()
        self.is_model_well = True
        self.limits: dict[str, int] = {}
        """What topics take, in bytes; a test may change it."""
        self.telemetry = Telemetry(self.clock)
        publisher = Publisher("g", DeadLetterEncoder("g", "w"), bytes_max_of=self.limits)
        self.intake = Intake(
            Seams(
                self.source,
                self.sink,
                self.policies,
                self.telemetry,
                is_model_well=lambda: self.is_model_well,
            ),
            Processor(
                self.classifier,
                publisher,
                self.clock,
                "g",
                Screener(self.clock, filters) if is_screened else None,
            ),
            Recovery(self.tails, self.clock, recovery or RecoveryLimits()),
            limits or FlowLimits(),
            Owner("me", TERMS),
            drain_s,
        )
        self.source.intake = self.intake
        self.numbers = 0

    def assignment(
        self,
        start: int = 0,
        checkpoint: Checkpoint | None = None,
        *,
        metadata: str = "",
        topic_id: str = "",
    ) -> Assigned:
        """Partition 0, after a commit with this checkpoint if there is one."""
        self.numbers += 1
        committed = start if checkpoint or metadata else None
        text = checkpoint.encode(start, TOPIC) if checkpoint else metadata
        return Assigned(ZERO, self.numbers, start, committed, text, topic_id)

    async def own(
        self, start: int = 0, checkpoint: Checkpoint | None = None, *, metadata: str = ""
    ) -> None:
        """Partition 0 is assigned, and recovered as far as the tails allow."""
        self.intake.assigned([self.assignment(start, checkpoint, metadata=metadata)])
        await settle()

    def hold(self, text: str) -> asyncio.Event:
        gate = self.classifier.gates[text] = asyncio.Event()
        return gate

    def acknowledge(self, count: int | None = None) -> None:
        sent, self.sink.sent = (
            self.sink.sent[:count],
            self.sink.sent[count or len(self.sink.sent) :],
        )
        self.intake.reported([DeliveryReport(ticket, Fate.STORED) for _, ticket in sent])

    def report(self, *fates: Fate) -> list[str]:
        """Report what was sent, in its order. Returns the positions and topics of what it was."""
        count = len(fates)
        sent, self.sink.sent = self.sink.sent[:count], self.sink.sent[count:]
        told = [DeliveryReport(ticket, fate) for (_, ticket), fate in zip(sent, fates, strict=True)]
        self.intake.reported(told)
        return [_said(publication) for publication, _ in sent]

    @property
    def sent(self) -> list[str]:
        """Positions and topics of what is on its way."""
        return [_said(publication) for publication, _ in self.sink.sent]

    @property
    def offsets(self) -> list[int]:
        """The offsets that were committed for partition 0, after the one that began."""
        points = [points[ZERO] for points in self.source.commits if ZERO in points]
        return [point.offset for point in points[1:]]

    @property
    def checkpoint(self) -> Checkpoint:
        """What the last commit of partition 0 said."""
        point = self.source.commits[-1][ZERO]
        checkpoint = decode_checkpoint(point.metadata, point.offset, TOPIC)
        assert checkpoint is not None
        return checkpoint


def record(offset: int, text: str = "OK", key: bytes | None = None, partition: int = 0) -> Record:
    return Record(Position(TOPIC, partition, offset), 1_000, key, text.encode())


def _said(publication: Publication) -> str:
    position = dict(publication.headers)["safeguard-position"] or b""
    return f"{position.decode()} to {publication.topic}"


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
