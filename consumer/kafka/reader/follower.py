"""Follower: whole topics read as they grow, outside any group, until whoever follows has enough."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer.domain.messages.message import Record
from consumer.interfaces import Output
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import reading
from consumer.kafka.record import record_of

BATCH = 500
"""What is held in memory at once."""
WAIT_S = 0.25
"""After so long without a record the follower is asked whether it has had enough."""
FETCH_WAIT_MS = 250
"""The broker holds an empty fetch for so long, so that following costs next to nothing."""


class Follower:
    """Reads partitions from given offsets, on and on. Blocking; commits nothing."""

    def __init__(self, config: KafkaConfig, starts: Mapping[Output, int]) -> None:
        self._properties = properties.reader(config, ignore) | {"fetch.wait.max.ms": FETCH_WAIT_MS}
        self._starts = dict(starts)

    def __repr__(self) -> str:
        return f"<Follower of {len(self._starts)} partitions>"

    def batches(self) -> Generator[list[Record], None, None]:
        """
        What came, in batches; an empty one where nothing did for a moment. Never ends by itself.

        Raises:
            BrokerUnavailable: a partition cannot be read.
        """
        topics = ", ".join(sorted({output.topic for output in self._starts}))
        with reading(self._properties, topics) as consumer:
            consumer.assign([TopicPartition(*output, at) for output, at in self._starts.items()])
            while True:
                messages = consumer.consume(1, WAIT_S)
                if messages:
                    messages += consumer.consume(BATCH - 1, 0)
                for message in messages:
                    error = message.error()
                    if error is not None and error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                yield [record_of(message) for message in messages if message.error() is None]
