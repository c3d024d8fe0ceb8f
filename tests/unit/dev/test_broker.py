"""The embedded broker behaves like Kafka as far as its docstring promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from consumer.dev import broker as module
from consumer.dev.broker import EmbeddedBroker

PRODUCE = 0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"chat": 3, "chat.allow": 3, "single": 1}) as started:
        yield started


def a_producer(broker: EmbeddedBroker, **settings: str | int) -> Producer:
    return Producer({"bootstrap.servers": broker.bootstrap_servers, **settings})


def produced(producer: Producer, topic: str, value: bytes, partition: int = 0) -> KafkaError | None:
    """Produce one record and return what its delivery report says."""
    reports: list[KafkaError | None] = []

    def on_delivery(error: KafkaError | None, _message: Message) -> None:
        reports.append(error)

    producer.produce(topic, value, partition=partition, on_delivery=on_delivery)
    assert producer.flush(10) == 0
    return reports[0]


def test_partition_counts(broker: EmbeddedBroker) -> None:
    """Topics have exactly the partitions they were asked for."""
    found = a_producer(broker).list_topics(timeout=10).topics
    assert {name: len(found[name].partitions) for name in broker.topics} == broker.topics


def test_produce_and_consume_in_a_group(broker: EmbeddedBroker) -> None:
    """A group is assigned at once, reads what was produced, and finds its commit again."""
    assert produced(a_producer(broker), "chat", b"hello", partition=2) is None
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "readers"}
    consumer = Consumer({**settings, "auto.offset.reset": "earliest"})
    consumer.subscribe(["chat"])
    message = consumer.poll(10)
    assert message is not None
    assert (message.value(), message.partition()) == (b"hello", 2)
    consumer.commit(message=message, asynchronous=False)
    assert [p.offset for p in consumer.committed(consumer.assignment()) if p.partition == 2] == [1]
    consumer.close()


def test_idempotent_producer(broker: EmbeddedBroker) -> None:
    """An idempotent producer is served."""
    assert produced(a_producer(broker, **{"enable.idempotence": "true"}), "single", b"once") is None


def test_fail_next(broker: EmbeddedBroker) -> None:
    """An injected error fails one request of that kind, and the next one succeeds."""
    producer = a_producer(broker)
    assert produced(producer, "single", b"before") is None
    broker.fail_next(PRODUCE, [KafkaError.INVALID_MSG_SIZE])
    error = produced(producer, "single", b"fails")
    assert error is not None
    assert error.code() == KafkaError.INVALID_MSG_SIZE
    assert produced(producer, "single", b"after") is None


def test_clear_failures(broker: EmbeddedBroker) -> None:
    """Errors that were injected and then cleared do not happen."""
    broker.fail_next(PRODUCE, [KafkaError.INVALID_MSG_SIZE] * 3)
    broker.clear_failures(PRODUCE)
    assert produced(a_producer(broker), "single", b"fine") is None


def test_broker_down_and_up(broker: EmbeddedBroker) -> None:
    """A broker that is down delivers nothing, and delivers once it is up again."""
    producer = a_producer(broker, **{"reconnect.backoff.max.ms": 100})
    assert produced(producer, "single", b"up") is None
    broker.set_broker_down()
    producer.produce("single", b"waits")
    assert producer.flush(0.3) == 1
    broker.set_broker_up()
    assert producer.flush(10) == 0


def test_existing_topic_is_refused(broker: EmbeddedBroker) -> None:
    """A topic cannot be made twice."""
    with pytest.raises(KafkaException):
        broker.create_topic("chat", 5)


def test_deleted_records(broker: EmbeddedBroker) -> None:
    """Records below a deleted offset are gone and the beginning moves."""
    broker.create_topic("short", 1)
    producer = a_producer(broker)
    for value in (b"0", b"1", b"2"):
        assert produced(producer, "short", value) is None
    broker.delete_records("short", 0, before=2)
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "watermarks"}
    consumer = Consumer(settings)
    topic = TopicPartition("short", 0)
    assert consumer.get_watermark_offsets(topic, timeout=10) == (2, 3)
    consumer.close()


def test_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the C interface topics have four partitions, and faults are refused by name."""
    monkeypatch.setattr(module, "_find_library", lambda: None)
    with EmbeddedBroker({"chat": 3}) as limited:
        assert limited.is_limited
        assert limited.topics == {"chat": 4}
        assert produced(a_producer(limited), "chat", b"works", partition=3) is None
        with pytest.raises(RuntimeError):
            limited.fail_next(PRODUCE, [1])
