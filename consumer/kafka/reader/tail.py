"""Tail: what this group published already, read from an output's end."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Message as KafkaMessage

from consumer.domain.messages.message import Position
from consumer.domain.messages.retry import SUPERSEDES
from consumer.domain.verdicts.headers import percent
from consumer.domain.verdicts.provenance import TOPIC_ID, VERDICT_ID, is_of_topic
from consumer.interfaces import Output, Partition
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import TopicReader
from consumer.kafka.record import headers_of

Identity = tuple[str, ...]
"""Of a publication: the record's position, and what tells its topic from others of the name."""


def identity(headers: Mapping[str, bytes | None]) -> Identity:
    """The same for a publication and for what is found on its output."""
    return tuple(_text(headers.get(name)) for name in ("safeguard-position", VERDICT_ID, TOPIC_ID))


class TailReader(TopicReader):
    """Reads outputs as far as they are written. Blocking: use it in a thread of its own."""

    def __init__(self, config: KafkaConfig) -> None:
        # Ours are in no transaction. Committed reading would stop at the first open transaction of
        # anybody else on a shared output, and what we published behind it would not be seen.
        super().__init__(config, isolation="read_uncommitted")
        self._group = config.group
        self._said_group = percent(config.group)

    def identities(self, topic: str, partition: int, floor: int) -> set[Identity]:
        """What this group published there at or after `floor`."""
        found: set[Identity] = set()
        for message in self._tail(Output(topic, partition), floor):
            headers = _headers(message)
            if self._is_ours(headers):
                found.add(identity(headers))
        return found

    def offsets_of(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        """Offsets of the input partition for which this group published there; see `Tails`."""
        found: set[int] = set()
        prefix = f"{of.topic}/{of.number}/"
        for message in self._tail(output, floor, end):
            headers = _headers(message)
            position = _text(headers.get("safeguard-position"))
            if not position.startswith(prefix) or not self._is_ours(headers):
                continue
            offset = position.removeprefix(prefix)
            if offset.isdecimal():
                # A second judgement supersedes a verdict too, and is the first on its record: what
                # is said of a record again has another id.
                at = Position(*of, int(offset))
                if is_of_topic(headers, at, source, self._group):
                    found.add(at.offset)
        return found

    def _is_ours(self, headers: Mapping[str, bytes | None]) -> bool:
        # What supersedes and has no id is no worker's.
        is_verdict = SUPERSEDES not in headers or VERDICT_ID in headers
        return is_verdict and headers.get("safeguard-group") == self._said_group


def _headers(message: KafkaMessage) -> dict[str, bytes | None]:
    """By name; of those that come twice the last, since ours follow what the input brought."""
    return dict(headers_of(message))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace")
