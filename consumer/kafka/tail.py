"""Tail: what already lies on a partition, from an offset to an end; read outside any group."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.domain.envelope import percent
from consumer.domain.message import Position
from consumer.domain.provenance import TOPIC_ID, VERDICT_ID, is_of_topic
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Output, Partition
from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig

BATCH = 1_000
CALL_S = 10.0
STALL_S = 30.0
"""Reading that makes no progress for so long is given up; the caller tries again later."""

Look = Callable[[KafkaMessage], None]
Identity = tuple[str, ...]
"""Of a publication: the record's position, and what tells its topic from others of the name."""


def identity(headers: Mapping[str, bytes | None]) -> Identity:
    """The same for a publication and for what is found on its output."""
    return tuple(_text(headers.get(name)) for name in ("safeguard-position", VERDICT_ID, TOPIC_ID))


class TailReader:
    """
    Reads partitions. Blocking: use it in a thread of its own.

    Every method raises BrokerUnavailable where the broker does not answer.
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._group = percent(config.group)
        self._is_stopped = False

    def stop(self) -> None:
        """Whatever is being read is given up within a moment."""
        self._is_stopped = True

    def identities(self, topic: str, partition: int, floor: int) -> set[Identity]:
        """What this group published there at or after `floor`."""
        found: set[Identity] = set()

        def look(message: KafkaMessage) -> None:
            headers = _headers(message)
            if self._is_ours(headers):
                found.add(identity(headers))

        self.read(Output(topic, partition), floor, None, look)
        return found

    def offsets_of(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        """Offsets of the input partition for which this group published there; see `Tails`."""
        found: set[int] = set()
        prefix = f"{of.topic}/{of.number}/"

        def look(message: KafkaMessage) -> None:
            headers = _headers(message)
            position = _text(headers.get("safeguard-position"))
            if not position.startswith(prefix) or not self._is_ours(headers):
                return
            offset = position.removeprefix(prefix)
            if not offset.isdecimal():
                return
            at = Position(*of, int(offset))
            if is_of_topic(headers, at, source, self._config.group):
                found.add(at.offset)

        self.read(output, floor, end, look)
        return found

    def _is_ours(self, headers: dict[str, bytes | None]) -> bool:
        return (
            headers.get("safeguard-group") == self._group and "safeguard-supersedes" not in headers
        )

    def is_there(self) -> bool:
        """Whether any broker answers."""
        consumer = self._reader()
        try:
            consumer.list_topics(timeout=CALL_S)
        except KafkaException:
            return False
        finally:
            consumer.close()
        return True

    def ends(self, outputs: Iterable[tuple[str, int]]) -> dict[Output, int]:
        """The end offset of each partition; those that the broker does not have are left out."""
        consumer = self._reader()
        try:
            wanted = [Output(*output) for output in outputs]
            counts = {
                name: len(topic.partitions)
                for name, topic in consumer.list_topics(timeout=CALL_S).topics.items()
                if topic.error is None
            }
            return {
                output: consumer.get_watermark_offsets(TopicPartition(*output), timeout=CALL_S)[1]
                for output in wanted
                if output.partition < counts.get(output.topic, 0)
            }
        except KafkaException as error:
            raise BrokerUnavailable(f"end offsets cannot be read: {error}") from error
        finally:
            consumer.close()

    def offsets_at(self, outputs: Iterable[Output], timestamp_ms: int) -> dict[Output, int]:
        """The first offset of each whose record is not older; its end where there is none."""
        consumer = self._reader()
        try:
            found: dict[Output, int] = {}
            for output in outputs:
                low, high = consumer.get_watermark_offsets(TopicPartition(*output), timeout=CALL_S)
                (at,) = consumer.offsets_for_times(
                    [TopicPartition(output.topic, output.partition, timestamp_ms)], timeout=CALL_S
                )
                found[output] = at.offset
                if at.offset < 0:
                    last_ms = self.timestamp_ms(Partition(*output), high - 1) if high > low else 0
                    # Some brokers know no look-up by time and answer as if there were nothing.
                    found[output] = low if (last_ms or 0) >= timestamp_ms else high
            return found
        except KafkaException as error:
            raise BrokerUnavailable(f"offsets by time cannot be read: {error}") from error
        finally:
            consumer.close()

    def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        """The timestamp of the first record at or after an offset; None where there is none."""
        found: list[int] = []

        def look(message: KafkaMessage) -> None:
            found.append(message.timestamp()[1])
            raise StopIteration

        try:
            self.read(Output(*partition), offset, None, look, batch=1)
        except StopIteration:
            pass
        return found[0] if found else None

    def read(
        self, output: Output, floor: int, end: int | None, look: Look, batch: int = BATCH
    ) -> None:
        """Show every record from `floor` to `end`, or to the end as it is now."""
        consumer = self._reader()
        try:
            start = TopicPartition(*output)
            low, high = consumer.get_watermark_offsets(start, timeout=CALL_S)
            end = high if end is None else end
            start.offset = max(floor, low, 0)
            if start.offset >= end:
                return
            consumer.assign([start])
            moved_s = time.monotonic()
            while not self._is_stopped:
                # The first is waited for, the rest is taken as it lies.
                messages = consumer.consume(1, 0.1)
                if messages and batch > 1:
                    messages += consumer.consume(batch - 1, 0)
                for message in messages:
                    error = message.error()
                    if error is None:
                        if (message.offset() or 0) >= end:
                            return
                        look(message)
                        if (message.offset() or 0) >= end - 1:
                            return
                    elif error.code() == KafkaError._PARTITION_EOF:
                        # A transaction's marker may be last: then this shows the end, no record.
                        # A new leader may show less than its predecessor did: then it is no end.
                        if (message.offset() or 0) >= end:
                            return
                    else:
                        raise BrokerUnavailable(f"a tail cannot be read: {error.str()}")
                if messages:
                    moved_s = time.monotonic()
                elif time.monotonic() - moved_s > STALL_S:
                    raise BrokerUnavailable(f"reading {output.topic} made no progress")
            raise BrokerUnavailable("reading was stopped")
        except KafkaException as error:
            raise BrokerUnavailable(f"a tail cannot be read: {error}") from error
        finally:
            consumer.close()

    def _reader(self) -> Consumer:
        # Ours are in no transaction. Committed reading would stop at the first open transaction of
        # anybody else on a shared output, and what we published behind it would not be seen.
        uncommitted = {"isolation.level": "read_uncommitted"}
        return Consumer(properties.reader(self._config, _ignore) | uncommitted)


def _headers(message: KafkaMessage) -> dict[str, bytes | None]:
    """By name; of those that come twice the last, since ours follow what the input brought."""
    try:
        found = cast("list[tuple[str, str | bytes | None]]", message.headers() or [])
        return {name: _bytes(value) for name, value in found}
    except UnicodeDecodeError:
        return {}


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace")


def _ignore(_error: object) -> None:
    """The caller sees failures where they matter; the client's own commentary is left out."""
