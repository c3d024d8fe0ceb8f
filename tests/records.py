"""Writing records to a broker and reading them back, with plain clients."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer.domain.messages.message import Headers


class Stored(NamedTuple):
    """A record as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int

    def header(self, name: str) -> str | None:
        value = dict(self.headers).get(name)
        return None if value is None else value.decode()


def write(
    bootstrap_servers: str,
    topic: str,
    values: Iterable[bytes | None],
    *,
    key: bytes | None = None,
    partition: int = 0,
    headers: Sequence[tuple[str, bytes | None]] = (),
    timestamp_ms: int = 0,
    message_bytes_max: int = 1_000_000,
) -> None:
    """Write values to one partition and wait until they are stored."""
    rows = [(partition, key, value) for value in values]
    write_rows(
        bootstrap_servers,
        topic,
        rows,
        headers=headers,
        timestamp_ms=timestamp_ms,
        message_bytes_max=message_bytes_max,
    )


def write_rows(
    bootstrap_servers: str,
    topic: str,
    rows: Iterable[tuple[int, bytes | None, bytes | None]],
    *,
    headers: Sequence[tuple[str, bytes | None]] = (),
    timestamp_ms: int = 0,
    message_bytes_max: int = 1_000_000,
) -> None:
    """Write (partition, key, value) rows in order and wait until they are stored."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,
            "message.max.bytes": message_bytes_max,
            "linger.ms": 1,
        }
    )
    failures: list[object] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            failures.append(error)

    for partition, key, value in rows:
        producer.produce(
            topic,
            value,
            key,
            partition,
            on_delivery=delivered,
            timestamp=timestamp_ms,
            headers=list(headers),
        )
        producer.poll(0)
    assert producer.flush(30) == 0
    assert not failures


def read_all(bootstrap_servers: str, topics: Iterable[str], seconds: float = 30.0) -> list[Stored]:
    """Everything that lies on the topics now."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "tests-read-all",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        metadata = consumer.list_topics(timeout=10)
        starts: list[TopicPartition] = []
        left: dict[tuple[str, int], int] = {}
        for topic in topics:
            for number in metadata.topics[topic].partitions:
                low, high = _watermarks(consumer, TopicPartition(topic, number))
                if high > low:
                    starts.append(TopicPartition(topic, number, low))
                    left[topic, number] = high
        consumer.assign(starts)
        found: list[Stored] = []
        until_s = time.monotonic() + seconds
        while left:
            assert time.monotonic() < until_s, f"still unread: {left}"
            for message in consumer.consume(500, 0.05):
                assert message.error() is None, message.error()
                name, number, offset = cast(
                    "tuple[str, int, int]",
                    (message.topic(), message.partition(), message.offset()),
                )
                found.append(
                    Stored(
                        name,
                        number,
                        offset,
                        message.key(),
                        message.value(),
                        cast("Headers", tuple(message.headers() or ())),
                        message.timestamp()[1],
                    )
                )
                if offset + 1 >= left.get((name, number), 1 << 62):
                    del left[name, number]
        return sorted(found, key=lambda record: record[:3])
    finally:
        consumer.close()


def committed(bootstrap_servers: str, group: str, topic: str, partition: int = 0) -> int:
    """The group's committed offset, or a negative number where it has none."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0})
    try:
        (found,) = consumer.committed([TopicPartition(topic, partition)], timeout=10)
        return int(found.offset)
    finally:
        consumer.close()


def commit(
    bootstrap_servers: str,
    group: str,
    topic: str,
    partition: int,
    offset: int,
    metadata: str = "",
) -> None:
    """Commit for a group that has no members, as an operator's reset does."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0})
    try:
        point = TopicPartition(topic, partition, offset, metadata)
        (done,) = consumer.commit(offsets=[point], asynchronous=False) or []
        assert done.error is None, done.error
    finally:
        consumer.close()


def ends_of(bootstrap_servers: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """The end offset of every partition of the topics."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "tests-ends", "log_level": 0}
    )
    try:
        metadata = consumer.list_topics(timeout=10)
        return {
            (topic, number): _watermarks(consumer, TopicPartition(topic, number))[1]
            for topic in topics
            for number in metadata.topics[topic].partitions
        }
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """Low and high; a partition made a moment ago may have no leader in this client's eyes yet."""
    until_s = time.monotonic() + 10
    while True:
        try:
            return consumer.get_watermark_offsets(partition, timeout=10)
        except KafkaException:
            if time.monotonic() > until_s:
                raise
            consumer.poll(0.05)
