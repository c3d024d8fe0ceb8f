"""Intake on fakes: what is terminal, what is committed, what an ended assignment may still do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumer.domain.binding import Binding, Catalogue, Reading
from consumer.domain.message import Position, Record
from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.domain.verdict import Judgement
from consumer.errors import DeadLetterFailed, Fatal
from consumer.interfaces import Assigned, Judged, Partition, Publication, Report, Ticket
from consumer.pipeline.flight import Flight
from consumer.pipeline.intake import Intake
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.limiter import FlowLimits, Limiter
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.reliability.dead_letters import DeadLetterOffice
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.metrics import Metrics

TOPIC = "chat"
ZERO = Partition(TOPIC, 0)
POLICY = Policy(
    name="p",
    title="P",
    text="",
    outcomes={"OK": Outcome.ALLOW, "MAYBE": Outcome.FLAG, "BAD": Outcome.BLOCK},
)
VERSION = PolicyVersion("chat", 1, (POLICY,), "d" * 32)


class FakeSource:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.credits = 0
        self.commits: list[Mapping[Partition, int]] = []
        self.paused: list[Partition] = []
        self.resumed: list[Partition] = []

    def give_credits(self, count: int) -> None:
        self.credits += count

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.commits.append(offsets)

    def pause(self, partitions: Sequence[Partition]) -> None:
        self.paused += partitions

    def resume(self, partitions: Sequence[Partition]) -> None:
        self.resumed += partitions


class FakeSink:
    """Holds publications until the test says what became of them."""

    def __init__(self) -> None:
        self.sent: list[tuple[Publication, Ticket]] = []

    def send(self, publication: Publication, ticket: Ticket) -> None:
        self.sent.append((publication, ticket))

    @property
    def topics(self) -> list[str]:
        return [publication.topic for publication, _ in self.sent]


class FakeClassifier:
    """Answers each text when the test lets it: the label is the text's first word."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}

    async def classify(
        self, text: str, version: PolicyVersion, binding: Binding, deadline_s: float | None
    ) -> Judged:
        if text in self.gates:
            await self.gates[text].wait()
        label = text.split()[0]
        return Judged((Judgement("p", label, POLICY.outcomes[label]),))


class FakePolicies:
    """One set, which a test may replace."""

    def __init__(self, binding: Binding) -> None:
        self.catalogue = Catalogue((binding,))


class Stage:
    """An intake with fakes around it."""

    def __init__(
        self, binding: Binding | None = None, limits: FlowLimits | None = None, drain_s: float = 5
    ) -> None:
        self.binding = binding or Binding(
            "chat", (TOPIC,), VERSION, Reading(format="text"), versions={1: VERSION}
        )
        self.source, self.sink = FakeSource(), FakeSink()
        self.classifier = FakeClassifier()
        self.policies = FakePolicies(self.binding)
        metrics, clock = Metrics(), SystemClock()
        publisher = Publisher("g", DeadLetterOffice("g", "w"))
        self.intake = Intake(
            self.source,
            self.sink,
            self.policies,
            Processor(self.classifier, publisher, clock, "g", {}),
            publisher,
            Limiter(limits or FlowLimits()),
            Ledger(metrics),
            clock,
            metrics,
            drain_s,
        )

    def hold(self, text: str) -> asyncio.Event:
        gate = self.classifier.gates[text] = asyncio.Event()
        return gate

    def acknowledge(self, count: int | None = None) -> None:
        sent, self.sink.sent = (
            self.sink.sent[:count],
            self.sink.sent[count or len(self.sink.sent) :],
        )
        self.intake.reported([Report(ticket, True) for _, ticket in sent])


def record(offset: int, text: str = "OK", key: bytes | None = None, partition: int = 0) -> Record:
    return Record(Position(TOPIC, partition, offset), 1_000, key, text.encode())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nothing_is_committed_before_the_broker_has_acknowledged() -> None:
    """Judged and sent is not terminal; only the acknowledgement moves the commit."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0), record(1)])
    await settle()
    stage.intake.commit()

    assert stage.sink.topics == ["chat.allow", "chat.allow"]
    assert stage.source.commits == []

    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.commits == [{ZERO: 2}]
    assert stage.intake.ledger.verdicts == 2
    assert stage.intake.ledger.difference == 0


async def test_the_commit_stops_at_the_first_unfinished_record() -> None:
    """What finished above an unfinished record is not committed past it."""
    stage = Stage()
    gate = stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0), record(1, "OK slow"), record(2)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.commits == [{ZERO: 1}]

    gate.set()
    await settle()
    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.commits[-1] == {ZERO: 3}


async def test_one_keys_verdicts_leave_in_order_and_wait_at_a_change_of_topic() -> None:
    """A later verdict of a key to another topic is sent after the earlier one is acknowledged."""
    stage = Stage()
    gate = stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "OK slow", b"k"), record(1, "BAD", b"k"), record(2, "BAD", b"j")])
    await settle()

    assert [t.record.position.offset for _, t in stage.sink.sent if isinstance(t, Flight)] == [2]

    gate.set()
    await settle()
    assert stage.sink.topics == ["chat.block", "chat.allow"]
    stage.acknowledge()
    await settle()
    assert stage.sink.topics == ["chat.block"]


async def test_order_none_lets_a_keys_verdicts_overtake_each_other() -> None:
    """A stream that needs no order does not wait."""
    binding = Binding(
        "chat", (TOPIC,), VERSION, Reading(format="text"), order="none", versions={1: VERSION}
    )
    stage = Stage(binding)
    stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "OK slow", b"k"), record(1, "BAD", b"k")])
    await settle()

    assert stage.sink.topics == ["chat.block"]


async def test_revocation_drains_and_returns_what_may_be_committed() -> None:
    """A revoked partition's records are finished first; the commit covers them."""
    stage = Stage()
    gate = stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "OK slow")])
    revoked = asyncio.create_task(stage.intake.revoked([ZERO]))
    await settle()
    assert not revoked.done()

    gate.set()
    await settle()
    stage.acknowledge()

    assert await revoked == {ZERO: 1}
    assert stage.intake.ledger.discarded == 0


async def test_what_the_drain_cannot_finish_is_discarded_and_not_committed() -> None:
    """The budget ends the drain; the unfinished are counted and left to the next owner."""
    stage = Stage(drain_s=0.05)
    stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0), record(1, "OK slow")])
    await settle()
    stage.acknowledge()

    assert await stage.intake.revoked([ZERO]) == {ZERO: 1}
    assert stage.intake.ledger.discarded == 1
    assert stage.intake.ledger.in_flight == 0
    assert stage.intake.ledger.difference == 0


async def test_a_late_report_of_an_ended_assignment_moves_nothing() -> None:
    """After a loss and a new assignment, the old term's acknowledgement commits nothing."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0)])
    await settle()
    stage.intake.lost([ZERO])
    stage.intake.assigned([Assigned(ZERO, 2, 0)])
    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.commits == []
    assert stage.intake.ledger.verdicts == 0
    assert stage.intake.ledger.discarded == 1


async def test_a_late_judgement_of_an_ended_assignment_is_not_published() -> None:
    """A call that was under way when the partition was lost is cancelled and never sent."""
    stage = Stage()
    gate = stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    stage.intake.lost([ZERO])
    gate.set()
    await settle()

    assert stage.sink.sent == []


async def test_credits_come_back_after_a_loss() -> None:
    """Lost records free their places; the flow does not dry up over rebalances."""
    stage = Stage(limits=FlowLimits(in_flight_max=4, pending_max=100, pending_total_max=8))
    for term in range(1, 6):
        stage.hold("OK slow")
        stage.intake.assigned([Assigned(ZERO, term, 0)])
        taken = [record(offset, "OK slow") for offset in range(stage.source.credits)]
        stage.source.credits = 0
        stage.intake.taken(taken)
        await settle()
        stage.intake.lost([ZERO])
        await settle()

        assert stage.source.credits == 4


async def test_a_message_keeps_the_version_chosen_for_it() -> None:
    """A reload while a message is judged changes nothing for that message."""
    stage = Stage()
    gate = stage.hold("OK slow")
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    later = PolicyVersion("chat", 2, (POLICY,), "e" * 32)
    stage.policies.catalogue = Catalogue(
        (Binding("chat", (TOPIC,), later, Reading(format="text"), versions={2: later}),)
    )
    gate.set()
    stage.intake.taken([record(1)])
    await settle()

    versions = [dict(p.headers)["safeguard-policy-version"] for p, _ in stage.sink.sent]
    assert sorted(versions, key=str) == [b"chat@v1", b"chat@v2"]


async def test_a_full_partition_is_paused_and_resumed() -> None:
    """Records not yet committed past are bounded by pausing the partition."""
    stage = Stage(limits=FlowLimits(in_flight_max=50, pending_max=4, pending_total_max=50))
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(offset) for offset in range(4)])
    await settle()
    assert stage.source.paused == [ZERO]

    stage.acknowledge()

    assert stage.source.resumed == [ZERO]


async def test_a_tombstone_passed_over_is_counted_and_committed() -> None:
    """`tombstones = "pass-over"` publishes nothing and holds nothing back."""
    binding = Binding(
        "chat",
        (TOPIC,),
        VERSION,
        Reading(format="text"),
        tombstones="pass-over",
        versions={1: VERSION},
    )
    stage = Stage(binding)
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0)._replace(value=None)])
    await settle()
    stage.intake.commit()

    assert stage.sink.sent == []
    assert stage.source.commits == [{ZERO: 1}]
    assert stage.intake.ledger.passed_over == 1


async def test_what_does_not_fit_gets_smaller_until_it_does_or_stops_the_service() -> None:
    """Verdict, cut verdict, dead letter, dead letter without value: no loop, no loss."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "MAYBE " + "x" * 100_000)])
    await settle()
    seen: list[tuple[str, int | None]] = []
    while stage.sink.sent and not stage.intake.failure.done():
        publication, ticket = stage.sink.sent.pop()
        value = publication.value
        seen.append((publication.topic, None if value is None else len(value)))
        stage.intake.reported([Report(ticket, False)])

    assert [topic for topic, _ in seen] == ["chat.flag"] * (len(seen) - 2) + [
        "chat.dead-letter"
    ] * 2
    sizes = [size for topic, size in seen if topic == "chat.flag" and size is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert seen[-1][1] is None
    with pytest.raises(DeadLetterFailed):
        stage.intake.failure.result()


async def test_an_unknown_error_stops_the_service() -> None:
    """A bug while judging is not a reason to drop a message or to go on."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0, "NO-SUCH-LABEL")])
    await settle()

    with pytest.raises(KeyError):
        stage.intake.failure.result()
    stage.intake.commit()
    assert stage.source.commits == []


async def test_a_tombstone_with_headers_too_large_for_its_dead_letter_still_ends() -> None:
    """The dead letter of a record without value loses the foreign headers, not the service."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0)._replace(value=None, headers=(("x", b"y" * 999_000),))])
    await settle()
    (publication, ticket) = stage.sink.sent.pop()
    stage.intake.reported([Report(ticket, False)])
    (smaller, ticket) = stage.sink.sent.pop()
    stage.intake.reported([Report(ticket, True)])

    assert publication.topic == smaller.topic == "chat.dead-letter"
    assert sum(len(value or b"") for _, value in smaller.headers) < 2_000
    assert stage.intake.ledger.dead_letters == 1


async def test_after_a_failure_nothing_is_committed_past_what_was_not_tracked() -> None:
    """A failure while a batch is taken stops the intake; later batches move no commit."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.policies.catalogue = Catalogue(())
    stage.intake.taken([record(0), record(1)])
    stage.policies.catalogue = Catalogue((stage.binding,))
    stage.intake.taken([record(2)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()

    assert stage.intake.failure.done()
    assert isinstance(stage.intake.failure.exception(), Fatal)
    assert stage.source.commits == []


async def test_a_topic_that_a_reload_unbinds_keeps_its_policies_until_it_is_left() -> None:
    """A policy set that is taken away does not stop the worker, nor lose what still comes."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(0)])
    stage.policies.catalogue = Catalogue(())
    stage.intake.taken([record(1, "BAD")])
    await settle()

    assert stage.sink.topics == ["chat.allow", "chat.block"]
    assert not stage.intake.failure.done()


ONE = Partition(TOPIC, 1)
OTHER = Partition("mail", 0)


async def test_a_paused_topic_is_not_taken_from_and_its_flights_finish() -> None:
    """Its partitions pause and no other's; what was taken is judged and committed."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0), Assigned(OTHER, 1, 0), Assigned(ONE, 1, 0)])
    stage.intake.taken([record(0)])
    stage.intake.set_paused(frozenset({TOPIC, "nobody"}))
    await settle()
    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.paused == [ZERO, ONE]
    assert stage.source.commits == [{ZERO: 1}]

    stage.intake.set_paused(frozenset({"nobody"}))

    assert stage.source.resumed == [ZERO, ONE]


async def test_a_topic_that_stays_paused_is_told_once() -> None:
    """The same word again moves nothing."""
    stage = Stage()
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    for _ in range(3):
        stage.intake.set_paused(frozenset({TOPIC}))

    assert stage.source.paused == [ZERO]
    assert stage.source.resumed == []


async def test_a_partition_assigned_later_is_paused_before_it_has_credits() -> None:
    """A worker that starts, or is given more, takes nothing of a topic that is paused."""
    stage = Stage()
    credits_at_pause: list[int] = []
    pause = stage.source.pause

    def noting(partitions: Sequence[Partition]) -> None:
        credits_at_pause.append(stage.source.credits)
        pause(partitions)

    stage.source.pause = noting  # type: ignore[method-assign]
    stage.intake.set_paused(frozenset({TOPIC}))
    assert stage.source.paused == []
    stage.intake.assigned([Assigned(OTHER, 1, 0), Assigned(ZERO, 1, 0)])

    assert stage.source.paused == [ZERO]
    assert credits_at_pause == [0]
    assert stage.source.credits > 0


async def test_a_resume_on_the_heels_of_an_assignment_is_not_missed() -> None:
    """The source had assigned it paused already: it is resumed once the intake knows of it."""
    stage = Stage()
    stage.intake.set_paused(frozenset({TOPIC}))
    stage.intake.set_paused(frozenset())
    stage.intake.assigned([Assigned(ZERO, 1, 0), Assigned(OTHER, 1, 0)])

    assert stage.source.paused == []
    assert stage.source.resumed == [ZERO]


async def test_room_in_a_full_partition_does_not_resume_a_paused_topic() -> None:
    """Both reasons to pause must be gone, whichever goes first."""
    stage = Stage(limits=FlowLimits(in_flight_max=50, pending_max=4, pending_total_max=50))
    stage.intake.assigned([Assigned(ZERO, 1, 0)])
    stage.intake.taken([record(offset) for offset in range(4)])
    stage.intake.set_paused(frozenset({TOPIC}))
    await settle()
    stage.acknowledge()
    assert stage.source.resumed == []
    stage.intake.set_paused(frozenset())
    assert stage.source.resumed == [ZERO]

    stage.intake.taken([record(offset) for offset in range(4, 8)])
    stage.intake.set_paused(frozenset({TOPIC}))
    stage.intake.set_paused(frozenset())
    assert stage.source.resumed == [ZERO]
    await settle()
    stage.acknowledge()
    assert stage.source.resumed == [ZERO, ZERO]
