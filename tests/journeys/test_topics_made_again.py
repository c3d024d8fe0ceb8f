"""Topics that are deleted and made again under their names while workers run, on a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import BrokerUnavailable
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.subscriber import Subscriber
from tests.brokers.kafka import RealKafka
from tests.journeys.worker import (
    OUTPUTS,
    finished,
    make_policies,
    outputs_of,
    settings_for,
    working,
)
from tests.records import Stored, committed, write
from tests.stage import Broker
from tests.waiting import until

pytestmark = pytest.mark.kafka
REFRESH = {"kafka.topics_refresh_s": "2"}


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread() as server:
        yield server.base_url


async def make_again(broker: Broker, topic: str, partitions: int = 1) -> None:
    """Delete a topic and make another one of its name; returns once that has another id."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})

    def id_of() -> str | None:
        try:
            found = admin.describe_topics(TopicCollection([topic]))[topic].result()
        except KafkaException:
            return None
        return str(found.topic_id)

    old = id_of()
    admin.delete_topics([topic])[topic].result()

    def create() -> bool:
        try:
            broker.creator.create_topics({topic: partitions})
        except KafkaException:
            return False
        return True

    # A broker that has not heard of the deletion yet says that the topic exists.
    await until(lambda: create() or id_of() not in (None, old), "the topic's second life")
    await until(lambda: id_of() not in (None, old), "its new id")


def said(found: list[Stored]) -> dict[str, str]:
    """Position -> output."""
    return {str(r.header("safeguard-position")): r.topic.rpartition(".")[2] for r in found}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize("count", [3, 40])
async def test_an_input_made_again_under_a_worker_is_another_topic(
    real_broker: Broker, tmp_path: Path, endpoint: str, protocol: str, count: int
) -> None:
    """All of it is judged, from its first record on, be it shorter or longer than the old one."""
    broker = real_broker
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    settings = settings_for(broker, endpoint, policies, REFRESH)
    if protocol == "consumer":
        # With KIP-848 the client may not say how often it is heard.
        kafka = settings.kafka.model_copy(update={"group_protocol": protocol, "client": {}})
        settings = settings.model_copy(update={"kafka": kafka})
    async with working(settings, 1) as worker:
        write(broker.bootstrap_servers, topic, [b'{"text": "good morning"}'] * 10)
        await finished(worker, 10)
        old = {r.header("safeguard-verdict-id") for r in outputs_of(broker, topic)}

        await make_again(broker, topic)
        values = [b'{"text": "a banned thing"}'] * count
        write(broker.bootstrap_servers, topic, values)

        def judged() -> dict[str, str]:
            new = [
                r for r in outputs_of(broker, topic) if r.header("safeguard-verdict-id") not in old
            ]
            return said([r for r in new if r.topic.endswith(".block")])

        await until(lambda: len(judged()) >= count, worker, 40)
        assert set(judged()) == {f"{topic}/0/{n}" for n in range(count)}
        assert worker.telemetry.metrics.topics_made_again.labels(topic)._value.get() <= 1
        write(broker.bootstrap_servers, topic, values)
        await until(lambda: len(judged()) >= 2 * count, worker, 20)


async def test_an_input_made_again_after_brokers_were_restarted_is_read(
    tmp_path: Path, endpoint: str
) -> None:
    """Restarts raise a topic's leader epochs, and the client takes a new one's lower for old."""
    with RealKafka(tmp_path / "kafka") as kafka:
        broker = Broker("real", kafka.bootstrap_servers, kafka)
        topic, other = broker.moderated(), broker.moderated()
        policies = make_policies(tmp_path, f'["{topic}", "{other}"]')
        settings = settings_for(broker, endpoint, policies, REFRESH)
        async with working(settings, 2) as worker:
            value = b'{"text": "a banned thing"}'
            write(broker.bootstrap_servers, topic, [value] * 5)
            await finished(worker, 5)
            for _ in range(2):
                node = kafka.node(1)
                await asyncio.to_thread(node.kill)
                await asyncio.to_thread(node.start)
                write(broker.bootstrap_servers, topic, [value])
            await finished(worker, 7)
            first = {r.header("safeguard-verdict-id") for r in outputs_of(broker, topic)}

            await make_again(broker, topic)
            write(broker.bootstrap_servers, topic, [value] * 3)
            write(broker.bootstrap_servers, other, [value] * 3)

            def judged() -> set[str | None]:
                found = outputs_of(broker, topic) + outputs_of(broker, other)
                return {r.header("safeguard-verdict-id") for r in found} - first

            await until(lambda: len(judged()) == 6, worker, 60)


async def test_an_output_made_again_and_a_kill_before_the_commit_contradict_nothing(
    real_broker: Broker, tmp_path: Path, endpoint: str
) -> None:
    """
    A worker that knew the old output owns the partition anew, and is cut off before it commits.

    What it published on the new output lies far below where the old one ended.
    """
    broker = real_broker
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    settings = settings_for(broker, endpoint, policies, {"kafka.topics_refresh_s": "3600"})
    async with working(settings, 1) as worker:
        write(broker.bootstrap_servers, topic, [b'{"text": "good morning"}'] * 50)
        await finished(worker, 50)
        worker.member.intake.commit()
        group = settings.kafka.group
        # Else the new outputs would be given once more what only the old ones held.
        await until(lambda: committed(broker.bootstrap_servers, group, topic) == 50, worker, 20)
        for output in OUTPUTS:
            await make_again(broker, topic + output)
        # It is assigned anew, as after a rebalance: its process stays, and so does what it knows.
        source = worker.member.source
        rebalances = source._thread._rebalances
        source._mailbox.command(lambda consumer: rebalances.assign_anew(consumer, source.owned))
        await until(lambda: worker.member.intake.recovering, "an assignment")
        await until(lambda: not worker.member.intake.recovering, worker, 40)
        write(broker.bootstrap_servers, topic, [b'{"text": "good morning"}'])
        await until(lambda: committed(broker.bootstrap_servers, group, topic) == 51, worker, 20)
        # From here on it commits nothing more.
        worker.member.source.commit = lambda points: None  # type: ignore[method-assign]
        write(broker.bootstrap_servers, topic, [b'{"text": "good morning"}'] * 5)
        await until(lambda: len(outputs_of(broker, topic)) == 6, worker, 20)
        before = outputs_of(broker, topic)
        # Nor does it say that it leaves, as one that was killed does not.
        worker.member.intake._committer.commit_last = _nothing  # type: ignore[assignment]

    async with working(settings, 1) as successor:
        await until(lambda: successor.member.intake.ledger.recovered == 5, successor, 60)
    assert outputs_of(broker, topic) == before


async def _nothing(*_: object) -> None:
    """Not done."""


async def test_what_retention_takes_before_a_running_worker_ends_nothing(
    real_broker: Broker, tmp_path: Path, endpoint: str
) -> None:
    """Its position is not there any more: it goes on at the first record left."""
    broker = real_broker
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    good = b'{"text": "good morning"}'
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    async with working(settings_for(broker, endpoint, policies), 1) as worker:
        write(broker.bootstrap_servers, topic, [good] * 10)
        await finished(worker, 10)
        worker.member.intake.admission.set_paused(frozenset({topic}))
        await until(lambda: not worker.member.source._share.pauses._flowing, worker)
        write(broker.bootstrap_servers, topic, [good] * 20)
        for done in admin.delete_records([TopicPartition(topic, 0, 25)]).values():
            done.result(10)
        worker.member.intake.admission.set_paused(frozenset())

        await until(lambda: len(outputs_of(broker, topic)) >= 15, worker, 40)
    assert set(said(outputs_of(broker, topic))) == {
        f"{topic}/0/{n}" for n in (*range(10), *range(25, 30))
    }


@pytest.mark.parametrize("is_at_work", [True, False])
async def test_who_follows_a_topic_reads_the_next_one_of_its_name_whole(
    real_broker: Broker, is_at_work: bool
) -> None:
    """The reviewers' feed, say: while it is at work, and when it comes back."""
    topic, config = real_broker.topic(), real_broker.config()
    group, topics = config.group + ".review", Topics(config)

    def take(subscriber: Subscriber, wanted: set[int]) -> None:
        until_s = time.monotonic() + 60
        seen: set[int] = set()
        while not wanted <= seen:
            assert time.monotonic() < until_s, f"{wanted - seen} did not come"
            try:
                seen |= {record.position.offset for record in subscriber.take(0.2)}
            except BrokerUnavailable:
                continue
            subscriber.commit()

    write(real_broker.bootstrap_servers, topic, [b"old"] * 3)
    subscriber = Subscriber(config, group, [topic])
    subscriber.use([topic], topics.ids([topic]))
    await asyncio.to_thread(take, subscriber, {0, 1, 2})
    if not is_at_work:
        subscriber.close()
    await make_again(real_broker, topic)
    write(real_broker.bootstrap_servers, topic, [b"new"] * 6)
    if not is_at_work:
        subscriber = Subscriber(config, group, [topic])
    subscriber.use([topic], topics.ids([topic]))
    await asyncio.to_thread(take, subscriber, {0, 1, 2, 3, 4, 5})
    subscriber.close()
