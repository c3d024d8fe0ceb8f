"""News: what is written to topics from the first look on, for whom nothing older matters."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from threading import Lock

from consumer.domain.messages.message import Record
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Output
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.follower import Follower
from consumer.kafka.reader.reader import TopicReader


class TopicNews:
    """Follows topics outside any group. Blocking; what cannot be read now is read later."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._at: dict[Output, int] = {}
        """What was read of each partition so far."""
        self._batches: Generator[list[Record], None, None] | None = None
        self._lock = Lock()
        """A reading that nobody waits for any more takes a moment to end."""

    def __repr__(self) -> str:
        return f"<TopicNews of {len(self._at)} partitions>"

    def follow(self, partitions: Mapping[str, int]) -> None:
        """
        Follow these topics, each with so many partitions, and no others; new ones from their end.

        Raises:
            BrokerUnavailable: their ends cannot be read; nothing has changed then.
        """
        wanted = {Output(topic, n) for topic, count in partitions.items() for n in range(count)}
        if wanted == self._at.keys():
            return
        new = wanted - self._at.keys()
        ends = TopicReader(self._config).ends(new) if new else {}
        self.close()
        with self._lock:
            self._at = {output: at for output, at in (self._at | ends).items() if output in wanted}

    def read(self) -> list[Record]:
        """
        Some of what is new; nothing where a moment brings nothing.

        Raises:
            BrokerUnavailable: a partition cannot be read; the next read goes on from here.
        """
        with self._lock:
            records = self._next() if self._at else []
            for record in records:
                topic, partition, offset = record.position
                self._at[Output(topic, partition)] = offset + 1
        return records

    def _next(self) -> list[Record]:
        if self._batches is None:
            self._batches = Follower(self._config, self._at).batches()
        try:
            return next(self._batches)
        except BrokerUnavailable:
            self._batches = None
            raise

    def close(self) -> None:
        """Give the client back; the next read opens another."""
        with self._lock:
            if self._batches is not None:
                self._batches.close()
                self._batches = None
