"""Where a partition begins: at the group's commit, if it is one of this very topic."""

from __future__ import annotations

from typing import NamedTuple, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.domain.checkpoint import Checkpoint
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Partition
from consumer.kafka.source.share.start import Start, starting_offsets

TOPIC, ID, OLD = "chat", "newnewnew", "oldoldold"
BY_TIME = "2026-01-31T08:00:00+00:00"


class Found(NamedTuple):
    offset: int


class FakeConsumer:
    """A partition with these bounds and this commit; offset 77 is the first one of any time."""

    def __init__(self, committed: int, metadata: str = "", low: int = 10, high: int = 200) -> None:
        self.commit = (committed, metadata)
        self.bounds = (low, high)
        self.error: int | None = None

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(tp.topic, tp.partition, *self.commit) for tp in partitions]

    def get_watermark_offsets(self, _: TopicPartition, timeout: float) -> tuple[int, int]:
        if self.error is not None:
            raise KafkaException(KafkaError(self.error))
        return self.bounds

    def offsets_for_times(self, _: list[TopicPartition], timeout: float) -> list[Found]:
        return [Found(77)]

    def list_topics(self, topic: str, timeout: float) -> object:
        class Topic:
            partitions = (0,)

        class Metadata:
            topics = {topic: Topic}

        return Metadata


def start(consumer: FakeConsumer, rule: str = "latest", *, made_again: bool = False) -> Start:
    partition = TopicPartition(TOPIC, 0)
    again = [TOPIC] if made_again else []
    found = starting_offsets(
        cast(Consumer, consumer), [partition], lambda _: rule, {TOPIC: ID}, 1.0, again
    )
    return found[Partition(TOPIC, 0)]


def left(topic_id: str, offset: int) -> str:
    return Checkpoint("o", 1, 0, topic_id=topic_id[:8]).encode(offset, TOPIC)


@pytest.mark.parametrize("offset", [10, 100, 200])
def test_a_commit_of_this_topic_is_gone_on_from(offset: int) -> None:
    """Up to its very end; what it says goes along, for the recovery."""
    metadata = left(ID, offset)

    assert start(FakeConsumer(offset, metadata)) == Start(offset, offset, metadata)
    assert start(FakeConsumer(offset, metadata), made_again=True).offset == offset
    assert start(FakeConsumer(offset, "an operator's")).offset == offset


def test_what_retention_took_is_passed_over() -> None:
    """The start is the first record left, and the recovery knows what was committed."""
    metadata = left(ID, 3)

    assert start(FakeConsumer(3, metadata)) == Start(10, 3, metadata)


@pytest.mark.parametrize(("rule", "offset"), [("latest", 10), ("earliest", 10), (BY_TIME, 77)])
def test_a_topic_made_again_begins_by_its_rule_and_never_at_its_end(rule: str, offset: int) -> None:
    """Told by its id, by an end below the commit, or by who saw it happen."""
    metadata = left(OLD, 100)
    assert start(FakeConsumer(100, metadata), rule) == Start(offset, 100, metadata)
    assert start(FakeConsumer(201), rule) == Start(offset, 201, "")
    assert start(FakeConsumer(-1001), rule, made_again=True) == Start(offset)


@pytest.mark.parametrize(("rule", "offset"), [("latest", 200), ("earliest", 10), (BY_TIME, 77)])
def test_a_new_group_begins_where_the_topic_says(rule: str, offset: int) -> None:
    """Without a commit there is nothing that an earlier owner could have left."""
    assert start(FakeConsumer(-1001), rule) == Start(offset)


def test_a_partition_that_is_gone_ends_nobody() -> None:
    """Its topic was deleted after it was given to us; other errors are for another try."""
    gone = FakeConsumer(5)
    gone.error = KafkaError.UNKNOWN_TOPIC_OR_PART
    assert start(gone) == Start(0)

    gone.error = KafkaError._TRANSPORT
    with pytest.raises(BrokerUnavailable):
        start(gone)
