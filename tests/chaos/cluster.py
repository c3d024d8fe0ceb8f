"""Cluster: what the brokers say of copies, ends and commits, asked in the middle of faults."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from tests.brokers.node import CLIENT

CALL_S = 5.0

Ends = dict[tuple[str, int], int]


class Cluster:
    """Questions to brokers that may be away; then the answer is None."""

    def __init__(self, bootstrap_servers: str) -> None:
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

    def committed(self, group: str) -> Ends | None:
        """The group's committed offsets."""
        try:
            found = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=CALL_S
            )
            parts = found[group].result(CALL_S).topic_partitions or []
        except (KafkaException, TimeoutError):
            return None
        return {(part.topic, part.partition): part.offset for part in parts}
