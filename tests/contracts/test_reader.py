"""What every broker must do for a scan: all records of the spans, once, in order, and an end."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Producer

from consumer.domain.messages.message import Position, Record
from consumer.errors import BrokerUnavailable
from consumer.kafka.reader.reader import Span, TopicReader
from tests.records import write
from tests.stage import Broker

NOW_MS = int(time.time() * 1_000)
"""Older records than the real broker's retention allows would be gone before they are read."""


def scanned(scan: TopicReader, spans: list[Span]) -> list[Record]:
    return [record for batch in scan.records(spans) for record in batch]


def test_a_scan_yields_every_record_once_and_each_partition_in_order(broker: Broker) -> None:
    """Key, value, headers and time come along; several topics are read in one go."""
    topics = [broker.topic(3), broker.topic()]
    scan = TopicReader(broker.config())
    for partition in (0, 2):
        values = [b"%d" % number for number in range(700)]
        write(broker.bootstrap_servers, topics[0], values, partition=partition)
    write(
        broker.bootstrap_servers,
        topics[1],
        [None],
        key=b"k",
        headers=[("h", b"1"), ("h", None)],
        timestamp_ms=NOW_MS,
    )
    spans = scan.spans(topics[0], 3) + scan.spans(topics[1], 1)
    assert [span[1:] for span in spans] == [(0, 0, 700), (1, 0, 0), (2, 0, 700), (0, 0, 1)]

    found = scanned(scan, spans)
    assert len(found) == 1_401
    for partition in (0, 2):
        of_partition = [r for r in found if r.position[:2] == (topics[0], partition)]
        assert [r.position.offset for r in of_partition] == list(range(700))
        assert [r.value for r in of_partition] == [b"%d" % number for number in range(700)]
    (other,) = [record for record in found if record.position.topic == topics[1]]
    assert other == Record(
        Position(topics[1], 0, 0), NOW_MS, b"k", None, (("h", b"1"), ("h", None))
    )


def test_a_scan_begins_at_its_starts_and_ends_where_the_end_was(broker: Broker) -> None:
    """What is written after the spans were taken is not read, and a start past the end is none."""
    topic = broker.topic(2)
    scan = TopicReader(broker.config())
    write(broker.bootstrap_servers, topic, [b"v"] * 9)
    write(broker.bootstrap_servers, topic, [b"v"] * 9, partition=1)
    spans = scan.spans(topic, 2, {0: 4, 1: 30})
    write(broker.bootstrap_servers, topic, [b"late"] * 500)

    assert spans == [Span(topic, 0, 4, 9), Span(topic, 1, 30, 9)]
    found = scanned(scan, spans)
    assert [record.position.offset for record in found] == [4, 5, 6, 7, 8]
    assert scanned(scan, []) == []


def test_a_scan_that_makes_no_progress_is_given_up(embedded_broker: Broker) -> None:
    """It raises, for half a topic proves nothing."""
    broker = embedded_broker
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"v"])
    scan = TopicReader(broker.config(), stall_s=0.5)
    spans = scan.spans(topic, 1)
    broker.embedded.set_broker_down()

    with pytest.raises(BrokerUnavailable, match="no progress"):
        scanned(scan, spans)


@pytest.mark.kafka
def test_markers_and_aborted_records_end_no_scan_early_and_none_late(real_broker: Broker) -> None:
    """Offsets that hold no record are passed over, at the end of a partition too."""
    broker = real_broker
    topic = broker.topic()
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic, "log_level": 0}
    )
    producer.init_transactions(10)
    for is_kept in (False, True, False):
        producer.begin_transaction()
        producer.produce(topic, b"v", partition=0)
        producer.flush(10)
        (producer.commit_transaction if is_kept else producer.abort_transaction)(10)
    scan = TopicReader(broker.config())
    spans = scan.spans(topic, 1)

    assert spans == [Span(topic, 0, 0, 6)]
    assert [record.position.offset for record in scanned(scan, spans)] == [2]


@pytest.mark.kafka
def test_an_open_transaction_is_beyond_the_end(real_broker: Broker) -> None:
    """Nobody knows yet whether its records are messages; the scan does not wait to see."""
    broker = real_broker
    topic = broker.topic()
    write(broker.bootstrap_servers, topic, [b"v"] * 3)
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic, "log_level": 0}
    )
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(topic, b"v", partition=0)
    producer.flush(10)
    scan = TopicReader(broker.config(), stall_s=5.0)
    try:
        spans = scan.spans(topic, 1)
        assert spans == [Span(topic, 0, 0, 3)]
        assert len(scanned(scan, spans)) == 3
    finally:
        producer.abort_transaction(10)


@pytest.mark.kafka
def test_a_time_is_found_in_every_partition(real_broker: Broker) -> None:
    """The first record at or after it, or the end where all are older."""
    broker = real_broker
    topic = broker.topic(3)
    for partition, ages in ((0, (-2, -1, 0)), (1, (-2,))):
        for age in ages:
            write(
                broker.bootstrap_servers,
                topic,
                [b"v"],
                partition=partition,
                timestamp_ms=NOW_MS + age,
            )
    assert TopicReader(broker.config()).starts_at(topic, 3, NOW_MS - 1) == {0: 1, 1: 1, 2: 0}


def test_one_record_is_read_where_it_lies(broker: Broker) -> None:
    """And where there is none, nothing is waited for."""
    topic = broker.topic(2)
    scan = TopicReader(broker.config())
    write(broker.bootstrap_servers, topic, [b"a", b"b", b"c"], partition=1)

    found = scan.record(Position(topic, 1, 1))
    assert found is not None
    assert (found.position, found.value) == (Position(topic, 1, 1), b"b")
    for nowhere in (Position(topic, 1, 3), Position(topic, 0, 0), Position(topic, 7, 0)):
        assert scan.record(nowhere) is None
    assert scan.record(Position("no.such.topic", 0, 0)) is None
