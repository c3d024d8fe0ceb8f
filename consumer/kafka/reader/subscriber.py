"""
Subscriber: topics read as a member of a plain group, which goes on where it was when it comes back.

For whoever takes what comes twice as if it came once: what was taken and not committed comes again.
Blocking. A worker takes its records through `source/`, with everything that its promises need.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from consumer.domain.messages.message import Record
from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import unreadable
from consumer.kafka.record import record_of

log = structlog.get_logger()

BATCH = 500
"""What is held in memory at once."""


class Subscriber:
    """A member of a group of its own."""

    def __init__(self, config: KafkaConfig, group: str, topics: Sequence[str]) -> None:
        own = config._replace(group=group, static_member=None)
        # A group that was away for longer than the topics keep goes on with what is left.
        self._properties = properties.consumer(own, ClientErrors(group)) | {
            "auto.offset.reset": "earliest"
        }
        self._consumer = Consumer(self._properties)
        self._topics: list[str] = []
        self._ids: dict[str, str] = {}
        self._taken: dict[tuple[str, int], int] = {}
        self.use(topics)

    def __repr__(self) -> str:
        return f"<Subscriber {self._properties['group.id']} to {len(self._topics)} topics>"

    def use(self, topics: Sequence[str], ids: Mapping[str, str] = {}) -> None:
        """
        Read these topics from now on; one that has another id than before, from its beginning.

        The brokers forget a group's commits with a topic, but a client at work goes on in the new
        one where it was in the old.
        """
        made_again = {topic for topic, id in ids.items() if self._ids.get(topic, id) != id}
        if not made_again or self._begins_anew(made_again):
            self._ids |= ids
        if list(topics) != self._topics:
            self._topics = list(topics)
            self._consumer.subscribe(self._topics)

    def _begins_anew(self, topics: Collection[str]) -> bool:
        """Read what we have of these topics from its beginning; False where that waits."""
        log.warning("topics were made again: read from their beginning", topics=sorted(topics))
        self._taken = {at: offset for at, offset in self._taken.items() if at[0] not in topics}
        try:
            for mine in self._consumer.assignment():
                if mine.topic in topics:
                    beginning = TopicPartition(mine.topic, mine.partition, OFFSET_BEGINNING)
                    self._consumer.seek(beginning)
        except KafkaException as error:
            # What is about to be handed out anew cannot be moved now.
            log.info("not from its beginning yet", error=str(error))
            return False
        return True

    def take(self, wait_s: float) -> list[Record]:
        """
        What has come, each partition's in order; empty where nothing did for so long.

        Raises:
            BrokerUnavailable: a topic cannot be read.
        """
        try:
            messages = self._consumer.consume(1, wait_s)
            if messages:
                messages += self._consumer.consume(BATCH - 1, 0)
        except KafkaException as error:
            raise self._unreadable(error) from error
        found: list[Record] = []
        faults: list[KafkaError] = []
        for message in messages:
            fault = message.error()
            if fault is None:
                record = record_of(message)
                topic, number, offset = record.position
                self._taken[topic, number] = offset + 1
                found.append(record)
            elif fault.code() != KafkaError._PARTITION_EOF and not fault.retriable():
                faults.append(fault)
        # What has come is taken up first: it would not come again before the next rebalance.
        if faults and not found:
            raise self._unreadable(KafkaException(faults[0]))
        return found

    def _unreadable(self, error: KafkaException) -> BrokerUnavailable:
        return unreadable(", ".join(self._topics), error, self._properties["group.id"])

    def commit(self) -> None:
        """What was taken is done with, and does not come again."""
        points = [TopicPartition(*partition, offset) for partition, offset in self._taken.items()]
        self._taken.clear()
        if not points:
            return
        try:
            self._consumer.commit(offsets=points, asynchronous=False)
        except KafkaException as error:
            # Another member has the partition by now, or the brokers are away: it comes again.
            log.info("a commit was refused", group=self._properties["group.id"], error=str(error))

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
