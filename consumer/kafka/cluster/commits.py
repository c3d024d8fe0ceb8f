"""Commits: how far a group has come on a topic, read without being a member of it."""

from __future__ import annotations

import time
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.domain.checkpoint import Checkpoint, decode_checkpoint, is_same_topic
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import reading

CALL_S = 15.0
"""For each question; the command that asked says that it was not answered."""
AGAIN_S = 0.5
"""Between two questions after the group's coordinator: it moves within a second or two."""


class Commit(NamedTuple):
    """A group's last commit of one partition, as far as it is of the topic that is there now."""

    offset: int
    checkpoint: Checkpoint | None = None
    """What it says beside its offset; None where that is none of ours."""

    @property
    def done(self) -> frozenset[int]:
        """Finished records at or above the offset."""
        return self.checkpoint.done if self.checkpoint else frozenset()


def read_commits(
    config: KafkaConfig, group: str, topic: str, partitions: int, topic_id: str
) -> dict[int, Commit]:
    """
    The group's commit of each partition of the topic that has one.

    One of an earlier topic of the name says that nothing is done on this one.

    Raises:
        BrokerUnavailable: they cannot be read now, or the group may not be described.
    """
    reader = properties.reader(config, ignore) | {"group.id": group}
    asked = [TopicPartition(topic, number) for number in range(partitions)]
    found: dict[int, Commit] = {}
    with reading(reader, f"the commits of the group {group}") as consumer:
        for tp in _committed(consumer, asked):
            if tp.offset < 0:
                continue
            end = consumer.get_watermark_offsets(tp, timeout=CALL_S)[1]
            metadata = tp.metadata or ""
            if is_of_this(topic, tp.offset, metadata, topic_id, end):
                left = decode_checkpoint(metadata, tp.offset, topic)
                found[tp.partition] = Commit(tp.offset, left)
            else:
                found[tp.partition] = Commit(0)
    return found


def _committed(consumer: Consumer, asked: list[TopicPartition]) -> list[TopicPartition]:
    """
    As the group's coordinator says; asked again while there is none.

    On brokers that have just started, or lost a node, another one becomes it in a moment.
    """
    until_s = time.monotonic() + CALL_S
    while True:
        try:
            found = consumer.committed(asked, timeout=CALL_S)
            for tp in found:
                if tp.error is not None:
                    raise KafkaException(tp.error)
            return found
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > until_s:
                raise
        time.sleep(AGAIN_S)


def is_of_this(topic: str, committed: int, metadata: str, topic_id: str, end: int) -> bool:
    """Whether a commit is of the topic that has this id and end, and not of one before it. Pure."""
    left = decode_checkpoint(metadata, committed, topic)
    return committed <= end and (left is None or is_same_topic(left.topic_id, topic_id))
