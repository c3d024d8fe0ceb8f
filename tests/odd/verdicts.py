"""Verdicts as they come on the outputs of one topic, by the position that they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self, cast

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from consumer.domain.messages.message import Headers

Place = tuple[int, int]
"""Partition and offset of a message."""


class Found(NamedTuple):
    """A verdict, or a dead letter, which has no cause."""

    outcome: str
    cause: str = ""
    reason: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, [self.outcome, self.cause, self.reason]))


class Verdicts:
    """What lies on the outputs; `with` opens the consumer that `read` reads on with."""

    def __init__(self, bootstrap_servers: str, outputs: Sequence[str], partitions: int) -> None:
        self.by_place: defaultdict[Place, list[Found]] = defaultdict(list)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "odd-verdicts",
                "enable.auto.commit": False,
                "log_level": 0,
                "fetch.wait.max.ms": 10,
            }
        )
        self._parts = [
            TopicPartition(topic, number, OFFSET_BEGINNING)
            for topic in outputs
            for number in range(partitions)
        ]

    def __enter__(self) -> Self:
        self._consumer.assign(self._parts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def read(self) -> None:
        """Take in what has come."""
        while batch := self._consumer.consume(500, 0.02):
            for message in batch:
                assert message.error() is None, message.error()
                headers = cast("Headers", tuple(message.headers() or ()))
                said = {name: (value or b"").decode() for name, value in headers}
                outcome = said.get("safeguard-outcome", "dead-letter")
                position = said["safeguard-position"].split("/")
                cause, reason = said.get("safeguard-cause", ""), None
                if outcome != "dead-letter":
                    reason = orjson.loads(message.value() or b"{}").get("unjudged_reason")
                place = (int(position[1]), int(position[2]))
                self.by_place[place].append(Found(outcome, cause, reason))

    def read_to_the_end(self) -> None:
        """Take in all that lies there now."""
        ends = {}
        for part in self._parts:
            _, ends[part.topic, part.partition] = self._consumer.get_watermark_offsets(part, 10.0)
        while True:
            self.read()
            at = {(p.topic, p.partition): p.offset for p in self._consumer.position(self._parts)}
            if all(not end or at[where] >= end for where, end in ends.items()):
                return

    def holds(self, places: Sequence[Place]) -> bool:
        return all(self.by_place.get(place) for place in places)
