"""The real Kafka of these tests starts, keeps what it is given, and can be hurt."""

from __future__ import annotations

import socket
import time
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from tests.brokers.kafka import QUICK, RealKafka
from tests.brokers.node import CLIENT
from tests.servers.child import ChildFailed, is_listening

pytestmark = pytest.mark.kafka

TIMEOUT_S = 30.0
_names = count()


@pytest.fixture
def topic(real_kafka: RealKafka) -> str:
    """A topic of the test's own, with two partitions."""
    name = f"brokers-{next(_names)}"
    real_kafka.create_topics({name: 2})
    return name


def test_what_is_produced_is_consumed(real_kafka: RealKafka, topic: str) -> None:
    """A record comes back with its key, headers and partition."""
    producer = Producer({**CLIENT, "bootstrap.servers": real_kafka.bootstrap_servers})
    producer.produce(topic, b"text", b"key", partition=1, headers={"trace": b"1"})
    assert producer.flush(TIMEOUT_S) == 0

    (message,) = _read(real_kafka, topic, partition=1, records=1)

    assert (message.key(), message.value()) == (b"key", b"text")
    assert message.headers() == [("trace", b"1")]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_is_given_its_partitions(real_kafka: RealKafka, topic: str, protocol: str) -> None:
    """Groups of the classic protocol and of the new one (KIP-848) both get an assignment."""
    consumer = Consumer(
        {
            **CLIENT,
            "bootstrap.servers": real_kafka.bootstrap_servers,
            "group.id": topic,
            "group.protocol": protocol,
        }
    )
    consumer.subscribe([topic])
    deadline_s = time.monotonic() + TIMEOUT_S
    while not consumer.assignment() and time.monotonic() < deadline_s:
        consumer.poll(0.05)

    assert {part.partition for part in consumer.assignment()} == {0, 1}

    consumer.close()


def test_a_topic_is_not_made_twice_nor_by_accident(real_kafka: RealKafka, topic: str) -> None:
    """Topics exist only when they are created, which says so when they do."""
    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        real_kafka.create_topics({topic: 2})

    assert "no-such-topic" not in real_kafka.node(1).admin().list_topics(timeout=5).topics


def test_a_killed_node_comes_back_with_its_data(tmp_path: Path) -> None:
    """What was acknowledged is there after SIGKILL and a new start on the same port."""
    with RealKafka(tmp_path, pace=QUICK) as kafka:
        kafka.create_topics({"kept": 1})
        producer = Producer({**CLIENT, "bootstrap.servers": kafka.bootstrap_servers})
        for number in range(100):
            producer.produce("kept", str(number).encode())
        assert producer.flush(TIMEOUT_S) == 0
        node = kafka.node(1)
        killed = node.pid

        node.kill()

        assert not node.is_running
        assert not is_listening(node.port)

        node.start()

        assert node.pid != killed
        values = [message.value() for message in _read(kafka, "kept", partition=0, records=100)]
        assert values == [str(number).encode() for number in range(100)]


def test_a_paused_node_is_silent_until_it_is_resumed(tmp_path: Path) -> None:
    """SIGSTOP leaves the port open and unanswered; what was sent meanwhile is done afterwards."""
    with RealKafka(tmp_path) as kafka:
        kafka.create_topics({"slow": 1})
        producer = Producer({**CLIENT, "bootstrap.servers": kafka.bootstrap_servers})
        producer.produce("slow", b"before")
        assert producer.flush(TIMEOUT_S) == 0

        kafka.node(1).pause()
        producer.produce("slow", b"during")

        assert producer.flush(0.5) == 1
        assert is_listening(kafka.node(1).port)

        kafka.node(1).resume()

        assert producer.flush(TIMEOUT_S) == 0

        kafka.node(1).pause()  # and the end of the block is not held up by it


def test_three_nodes_carry_on_without_one(tmp_path: Path) -> None:
    """With two of three copies alive, records are still acknowledged by all in sync."""
    with RealKafka(tmp_path, nodes=3, pace=QUICK) as kafka:
        kafka.create_topics({"copied": 3})
        producer = Producer({**CLIENT, "bootstrap.servers": kafka.bootstrap_servers, "acks": "all"})
        kafka.node(2).kill()
        for partition in range(3):
            producer.produce("copied", b"text", partition=partition)

        assert producer.flush(TIMEOUT_S) == 0

        kafka.node(2).start()

        for partition in range(3):
            assert len(_read(kafka, "copied", partition=partition, records=1)) == 1


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """A broker that cannot start fails at once, with the reason from its log."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(ChildFailed, match="Address already in use"),
            RealKafka(tmp_path, ports=[port]),
        ):
            pass


def _read(kafka: RealKafka, topic: str, *, partition: int, records: int) -> list[Message]:
    """The first records of a partition."""
    consumer = Consumer(
        {
            **CLIENT,
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "reader",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0)])
    messages = consumer.consume(records, TIMEOUT_S)
    consumer.close()
    assert not [message.error() for message in messages if message.error()]
    return messages
