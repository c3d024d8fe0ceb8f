"""A plain group on both brokers: it goes on where it was, and begins at the beginning."""

from __future__ import annotations

import time
from contextlib import closing

from consumer.domain.messages.message import Record
from consumer.kafka.reader.subscriber import Subscriber
from tests.records import committed, write
from tests.stage import Broker

PATIENCE_S = 30.0


def taken(subscriber: Subscriber, number: int) -> list[Record]:
    """So many records, however many calls that takes."""
    found: list[Record] = []
    until_s = time.monotonic() + PATIENCE_S
    while len(found) < number:
        assert time.monotonic() < until_s, f"{len(found)} records, not {number}"
        found += subscriber.take(0.2)
    return found


def test_what_was_committed_does_not_come_again_and_the_rest_does(broker: Broker) -> None:
    """A group that was never there begins with the oldest record."""
    topic, config = broker.topic(partitions=2), broker.config()
    group = config.group + ".review"
    for partition in (0, 1):
        write(broker.bootstrap_servers, topic, [b"a", b"b"], partition=partition)
    with closing(Subscriber(config, group, [topic])) as subscriber:
        found = taken(subscriber, 4)
        assert sorted((r.position.partition, r.value) for r in found) == [
            (0, b"a"),
            (0, b"b"),
            (1, b"a"),
            (1, b"b"),
        ]
        subscriber.commit()
        write(broker.bootstrap_servers, topic, [b"c"], partition=0)
        assert [record.value for record in taken(subscriber, 1)] == [b"c"]
    assert committed(broker.bootstrap_servers, group, topic) == 2
    with closing(Subscriber(config, group, [topic])) as subscriber:
        assert [record.value for record in taken(subscriber, 1)] == [b"c"]
        subscriber.commit()
    assert committed(broker.bootstrap_servers, group, topic) == 3


def test_more_topics_are_read_once_they_are_named(broker: Broker) -> None:
    first, second = broker.topic(), broker.topic()
    config = broker.config()
    for topic in (first, second):
        write(broker.bootstrap_servers, topic, [topic.encode()])
    with closing(Subscriber(config, config.group, [first])) as subscriber:
        assert taken(subscriber, 1)[0].value == first.encode()
        subscriber.commit()
        subscriber.use([first, second])
        assert taken(subscriber, 1)[0].value == second.encode()


def test_a_topic_that_was_made_again_is_read_from_its_beginning(broker: Broker) -> None:
    """Another one of the name is told by its id alone; one that is what it was is gone on with."""
    topic, other = broker.topic(partitions=2), broker.topic()
    config = broker.config()
    for name, partition in ((topic, 0), (topic, 1), (other, 0)):
        write(broker.bootstrap_servers, name, [b"a", b"b"], partition=partition)
    with closing(Subscriber(config, config.group, [topic, other])) as subscriber:
        subscriber.use([topic, other], {topic: "one", other: "x"})
        taken(subscriber, 6)
        subscriber.commit()
        subscriber.use([topic, other], {topic: "one", other: "x"})
        subscriber.use([topic, other])
        assert subscriber.take(0.2) == []
        subscriber.use([topic, other], {topic: "two", other: "x"})
        again = taken(subscriber, 4)
        assert {record.position.topic for record in again} == {topic}
        assert sorted(record.position[1:] for record in again) == [(0, 0), (0, 1), (1, 0), (1, 1)]
        subscriber.use([topic, other], {topic: "two", other: "x"})
        assert subscriber.take(0.2) == []
