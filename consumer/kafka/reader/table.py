"""
Table: a compacted topic as a dictionary, followed as it changes.

The topic has one partition, so that its records have one order. It is read outside any group: every
reader sees every record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import STALL_S, unreadable

log = structlog.get_logger()

PARTITION = 0
"""The only one, so that records have one order: the form of such topics, not a number to turn."""
BATCH = 500
"""What is held in memory at once, beside the table itself."""
CALL_S = 5.0
"""For the question whether the topic is there; the next read asks again."""

_ABSENT = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED

Key = TypeVar("Key")
Value = TypeVar("Value")
Entry = Callable[[bytes | None, bytes | None], tuple[Key, Value | None] | None]
"""From a record's key and value: an entry, None as its value where it is gone; or no entry."""


class Table(Generic[Key, Value]):
    """
    The last value of each key. Blocking: use it in a thread.

    A topic that does not exist is empty, until there is one.
    """

    def __init__(
        self,
        config: KafkaConfig,
        topic: str,
        entry: Entry[Key, Value],
        *,
        when_refused: str | None = None,
        when_cut: Callable[[], None] = lambda: None,
        stall_s: float = STALL_S,
        wait_ms: int = 10,
    ) -> None:
        """
        `when_refused`: to go on, with nothing, where we may not read the topic, and to log this
        once. `when_cut` is told, before any record, that the topic's first records were deleted.
        `wait_ms`: the broker holds an empty fetch for so long; whoever follows waits longer.
        """
        self._properties = properties.reader(config, ClientErrors(topic)) | {
            "fetch.wait.max.ms": wait_ms
        }
        self._topic = topic
        self._entry = entry
        self._when_refused = when_refused
        self._when_cut = when_cut
        self._stall_s = stall_s
        self._consumer: Consumer | None = None
        self._is_following = False
        self._is_at_end = False
        self._is_refusal_told = False
        self._values: dict[Key, Value] = {}
        self._revision = 0
        self._reading = threading.Lock()
        """A stop may close the table while its last read is under way."""

    def __repr__(self) -> str:
        state = f"at revision {self._revision}" if self._is_following else "no topic"
        return f"<Table {self._topic} {state}, {len(self._values)} keys>"

    @property
    def revision(self) -> int:
        """The offset after the last record that was read; 0 where there is no topic."""
        return self._revision

    @property
    def is_there(self) -> bool:
        """Whether the topic was there, and ours to read, at the last read."""
        return self._is_following

    def read(self) -> Mapping[Key, Value]:
        """
        The last value of each key, after all that was appended since the last time.

        Raises:
            BrokerUnavailable: it cannot be read now; the next read goes on from here.
        """
        with self._reading:
            try:
                consumer = self._consumer or self._connect()
                if self._is_following or self._follow(consumer):
                    self._catch_up(consumer)
            except KafkaException as error:
                raise unreadable(self._topic, error, self._properties["group.id"]) from None
            return dict(self._values)

    def close(self) -> None:
        with self._reading:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None
            self._is_following = False

    def _connect(self) -> Consumer:
        self._consumer = Consumer(self._properties)
        return self._consumer

    def _follow(self, consumer: Consumer) -> bool:
        """Begin where the topic begins; False where there is none."""
        found = consumer.list_topics(self._topic, timeout=CALL_S).topics[self._topic]
        if found.error is not None:
            if self._is_gone(found.error):
                return False
            raise KafkaException(found.error)
        self._forget()
        first, _ = consumer.get_watermark_offsets(
            TopicPartition(self._topic, PARTITION), timeout=CALL_S
        )
        if first > 0:
            self._when_cut()
        consumer.assign([TopicPartition(self._topic, PARTITION, 0)])
        self._is_following, self._is_at_end = True, False
        return True

    def _catch_up(self, consumer: Consumer) -> None:
        """Wait for the end the first time; after that the client fetches by itself."""
        moved_s = time.monotonic()
        while self._is_following:
            messages = consumer.consume(BATCH, 0 if self._is_at_end else 0.1)
            for message in messages:
                error = message.error()
                if error is None:
                    self._take(message.key(), message.value())
                    self._revision = cast("int", message.offset()) + 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._is_at_end = True
                elif self._is_gone(error):
                    consumer.unassign()
                    return
                else:
                    raise KafkaException(error)
            if messages:
                moved_s = time.monotonic()
            elif self._is_at_end:
                return
            elif time.monotonic() - moved_s > self._stall_s:
                raise BrokerUnavailable(f"reading {self._topic} made no progress")

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        entry = self._entry(key, value)
        if entry is None:
            return
        if entry[1] is None:
            self._values.pop(entry[0], None)
        else:
            self._values[entry[0]] = entry[1]

    def _is_gone(self, error: KafkaError) -> bool:
        """Whether this says that there is nothing for us to read."""
        code = error.code()
        is_refused = code == _REFUSED and self._when_refused is not None
        if is_refused and not self._is_refusal_told:
            self._is_refusal_told = True
            log.warning(self._when_refused, topic=self._topic)
        if not is_refused and code not in _ABSENT:
            return False
        self._forget()
        self._is_following = False
        return True

    def _forget(self) -> None:
        self._values.clear()
        self._revision = 0
