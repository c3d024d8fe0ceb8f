"""A client of the group that notes what it is asked, and a listener that notes what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.interfaces import Assigned, Committed, Partition
from consumer.kafka.source.announcer import Announcer


class FakeClient:
    """Every partition is paused or flows; a commit waits, or is refused with `refusal`."""

    def __init__(self) -> None:
        self.flowing: set[Partition] = set()
        self.given: dict[Partition, int] = {}
        self.commits: list[tuple[Partition, int]] = []
        self.ends: dict[Partition, int] = {}
        self.refusal: int | None = None
        self.questions = 0
        self.is_closed = False

    @property
    def as_consumer(self) -> Consumer:
        return cast(Consumer, self)

    def incremental_assign(self, given: Sequence[TopicPartition]) -> None:
        self.given |= {Partition(tp.topic, tp.partition): tp.offset for tp in given}
        self.flowing.update(self.given)

    def incremental_unassign(self, taken: Sequence[TopicPartition]) -> None:
        for tp in taken:
            self.given.pop(Partition(tp.topic, tp.partition), None)

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self.flowing.difference_update(Partition(tp.topic, tp.partition) for tp in partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self.flowing.update(Partition(tp.topic, tp.partition) for tp in partitions)

    def get_watermark_offsets(
        self, tp: TopicPartition, timeout: float = 0.0, cached: bool = False
    ) -> tuple[int, int]:
        self.questions += not cached
        return 0, self.ends.get(Partition(tp.topic, tp.partition), -1001)

    def list_topics(self, topic: str | None, timeout: float) -> None:
        self.questions += 1
        if self.refusal is not None:
            raise KafkaException(KafkaError(self.refusal))

    def commit(
        self, offsets: list[TopicPartition], asynchronous: bool
    ) -> list[TopicPartition] | None:
        if self.refusal is not None:
            raise KafkaException(KafkaError(self.refusal))
        self.commits += [(Partition(tp.topic, tp.partition), tp.offset) for tp in offsets]
        return None if asynchronous else offsets

    def close(self) -> None:
        self.is_closed = True


class Told(Announcer):
    """What the listener would be told, at once and without a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.assignments: list[Assigned] = []
        self.answers: list[Committed] = []
        self.losses: list[Partition] = []
        self.has_doubts = False

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        self.assignments += assignments

    def committed(self, results: Sequence[Committed]) -> None:
        self.answers += results

    def lost(self, partitions: Sequence[Partition]) -> None:
        self.losses += partitions

    def doubt(self) -> None:
        self.has_doubts = True
