"""Where a partition begins: at the group's commit, or, for a new group, where `topic.toml` says."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Partition
from consumer.kafka.cluster.commits import is_of_this

log = structlog.get_logger()

StartRule = str
"""`latest`, `earliest`, or an RFC 3339 time."""


GROWN_S = 300.0
"""A new partition is seen within a minute or two, since the client asks for metadata each minute
(`config.py`); what is taken twice for beginning too early is recognised by the recovery."""


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
    made_again: Collection[str] = (),
) -> Mapping[Partition, Start]:
    """
    The starting offset of each partition; what is passed over is said in the log.

    `ids` are the broker's ids of the topics now; a commit for another topic of the same name is
    not gone on from. `made_again` are topics of which that is known without a commit: the brokers
    forget a group's commits with the topic. Such a topic begins by its rule, as a new one does, but
    never at its end: the group was at work on the name, and has seen nothing of it.

    Raises:
        BrokerUnavailable: the group's commits cannot be read, so no start is safe.
    """

    @cache
    def is_at_work(topic: str) -> bool:
        # It asks for the commits of all partitions: once for each topic, not for each of these.
        return _has_commits(consumer, topic, timeout_s)

    try:
        return {
            Partition(tp.topic, tp.partition): _start(
                consumer,
                tp,
                rule_for(tp.topic),
                ids,
                timeout_s,
                tp.topic in made_again,
                is_at_work,
            )
            for tp in consumer.committed(partitions, timeout=timeout_s)
        }
    except KafkaException as error:
        raise BrokerUnavailable(f"the group's commits cannot be read: {error}") from error


def _start(
    consumer: Consumer,
    tp: TopicPartition,
    rule: StartRule,
    ids: Mapping[str, str],
    timeout_s: float,
    is_made_again: bool,
    is_at_work: Callable[[str], bool],
) -> Start:
    """The start of one partition; `tp` holds the group's commit, or a negative offset."""
    partition, metadata = Partition(tp.topic, tp.partition), tp.metadata or ""
    try:
        low, high = consumer.get_watermark_offsets(
            TopicPartition(tp.topic, tp.partition), timeout=timeout_s
        )
    except KafkaException as error:
        if error.args[0].code() not in _GONE:
            raise
        # Deleted since it was given to us: nothing comes of it, and the group will see.
        log.error("an assigned partition is gone", partition=str(partition))
        return Start(0)
    has_commit = tp.offset >= 0
    if has_commit and is_of_this(tp.topic, tp.offset, metadata, ids.get(tp.topic, ""), high):
        return _within(partition, tp.offset, metadata, low)
    if has_commit or is_made_again:
        # Never at its end: of what is there nobody has seen anything.
        rule = "earliest" if rule == "latest" else rule
        log.error("the topic was made again since the last commit", partition=str(partition))
    elif rule == "latest" and is_at_work(tp.topic):
        rule = _long_enough_ago()
    offset = _by_rule(consumer, partition, rule, low, high, timeout_s)
    log.info(
        "no commit yet: starting",
        partition=str(partition),
        start=rule,
        offset=offset,
        passed_over=offset - low,
    )
    # What an earlier owner says of its lease holds, whatever it says of offsets.
    return Start(offset, tp.offset, metadata) if has_commit else Start(offset)


def _within(partition: Partition, committed: int, metadata: str, low: int) -> Start:
    """Not before the first record left: retention may have been faster."""
    if committed < low:
        log.error(
            "records were deleted before they were judged: retention is too short",
            partition=str(partition),
            lost=low - committed,
        )
    return Start(max(low, committed), committed, metadata)


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


_GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
"""The broker's word and the client's own, of a topic or a partition that is not there."""
