"""What every broker must do for the source: assignments, records, commits, rebalances, starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from consumer.domain.messages.message import Record
from consumer.interfaces import Assigned, CommitPoint, Committed, Partition
from consumer.kafka.config import KafkaConfig
from consumer.kafka.source.source import KafkaSource
from consumer.telemetry.telemetry import Telemetry
from tests.records import commit, committed, write
from tests.stage import Broker
from tests.waiting import until

PROTOCOLS = ["classic", "consumer"]


class Listener:
    """Notes what it is told and resumes at once; a revocation commits what the test says."""

    def __init__(self) -> None:
        self.owned: dict[Partition, Assigned] = {}
        self.assignments: list[Assigned] = []
        self.records: list[Record] = []
        self.done: Callable[[Partition], int | None] = lambda partition: None
        self.revocations: list[Partition] = []
        self.losses: list[Partition] = []
        self.failures: list[Exception] = []
        self.commits: list[Committed] = []
        self.source: KafkaSource | None = None
        """Resumed upon an assignment; None leaves it paused."""

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        self.assignments += assignments
        self.owned |= {found.partition: found for found in assignments}
        if self.source is not None:
            self.source.resume({found.partition: found.number for found in assignments})

    def committed(self, results: Sequence[Committed]) -> None:
        self.commits += results

    def numbered(self, *partitions: Partition) -> dict[Partition, int]:
        """These partitions with the numbers of their assignments."""
        return {partition: self.owned[partition].number for partition in partitions}

    def point(self, partition: Partition, offset: int, metadata: str = "") -> CommitPoint:
        return CommitPoint(self.owned[partition].number, offset, metadata)

    def taken(self, records: Sequence[Record]) -> None:
        for record in records:
            assert Partition(record.position.topic, record.position.partition) in self.owned
        self.records += records

    async def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Mapping[Partition, CommitPoint]:
        partitions = list(assignments)
        self.revocations += partitions
        points = {
            partition: self.point(partition, offset)
            for partition in partitions
            if (offset := self.done(partition)) is not None
        }
        for partition in partitions:
            self.owned.pop(partition, None)
        return points

    def lost(self, partitions: Sequence[Partition]) -> None:
        self.losses += partitions
        for partition in partitions:
            self.owned.pop(partition, None)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]


@asynccontextmanager
async def running(
    config: KafkaConfig, topic: str, start: str = "earliest", partitions: int = 1
) -> AsyncIterator[tuple[KafkaSource, Listener]]:
    """A source that is a member of the group and has all partitions of the topic."""
    source, listener = member(config, topic, start)
    source.start(listener)
    try:
        await until(lambda: len(listener.owned) == partitions, "an assignment")
        yield source, listener
    finally:
        await source.close()
    assert not listener.failures


def member(
    config: KafkaConfig, topic: str, start: str = "earliest"
) -> tuple[KafkaSource, Listener]:
    source = KafkaSource(
        config, [topic], lambda _: start, lambda _: 99, lambda _: {}, Telemetry(), drain_s=5.0
    )
    listener = Listener()
    listener.source = source
    return source, listener


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_records_come_whole_and_in_order(broker: Broker, protocol: str) -> None:
    """Position, key, value, headers and timestamp arrive as they were written."""
    topic = broker.topic()
    headers = [("a", b"1"), ("a", None), ("b", b"\xff")]
    write(
        broker.bootstrap_servers,
        topic,
        [b"x", b"y", None],
        key=b"k",
        headers=headers,
        timestamp_ms=1_700_000_000_000,
    )
    async with running(broker.config(group_protocol=protocol), topic) as (source, listener):
        source.give_credits(10)
        await until(lambda: len(listener.records) == 3, "three records")

    assert listener.values == [b"x", b"y", None]
    assert [record.position.offset for record in listener.records] == [0, 1, 2]
    assert listener.records[0].key == b"k"
    assert listener.records[0].headers == tuple(headers)
    assert listener.records[0].timestamp_ms == 1_700_000_000_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_commit_is_where_the_next_member_begins(broker: Broker, protocol: str) -> None:
    """What was committed is not taken again, what was not is."""
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"0", b"1", b"2"])
    config = broker.config(group_protocol=protocol)
    async with running(config, topic) as (source, listener):
        source.give_credits(10)
        await until(lambda: len(listener.records) == 3, "three records")
        source.commit({Partition(topic, 0): listener.point(Partition(topic, 0), 2, "sg1:x")})
        await until(lambda: committed(broker.bootstrap_servers, config.group, topic) == 2, "commit")
    async with running(config, topic) as (source, listener):
        source.give_credits(10)
        await until(lambda: listener.records, "the third record")

        assert listener.assignments[0].committed == 2
        assert listener.assignments[0].metadata == "sg1:x"

    assert listener.values == [b"2"]


async def test_a_commit_never_goes_back_and_never_touches_what_is_not_owned(broker: Broker) -> None:
    """The broker would accept both; the source refuses."""
    topic, other = broker.topic(), broker.topic()
    write(broker.bootstrap_servers, topic, [b"0", b"1", b"2"])
    config = broker.config()
    ours, foreign = Partition(topic, 0), Partition(other, 0)
    async with running(config, topic) as (source, listener):
        source.commit({ours: listener.point(ours, 3), foreign: CommitPoint(1, 7, "")})
        await until(lambda: len(listener.commits) == 2, "two answers")
        source.commit({ours: listener.point(ours, 1)})
        source.commit({ours: CommitPoint(7, 4, "")})
        await until(lambda: len(listener.commits) == 4, "two answers more")

    answers = [(each.partition, each.is_accepted) for each in listener.commits]
    assert sorted(answers[:2]) == sorted([(ours, True), (foreign, False)])
    assert answers[2:] == [(ours, False), (ours, False)]
    assert committed(broker.bootstrap_servers, config.group, topic) == 3
    assert committed(broker.bootstrap_servers, config.group, other) < 0


async def test_without_credits_nothing_is_taken_and_the_member_stays(broker: Broker) -> None:
    """Credits bound what is taken; the source keeps polling and goes on when they come."""
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"%d" % n for n in range(20)])
    async with running(broker.config(), topic) as (source, listener):
        source.give_credits(5)
        await until(lambda: len(listener.records) == 5, "five records")
        before_s = source.polled_s
        await until(lambda: source.polled_s > before_s + 0.8, "the source to be starved a while")
        assert len(listener.records) == 5

        source.give_credits(100)
        await until(lambda: len(listener.records) == 20, "the rest")

    assert listener.values == [b"%d" % n for n in range(20)]


async def test_a_paused_partition_waits_while_the_other_goes_on(broker: Broker) -> None:
    """Pausing holds one partition; resuming goes on at the very next record."""
    topic = broker.topic(partitions=2)
    async with running(broker.config(), topic, partitions=2) as (source, listener):
        source.give_credits(1_000)
        source.pause(listener.numbered(Partition(topic, 0)))
        await source_has_gone_round(source)
        write(broker.bootstrap_servers, topic, [b"p0"], partition=0)
        write(broker.bootstrap_servers, topic, [b"p1"], partition=1)
        await until(lambda: listener.values == [b"p1"], "the partition that is not paused")

        source.resume(listener.numbered(Partition(topic, 0)))
        await until(lambda: listener.values == [b"p1", b"p0"], "the resumed partition")


async def source_has_gone_round(source: KafkaSource) -> None:
    for _ in range(2):
        before_s = source.polled_s
        await until(lambda before_s=before_s: source.polled_s > before_s, "the thread's next round")  # type: ignore[misc]


async def test_a_new_group_starts_at_the_latest_and_waits_to_be_resumed(broker: Broker) -> None:
    """Records before the start are passed over once; nothing flows before the listener says so."""
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"old"] * 3)
    config = broker.config()
    source, listener = member(config, topic, "latest")
    listener.source = None
    source.start(listener)
    try:
        await until(lambda: listener.owned, "an assignment")
        assert listener.assignments[0].start == 3
        assert listener.assignments[0].committed is None
        source.give_credits(10)
        write(broker.bootstrap_servers, topic, [b"new"])
        before_s = source.polled_s
        await until(lambda: source.polled_s > before_s + 0.5, "some rounds")
        assert listener.records == []
        source.resume(listener.numbered(Partition(topic, 0)))
        await until(lambda: listener.records, "the record")
    finally:
        await source.close()

    assert listener.values == [b"new"]


@pytest.mark.kafka
async def test_a_partition_that_comes_up_while_the_group_works_is_taken_from_its_beginning(
    real_broker: Broker,
) -> None:
    """`latest` is for a new group; what is written to a new partition unseen is not passed over."""
    topic = real_broker.topic(partitions=2)
    write(real_broker.bootstrap_servers, topic, [b"unseen"], partition=1)
    config = real_broker.config()
    commit(real_broker.bootstrap_servers, config.group, topic, 0, 0)
    async with running(config, topic, "latest", partitions=2) as (source, listener):
        source.give_credits(10)
        await until(lambda: listener.records, "the record that was written before we looked")

    assert listener.values == [b"unseen"]


@pytest.mark.kafka
async def test_a_new_group_may_start_at_a_time(real_broker: Broker) -> None:
    """`start` as a time takes the first record at or after it."""
    broker = real_broker
    topic = broker.topic()
    now_ms = time.time_ns() // 1_000_000
    write(broker.bootstrap_servers, topic, [b"old"], timestamp_ms=now_ms - 60_000)
    write(broker.bootstrap_servers, topic, [b"new"], timestamp_ms=now_ms - 10_000)
    moment = datetime.fromtimestamp((now_ms - 30_000) / 1_000, UTC).isoformat()
    async with running(broker.config(), topic, moment) as (source, listener):
        source.give_credits(10)
        await until(lambda: listener.records, "a record")

    assert listener.values == [b"new"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_second_member_takes_over_where_the_first_has_drained(
    broker: Broker, protocol: str
) -> None:
    """A revocation commits what the drain returns, before the partition changes hands."""
    start = await start_after_a_drain(broker, protocol)
    for _ in range(3 if broker.kind == "embedded" else 0):
        # The embedded broker refuses a commit in the middle of a rebalance now and then.
        if start != 2:
            start = await start_after_a_drain(broker, protocol)
    assert start == 2


async def start_after_a_drain(broker: Broker, protocol: str) -> int:
    """Where a second member begins on the partition that the first one has drained at 2."""
    topic = broker.topic(partitions=2)
    for partition in (0, 1):
        write(broker.bootstrap_servers, topic, [b"0", b"1", b"2"], partition=partition)
    config = broker.config(group_protocol=protocol)
    async with running(config, topic, partitions=2) as (first, listener):
        first.give_credits(100)
        await until(lambda: len(listener.records) == 6, "all records")
        listener.done = lambda partition: 2
        second, other = member(config, topic)
        second.start(other)
        try:
            await until(lambda: len(listener.owned) == len(other.owned) == 1, "one each")
            assert set(listener.owned).isdisjoint(other.owned)
            (moved,) = other.owned
            assert listener.revocations == [moved]
            start = other.owned[moved].start
        finally:
            await second.close()
        assert not listener.losses
        await until(lambda: len(listener.owned) == 2, "both again")

        numbers = [found.number for found in listener.assignments if found.partition == moved]
        assert numbers == [1, 2]
    return start


async def test_a_commit_that_the_broker_refuses_is_said_to_be(embedded_broker: Broker) -> None:
    """A refused commit is answered as refused, and the next one stands."""
    broker = embedded_broker
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"0"])
    config = broker.config()
    zero = Partition(topic, 0)
    async with running(config, topic) as (source, listener):
        # OffsetCommit: invalid size; nothing that the client would repeat by itself
        broker.embedded.fail_next(8, [28])
        source.commit({zero: listener.point(zero, 1)})
        await until(lambda: listener.commits, "an answer")
        source.commit({zero: listener.point(zero, 1)})
        await until(lambda: len(listener.commits) == 2, "another answer")

    assert [each.is_accepted for each in listener.commits] == [False, True]
    assert committed(broker.bootstrap_servers, config.group, topic) == 1


async def test_commits_go_on_while_a_revocation_is_drained(broker: Broker) -> None:
    """The leases of the partitions that stay are renewed, however long the drain takes."""
    topic = broker.topic(partitions=2)
    config = broker.config()
    async with running(config, topic, partitions=2) as (first, listener):
        drained = asyncio.Event()

        async def slowly(assignments: Mapping[Partition, int]) -> Mapping[Partition, CommitPoint]:
            (gone,) = assignments
            stays = Partition(topic, 1 - gone.number)
            # A group that is just being put together refuses commits; the next one is accepted.
            while not any(answer.is_accepted for answer in listener.commits):
                listener.commits.clear()
                first.commit({stays: listener.point(stays, 0)})
                await until(lambda: listener.commits, "an answer to the commit")
            del listener.owned[gone]
            drained.set()
            return {}

        listener.revoked = slowly  # type: ignore[method-assign]
        second, other = member(config, topic)
        second.start(other)
        await asyncio.wait_for(drained.wait(), 30)
        assert listener.commits[-1].is_accepted
        await until(lambda: len(other.owned) == 1, "the other's partition")
        listener.revoked = Listener.revoked.__get__(listener)  # type: ignore[method-assign]
        await second.close()


async def test_a_partition_paused_when_it_was_taken_away_flows_when_it_comes_back(
    broker: Broker,
) -> None:
    """The client keeps its pause flag over assignments; the source does not."""
    topic = broker.topic(partitions=2)
    config = broker.config()
    async with running(config, topic, partitions=2) as (first, listener):
        first.give_credits(10)
        await source_has_gone_round(first)
        first.pause(listener.numbered(Partition(topic, 0), Partition(topic, 1)))
        await source_has_gone_round(first)
        second, other = member(config, topic)
        second.start(other)
        await until(lambda: len(listener.owned) == len(other.owned) == 1, "one each")
        (moved,) = other.owned
        await second.close()
        await until(lambda: len(listener.owned) == 2, "both again")
        write(broker.bootstrap_servers, topic, [b"x"], partition=moved.number)
        await until(lambda: listener.values == [b"x"], "the record of the partition that moved", 10)
