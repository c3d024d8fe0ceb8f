"""Scan: whole topics read outside any group, from a start to the end as it was at the beginning."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.domain.decoding import UNREADABLE_HEADERS
from consumer.domain.message import Headers, Position, Record
from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig

BATCH = 5_000
TIMEOUT_S = 10.0
STALL_S = 30.0
"""Reading that makes no progress for so long is given up."""


class Span(NamedTuple):
    """Part of one partition: offsets from `start` to just before `end`."""

    topic: str
    partition: int
    start: int
    end: int


class TopicScan:
    """Reads spans of partitions. Blocking; what is held in memory does not grow with the topic."""

    def __init__(self, config: KafkaConfig, stall_s: float = STALL_S) -> None:
        self._properties = properties.reader(config, _ignore)
        self._stall_s = stall_s

    def spans(self, topic: str, partitions: int, starts: Mapping[int, int] = {}) -> list[Span]:
        """
        Every partition from its start, or from the oldest record left, to its end now.

        Raises:
            BrokerUnavailable: the offsets cannot be read now.
        """
        consumer = Consumer(self._properties)
        try:
            found: list[Span] = []
            for number in range(partitions):
                low, high = consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=TIMEOUT_S
                )
                found.append(Span(topic, number, max(low, starts.get(number, 0)), high))
            return found
        except KafkaException as error:
            raise BrokerUnavailable(f"the offsets of {topic} cannot be read: {error}") from error
        finally:
            consumer.close()

    def starts_at(self, topic: str, partitions: int, moment_ms: int) -> dict[int, int]:
        """
        The first offset of each partition at or after a time, in ms since 1970, or its end.

        Raises:
            BrokerUnavailable: the broker cannot look it up.
        """
        consumer = Consumer(self._properties)
        try:
            asked = [TopicPartition(topic, number, moment_ms) for number in range(partitions)]
            starts: dict[int, int] = {}
            for found in consumer.offsets_for_times(asked, timeout=TIMEOUT_S):
                if found.error is not None:
                    raise KafkaException(found.error)
                # Nothing so young: the end, beyond which there is nothing to read either.
                end = consumer.get_watermark_offsets(found, timeout=TIMEOUT_S)[1]
                starts[found.partition] = found.offset if found.offset >= 0 else end
            return starts
        except KafkaException as error:
            raise BrokerUnavailable(f"{topic} cannot be searched by time: {error}") from error
        finally:
            consumer.close()

    def records(self, spans: Sequence[Span]) -> Iterator[list[Record]]:
        """
        The records of the spans in batches, each partition's in order.

        Raises:
            BrokerUnavailable: a partition cannot be read, or nothing came for `stall_s`.
        """
        ends = {(s.topic, s.partition): s.end for s in spans if s.start < s.end}
        if not ends:
            return
        consumer = Consumer(self._properties)
        try:
            consumer.assign(
                [TopicPartition(s.topic, s.partition, s.start) for s in spans if s.start < s.end]
            )
            moved_s = time.monotonic()
            while ends:
                left = len(ends)
                batch = _within(consumer, ends)
                if batch or len(ends) < left:
                    yield batch
                    moved_s = time.monotonic()
                elif time.monotonic() - moved_s > self._stall_s:
                    raise BrokerUnavailable(
                        f"reading {', '.join(sorted({topic for topic, _ in ends}))} made no "
                        f"progress for {self._stall_s:g} s"
                    )
        except KafkaException as error:
            raise BrokerUnavailable(f"the topics cannot be read: {error}") from error
        finally:
            consumer.close()


def _within(consumer: Consumer, ends: dict[tuple[str, int], int]) -> list[Record]:
    """The next records before the ends; a partition that reached its end is left out of `ends`."""
    batch: list[Record] = []
    for message in consumer.consume(BATCH, 0.1):
        topic, partition, offset = cast(
            "tuple[str, int, int]", (message.topic(), message.partition(), message.offset())
        )
        error = message.error()
        if error is None:
            # The offset of the next record, should there be one.
            reached = offset + 1
            if reached <= ends.get((topic, partition), -1):
                batch.append(_record(message, Position(topic, partition, offset)))
        elif error.code() == KafkaError._PARTITION_EOF:
            # Transaction markers and compacted records take up offsets at the end and never come.
            reached = offset
        else:
            raise BrokerUnavailable(f"{topic} cannot be read: {error.str()}")
        if reached >= ends.get((topic, partition), reached + 1):
            del ends[topic, partition]
            # A partition that is still being written would be read on and on.
            consumer.pause([TopicPartition(topic, partition)])
    return batch


def _record(message: KafkaMessage, position: Position) -> Record:
    try:
        headers = cast("Headers", tuple(message.headers() or ()))
    except UnicodeDecodeError:
        headers = UNREADABLE_HEADERS
    return Record(position, message.timestamp()[1], message.key(), message.value(), headers)


def _ignore(_error: object) -> None:
    """The caller sees failures where they matter; the client's own commentary is left out."""
