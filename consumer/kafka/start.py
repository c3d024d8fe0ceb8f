"""Where a partition begins: at the group's commit, or, for a new group, where `topic.toml` says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.domain.checkpoint import decode_checkpoint, is_same_topic
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Partition

log = structlog.get_logger()

StartRule = str
"""`latest`, `earliest`, or an RFC 3339 time."""


GROWN_S = 300.0
"""A new partition is seen within a minute or two: the client asks for metadata each minute."""


class Start(NamedTuple):
    """The first offset to take, and what the group's commit said beside it, if there is one."""

    offset: int
    committed: int | None = None
    metadata: str = ""


def starting_offsets(
    consumer: Consumer,
    partitions: list[TopicPartition],
    rule_for: Callable[[str], StartRule],
    ids: Mapping[str, str],
    timeout_s: float,
) -> Mapping[Partition, Start]:
    """
    The starting offset of each partition; what is passed over is said in the log.

    `ids` are the broker's ids of the topics now; a commit for another topic of the same name is
    not gone on from.

    Raises:
        BrokerUnavailable: the group's commits cannot be read, so no start is safe.
    """
    try:
        committed = consumer.committed(partitions, timeout=timeout_s)
        starts: dict[Partition, Start] = {}
        for tp in committed:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(tp.topic, tp.partition), timeout=timeout_s
            )
            partition = Partition(tp.topic, tp.partition)
            if tp.offset >= 0:
                metadata = tp.metadata or ""
                left = decode_checkpoint(metadata, tp.offset, tp.topic)
                is_same = left is None or is_same_topic(left.topic_id, ids.get(tp.topic, ""))
                starts[partition] = _within(partition, tp.offset, metadata, is_same, low, high)
            else:
                rule = rule_for(tp.topic)
                if rule == "latest" and _has_commits(consumer, tp.topic, timeout_s):
                    rule = _long_enough_ago()
                offset = _by_rule(consumer, partition, rule, low, high, timeout_s)
                log.info(
                    "no commit yet: starting",
                    partition=str(partition),
                    start=rule,
                    offset=offset,
                    passed_over=offset - low,
                )
                starts[partition] = Start(offset)
    except KafkaException as error:
        raise BrokerUnavailable(f"the group's commits cannot be read: {error}") from error
    return starts


def _within(
    partition: Partition, committed: int, metadata: str, is_same: bool, low: int, high: int
) -> Start:
    """Not before the first record left (retention was faster), nor in a topic made again."""
    if not is_same or committed > high:
        log.error(
            "the topic was made again since the last commit: starting at its beginning",
            partition=str(partition),
            committed=committed,
            end=high,
        )
        return Start(low, committed, metadata)
    if committed < low:
        log.error(
            "records were deleted before they were judged: retention is too short",
            partition=str(partition),
            lost=low - committed,
        )
        return Start(low, committed, metadata)
    return Start(committed, committed, metadata)


def _has_commits(consumer: Consumer, topic: str, timeout_s: float) -> bool:
    """Whether the group is at work on this topic, so that a partition without commit is new."""
    numbers = consumer.list_topics(topic, timeout=timeout_s).topics[topic].partitions
    partitions = [TopicPartition(topic, number) for number in numbers]
    return any(tp.offset >= 0 for tp in consumer.committed(partitions, timeout=timeout_s))


def _long_enough_ago() -> StartRule:
    """
    The start of a partition that came up while the group was at work.

    Not the latest record: what was written before we saw the partition would be passed over. Nor
    the earliest: members that start a new group together see each other's first commits.
    """
    return datetime.fromtimestamp(time.time() - GROWN_S, UTC).isoformat()


def _by_rule(
    consumer: Consumer, partition: Partition, rule: StartRule, low: int, high: int, timeout_s: float
) -> int:
    if rule == "latest":
        return high
    if rule == "earliest":
        return low
    moment_ms = int(datetime.fromisoformat(rule).timestamp() * 1_000)
    wanted = TopicPartition(partition.topic, partition.number, moment_ms)
    (found,) = consumer.offsets_for_times([wanted], timeout=timeout_s)
    return found.offset if found.offset >= 0 else high
