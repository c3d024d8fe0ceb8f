"""Cluster: what the brokers say of copies, ends and commits, asked in the middle of faults."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import (
    Consumer,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.cimpl import NewTopic

from tests.brokers.node import CLIENT

CALL_S = 5.0
CREATE_S = 30.0
COPIES = 3

Ends = dict[tuple[str, int], int]


class Cluster:
    """Questions to brokers that may be away; then the answer is None."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._admin = AdminClient({**CLIENT, "bootstrap.servers": bootstrap_servers})

    def is_in_sync(self, copies: int) -> bool:
        """Whether every partition has a leader and so many copies that are up to date."""
        try:
            topics = self._admin.list_topics(timeout=CALL_S).topics
        except KafkaException:
            return False
        return all(
            part.leader >= 0 and len(part.isrs) >= copies
            for topic in topics.values()
            for part in topic.partitions.values()
        )

    def ends(self, topics: Mapping[str, int]) -> Ends | None:
        """The end offset of every partition; `topics` are names and numbers of partitions."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {
            TopicPartition(topic, number): latest
            for topic, partitions in topics.items()
            for number in range(partitions)
        }
        try:
            found = self._admin.list_offsets(asked, request_timeout=CALL_S)
            ends = {
                (part.topic, part.partition): int(future.result(CALL_S).offset)
                for part, future in found.items()
            }
        except (KafkaException, TimeoutError):
            return None
        # Without a leader it is some negative number and no error.
        return ends if min(ends.values()) >= 0 else None

    def refuse(self, topic: str) -> None:
        """From soon on nothing is stored there: it wants more copies than there are brokers."""
        self._alter(topic, "min.insync.replicas", "9")

    def limit(self, topics: Sequence[str], bytes_max: int) -> bool:
        """What each takes in one batch from soon on; False where that could not be said."""
        try:
            for topic in topics:
                self._alter(topic, "max.message.bytes", str(bytes_max))
        except (KafkaException, TimeoutError):
            return False
        return True

    def _alter(self, topic: str, setting: str, value: str) -> None:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
        resource.add_incremental_config(entry)
        for future in self._admin.incremental_alter_configs([resource]).values():
            future.result(CALL_S)

    def delete(self, topic: str) -> None:
        self._admin.delete_topics([topic])[topic].result(CALL_S)

    def create(self, topic: str, partitions: int, config: Mapping[str, str] = {}) -> None:
        """Another one of its name; a broker that has not heard of its end says that it exists."""
        before, until_s = None, time.monotonic() + CREATE_S
        while True:
            new = NewTopic(topic, partitions, COPIES, config=dict(config))
            try:
                self._admin.create_topics([new])[topic].result(CALL_S)
                return
            except KafkaException as error:
                before = error
            if time.monotonic() > until_s:
                raise before
            time.sleep(0.2)

    def topic_id(self, topic: str) -> str:
        described = self._admin.describe_topics(TopicCollection([topic]))[topic]
        return str(described.result(CALL_S).topic_id)

    def go_back(self, group: str, back: int) -> bool:
        """Commit so many records less, without metadata, as a reset does; False where it cannot."""
        committed = self.committed(group)
        if not committed:
            return False
        parts = [
            TopicPartition(topic, number, max(0, offset - back))
            for (topic, number), offset in committed.items()
        ]
        try:
            with self._asking(group) as consumer:
                done = consumer.commit(offsets=parts, asynchronous=False) or []
        except KafkaException:
            return False
        return len(done) == len(parts) and all(part.error is None for part in done)

    def committed(self, group: str) -> Ends | None:
        """The group's committed offsets."""
        try:
            topics = self._admin.list_topics(timeout=CALL_S).topics
            asked = [
                TopicPartition(topic, number)
                for topic, described in topics.items()
                if not topic.startswith("__")
                for number in described.partitions
            ]
            with self._asking(group) as consumer:
                found = consumer.committed(asked, timeout=CALL_S)
        except KafkaException:
            return None
        return {(part.topic, part.partition): part.offset for part in found if part.offset >= 0}

    @contextmanager
    def _asking(self, group: str) -> Iterator[Consumer]:
        """
        A consumer that reads and writes a group's commits, and never joins it.

        The admin client's own calls to a coordinator end the process where the connection breaks
        at the wrong moment (librdkafka issue 4605, mended in its pull request 5397).
        """
        properties = {**CLIENT, "bootstrap.servers": self._servers, "group.id": group}
        consumer = Consumer({**properties, "enable.auto.commit": False})
        try:
            yield consumer
        finally:
            consumer.close()
