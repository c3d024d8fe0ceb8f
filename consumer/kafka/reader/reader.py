"""Reader: topics read outside any group, from an offset or a time to an end that was taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Literal, NamedTuple, cast

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from consumer.domain.messages.message import Position, Record
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Output, Partition
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig, Properties
from consumer.kafka.record import record_of

BATCH = 1_000
"""What is held in memory at once; the client's own queue (`config.py`) holds hardly more."""
CALL_S = 10.0
"""For each question to a broker, such as for an end; whoever asked tries again or says so."""
STALL_S = 30.0
"""Reading that makes no progress for so long is given up; the caller may try again later."""


class Span(NamedTuple):
    """Part of one partition: offsets from `start` to just before `end`."""

    topic: str
    partition: int
    start: int
    end: int


class TopicReader:
    """
    Reads partitions. Blocking; what is held in memory does not grow with the topic.

    Every method raises BrokerUnavailable where the broker does not answer, or where nothing came
    for `stall_s`: half of what lies there is never taken for all of it.
    """

    def __init__(
        self,
        config: KafkaConfig,
        stall_s: float = STALL_S,
        *,
        isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
        on_error: Callable[[object], None] = ignore,
    ) -> None:
        self._config = config
        self._on_error = on_error
        self._properties = properties.reader(config, on_error) | {"isolation.level": isolation}
        self._isolation = IsolationLevel[isolation.upper()]
        self._stall_s = stall_s
        self._is_stopped = False

    def stop(self) -> None:
        """Whatever is being read is given up within a moment."""
        self._is_stopped = True

    def is_there(self) -> bool:
        """Whether any broker answers."""
        try:
            with self._consumer("the brokers") as consumer:
                consumer.list_topics(timeout=CALL_S)
        except BrokerUnavailable:
            return False
        return True

    def ends(self, outputs: Iterable[tuple[str, int]]) -> dict[Output, int]:
        """The end offset of each partition; those that the broker does not have are left out."""
        with (
            self._naming("end offsets"),
            AdminClient(properties.common(self._config, self._on_error)) as admin,
        ):
            counts = {
                name: len(topic.partitions)
                for name, topic in admin.list_topics(timeout=CALL_S).topics.items()
                if topic.error is None
            }
            asked = {
                TopicPartition(topic, number): OffsetSpec.latest()  # type: ignore[no-untyped-call]
                for topic, number in outputs
                if number < counts.get(topic, 0)
            }
            if not asked:
                return {}
            # One request for each broker; a consumer would ask twice for each partition.
            found = admin.list_offsets(
                asked, isolation_level=self._isolation, request_timeout=CALL_S
            )
            ends = {Output(tp.topic, tp.partition): f.result().offset for tp, f in found.items()}
        silent = sorted({output.topic for output, end in ends.items() if end < 0})
        if silent:
            # Of a leader that does not answer the client says so, and calls it no error. Taken for
            # an end it would hide all that lies there, and messages would be judged again.
            raise BrokerUnavailable(
                f"end offsets cannot be read: no leader answers for {', '.join(silent)}"
            )
        return ends

    def spans(self, topic: str, partitions: int, starts: Mapping[int, int] = {}) -> list[Span]:
        """Every partition from its start, or from the oldest record left, to its end now."""
        with self._consumer(f"the offsets of {topic}") as consumer:
            found: list[Span] = []
            for number in range(partitions):
                low, high = _bounds(consumer, topic, number)
                found.append(Span(topic, number, max(low, starts.get(number, 0)), high))
            return found

    def starts_at(self, topic: str, partitions: int, moment_ms: int) -> dict[int, int]:
        """The first offset of each partition at or after a time, in ms since 1970, or its end."""
        found = self.offsets_at([Output(topic, number) for number in range(partitions)], moment_ms)
        return {output.partition: offset for output, offset in found.items()}

    def offsets_at(self, outputs: Iterable[Output], timestamp_ms: int) -> dict[Output, int]:
        """The first offset of each whose record is not older; its end where there is none."""
        found: dict[Output, int] = {}
        with self._consumer("offsets by time") as consumer:
            for output in outputs:
                low, high = _bounds(consumer, *output)
                asked = TopicPartition(output.topic, output.partition, timestamp_ms)
                (at,) = consumer.offsets_for_times([asked], timeout=CALL_S)
                if at.error is not None:
                    raise KafkaException(at.error)
                found[output] = at.offset
                if at.offset < 0:
                    last_ms = self.timestamp_ms(Partition(*output), high - 1) if high > low else 0
                    # Some brokers know no look-up by time and answer as if there were nothing.
                    found[output] = low if (last_ms or 0) >= timestamp_ms else high
        return found

    def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        """The timestamp of the first record at or after an offset; None where there is none."""
        with closing(self._tail(Output(*partition), offset, batch=1)) as messages:
            first = next(messages, None)
        return first.timestamp()[1] if first is not None else None

    def _tail(
        self, output: Output, floor: int, end: int | None = None, batch: int = BATCH
    ) -> Generator[KafkaMessage, None, None]:
        """All of a partition from `floor` to `end`, or to the end as it is now; none an error."""
        with self._consumer(f"the tail of {output.topic}") as consumer:
            low, high = _bounds(consumer, *output)
            span = Span(*output, max(floor, low, 0), high if end is None else end)
            for messages in self._read(consumer, [span], batch):
                yield from messages

    def records(self, spans: Sequence[Span]) -> Iterator[list[Record]]:
        """The records of the spans in batches, each partition's in order."""
        if any(span.start < span.end for span in spans):
            with self._consumer(", ".join(sorted({span.topic for span in spans}))) as consumer:
                for messages in self._read(consumer, spans, BATCH):
                    yield [record_of(message) for message in messages]

    def record(self, position: Position) -> Record | None:
        """The record there; None where it is no longer, or not yet, on its topic."""
        topic, partition, offset = position
        output = Output(topic, partition)
        if offset >= self.ends([output]).get(output, 0):
            return None
        with closing(self._tail(output, offset, offset + 1, batch=1)) as messages:
            found = next(messages, None)
        record = None if found is None else record_of(found)
        return record if record is not None and record.position == position else None

    def _read(
        self, consumer: Consumer, spans: Sequence[Span], batch: int
    ) -> Iterator[list[KafkaMessage]]:
        spans = [span for span in spans if span.start < span.end]
        ends = {(span.topic, span.partition): span.end for span in spans}
        if ends:
            consumer.assign([TopicPartition(s.topic, s.partition, s.start) for s in spans])
        moved_s = time.monotonic()
        while ends:
            if self._is_stopped:
                raise BrokerUnavailable("reading was stopped")
            left = len(ends)
            found = _within(consumer, ends, batch)
            if found or len(ends) < left:
                yield found
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > self._stall_s:
                topics = ", ".join(sorted({topic for topic, _ in ends}))
                raise BrokerUnavailable(
                    f"reading {topics} made no progress for {self._stall_s:g} s"
                )

    def _consumer(self, what: str) -> AbstractContextManager[Consumer]:
        return reading(self._properties, what)

    def _naming(self, what: str) -> AbstractContextManager[None]:
        return naming(what, self._properties["group.id"])


@contextmanager
def reading(of_reader: Properties, what: str) -> Iterator[Consumer]:
    """A consumer for a while; what the library says of it is BrokerUnavailable, naming `what`."""
    consumer = Consumer(of_reader)
    try:
        with naming(what, of_reader["group.id"]):
            yield consumer
    finally:
        consumer.close()


@contextmanager
def naming(what: str, group: str) -> Iterator[None]:
    """What the library says is BrokerUnavailable, naming `what` could not be read."""
    try:
        yield
    except KafkaException as error:
        raise unreadable(what, error, group) from error


def unreadable(what: str, error: KafkaException, group: str) -> BrokerUnavailable:
    """The error for whatever cannot be read now: what, why, and what to look at."""
    why = error.args[0].str()
    return BrokerUnavailable(
        f"{what} cannot be read: {why}. Check the brokers, and this user's right to read the topic "
        f"and to use the group {group}"
    )


def _bounds(consumer: Consumer, topic: str, number: int) -> tuple[int, int]:
    """The oldest offset left of a partition, and its end."""
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=CALL_S)
    return low, high


def _within(consumer: Consumer, ends: dict[tuple[str, int], int], count: int) -> list[KafkaMessage]:
    """The next messages before the ends; a partition that reached its end is left out of `ends`."""
    batch: list[KafkaMessage] = []
    # The first is waited for, the rest is taken as it lies.
    messages = consumer.consume(1, 0.1)
    if messages and count > 1:
        messages += consumer.consume(count - 1, 0)
    for message in messages:
        topic, partition, offset = cast(
            "tuple[str, int, int]", (message.topic(), message.partition(), message.offset())
        )
        end = ends.get((topic, partition))
        error = message.error()
        if error is None:
            # The offset of the next record, should there be one.
            reached = offset + 1
            if end is not None and reached <= end:
                batch.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            # Transaction markers and compacted records take up offsets at the end and never come.
            # A new leader may show less than its predecessor did: then it is no end.
            reached = offset
        else:
            raise KafkaException(error)
        if end is not None and reached >= end:
            del ends[topic, partition]
            if ends:
                # A partition that is still being written would be read on and on.
                consumer.pause([TopicPartition(topic, partition)])
    return batch
