"""Tail: what already lies on an output partition, from a floor to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig

BATCH = 1_000
STALL_S = 30.0
"""Reading that makes no progress for so long is given up; the caller tries again later."""


class TailReader:
    """Reads output partitions outside any group. Blocking: use it in a thread of its own."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config

    def positions(self, topic: str, partition: int, floor: int, group: str) -> set[str]:
        """
        The `safeguard-position`s that this group published there at or after `floor`.

        Raises:
            BrokerUnavailable: the partition cannot be read now.
        """
        found: set[str] = set()
        signature = group.encode()

        def look(message: KafkaMessage) -> None:
            headers = dict(message.headers() or ())
            if (
                headers.get("safeguard-group") == signature
                and "safeguard-supersedes" not in headers
            ):
                position = headers.get("safeguard-position")
                if isinstance(position, bytes):
                    found.add(position.decode("ascii", "replace"))

        self._read(TopicPartition(topic, partition, max(floor, 0)), look)
        return found

    def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The end offset of each partition."""
        consumer = Consumer(properties.reader(self._config, _ignore))
        try:
            return {
                (topic, number): consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=10.0
                )[1]
                for topic, number in partitions
            }
        except KafkaException as error:
            raise BrokerUnavailable(f"end offsets cannot be read: {error}") from error
        finally:
            consumer.close()

    def _read(self, start: TopicPartition, look: Callable[[KafkaMessage], None]) -> None:
        consumer = Consumer(properties.reader(self._config, _ignore))
        try:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(start.topic, start.partition), timeout=10.0
            )
            start.offset = max(start.offset, low)
            if start.offset >= high:
                return
            consumer.assign([start])
            moved_s = time.monotonic()
            while True:
                messages = consumer.consume(BATCH, 0.1)
                for message in messages:
                    error = message.error()
                    if error is None:
                        look(message)
                        if (message.offset() or 0) >= high - 1:
                            return
                    elif error.code() == KafkaError._PARTITION_EOF:
                        # A transaction's marker may be last: then this shows the end, no record.
                        return
                    else:
                        raise BrokerUnavailable(f"a tail cannot be read: {error.str()}")
                if messages:
                    moved_s = time.monotonic()
                elif time.monotonic() - moved_s > STALL_S:
                    raise BrokerUnavailable(f"reading {start.topic} made no progress")
        except KafkaException as error:
            raise BrokerUnavailable(f"a tail cannot be read: {error}") from error
        finally:
            consumer.close()


def _ignore(_error: object) -> None:
    """The caller sees failures where they matter; the client's own commentary is left out."""
