"""
Letters: reads whole topics to their present end, and writes records that must be stored. Blocking.

For the commands that work with dead letters; a worker publishes through `sink.py`.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.domain.decoding import UNREADABLE_HEADERS
from consumer.domain.message import Headers, Position, Record
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Publication
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.probation import OF_A_BATCH

BATCH = 500
STALL_S = 30.0
TIMEOUT_S = 10.0
NO_REPORT = "no answer from the broker in time, so it may have been stored all the same"


class LetterBox:
    """Dead letters, retries and marks at the broker, outside any group."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config

    def records(self, topic: str, starts: Mapping[int, int]) -> Generator[Record, None, None]:
        """
        What lies on the partitions now, each in its order, from the offset given for it.

        Raises:
            BrokerUnavailable: the topic cannot be read to its end; what was yielded is not all.
        """
        consumer = Consumer(properties.reader(self._config, ClientErrors("reader")))
        try:
            yield from self._read(consumer, topic, starts)
        except KafkaException as error:
            raise BrokerUnavailable(
                f"{topic} cannot be read: {error}. Check the brokers, and this user's right to "
                "read the topic and to use the group "
                f"{self._config.group}.reader"
            ) from None
        finally:
            consumer.close()

    def _read(
        self, consumer: Consumer, topic: str, starts: Mapping[int, int]
    ) -> Generator[Record, None, None]:
        ends: dict[int, int] = {}
        assigned: list[TopicPartition] = []
        for number, start in starts.items():
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=TIMEOUT_S
            )
            if max(low, start) < high:
                assigned.append(TopicPartition(topic, number, max(low, start)))
                ends[number] = high
        consumer.assign(assigned)
        moved_s = time.monotonic()
        while ends:
            messages = consumer.consume(BATCH, 0.1)
            for message in messages:
                number = cast("int", message.partition())
                error = message.error()
                if error is None:
                    record = _record(message)
                    if number in ends:
                        # What came after the look at the end is for the next time.
                        if record.position.offset < ends[number]:
                            yield record
                        if record.position.offset >= ends[number] - 1:
                            del ends[number]
                elif error.code() == KafkaError._PARTITION_EOF:
                    # A transaction's marker may be last: then this shows the end, no record.
                    ends.pop(number, None)
                else:
                    raise KafkaException(error)
            if messages:
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > STALL_S:
                raise BrokerUnavailable(f"reading {topic} made no progress for {STALL_S:g} s")

    def write(self, publications: Sequence[Publication]) -> list[str | None]:
        """
        Store records in their order and wait; for each, None or what went wrong.

        A batch that is refused is sent again one by one: only what is refused alone is at fault.
        A record that was not reported may be stored all the same.
        """
        if not publications:
            return []
        faults: list[str | None] = [NO_REPORT] * len(publications)
        refused: list[int] = []
        """Those of batches that were refused as a whole: nothing is known of each."""
        producer = Producer(properties.producer(self._config, ClientErrors("producer")))

        def delivered(number: int, error: KafkaError | None, _message: KafkaMessage) -> None:
            faults[number] = None if error is None else error.str()
            if error is not None and error.code() in OF_A_BATCH:
                refused.append(number)

        def produce(number: int) -> None:
            publication = publications[number]
            try:
                producer.produce(
                    publication.topic,
                    publication.value,
                    publication.key,
                    publication.partition,
                    on_delivery=partial(delivered, number),
                    headers=list(publication.headers),
                )
            except (KafkaException, BufferError) as error:
                faults[number] = str(error)

        try:
            for number in range(len(publications)):
                produce(number)
            producer.flush(self._config.client_timeout_s + 1.0)
            for number in sorted(refused):
                produce(number)
                producer.flush(self._config.client_timeout_s + 1.0)
            # What is thrown away below would be reported as such, which tells nobody anything.
            return list(faults)
        finally:
            producer.purge()
            producer.flush(1.0)
            producer.close()


def _record(message: KafkaMessage) -> Record:
    headers: Headers
    try:
        headers = cast("Headers", tuple(message.headers() or ()))
    except UnicodeDecodeError:
        headers = UNREADABLE_HEADERS
    position = Position(
        *cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
    )
    return Record(position, message.timestamp()[1], message.key(), message.value(), headers)
