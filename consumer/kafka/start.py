"""Where a partition begins: at the group's commit, or, for a new group, where `topic.toml` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Partition

log = structlog.get_logger()

StartRule = str
"""`latest`, `earliest`, or an RFC 3339 time."""


class Start(NamedTuple):
    """The first offset to take, and whether the group had committed it."""

    offset: int
    is_committed: bool


def starting_offsets(
    consumer: Consumer,
    partitions: list[TopicPartition],
    rule_for: Callable[[str], StartRule],
    timeout_s: float,
) -> Mapping[Partition, Start]:
    """
    The starting offset of each partition; what is passed over is said in the log.

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
                starts[partition] = Start(_within(partition, tp.offset, low, high), True)
            else:
                rule = rule_for(tp.topic)
                offset = _by_rule(consumer, partition, rule, low, high, timeout_s)
                log.info(
                    "new group: starting",
                    partition=str(partition),
                    start=rule,
                    offset=offset,
                    passed_over=offset - low,
                )
                starts[partition] = Start(offset, False)
    except KafkaException as error:
        raise BrokerUnavailable(f"the group's commits cannot be read: {error}") from error
    return starts


def _within(partition: Partition, committed: int, low: int, high: int) -> int:
    """A committed offset outside the log: retention was faster, or the topic was made again."""
    if committed < low:
        log.error(
            "records were deleted before they were judged: retention is too short",
            partition=str(partition),
            lost=low - committed,
        )
        return low
    if committed > high:
        log.error(
            "the commit lies past the end: the topic was made again, starting at its beginning",
            partition=str(partition),
            committed=committed,
            end=high,
        )
        return low
    return committed


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
