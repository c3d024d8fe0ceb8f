"""
A record that can never be judged -> its dead letter: the record untouched, and why.

Pure. A dead letter that does not fit its topic becomes the same record without its value; that one
always fits, so it is never a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from consumer.domain.envelope import percent, renamed
from consumer.domain.message import Record
from consumer.errors import Rejected
from consumer.interfaces import Publication

ERROR_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """How this worker signs its dead letters."""

    group: str
    worker: str
    spring_names: bool = False
    """Also write the `kafka_dlt-*` headers that Spring's tools read."""
    topic_ids: Mapping[str, str] = field(default_factory=dict)
    """The broker's id of each input, where it gives one: a topic made again is another one."""

    def letter(self, record: Record, error: Rejected, topic: str, term: int) -> Publication:
        """The dead letter of a record, for the dead-letter topic of its input."""
        position = record.position
        headers = renamed(record.headers)
        headers += [
            ("safeguard-dead-letter-reason", error.reason.encode()),
            ("safeguard-error", _ascii(f"{type(error).__name__}: {error}")),
            ("safeguard-position", str(position).encode()),
            ("safeguard-timestamp-ms", b"%d" % record.timestamp_ms),
            ("safeguard-attempts", b"1"),
            ("safeguard-group", percent(self.group)),
            ("safeguard-term", b"%d" % term),
            ("safeguard-worker", percent(self.worker)),
        ]
        topic_id = self.topic_ids.get(position.topic)
        if topic_id:
            headers.append(("safeguard-topic-id", topic_id.encode()))
        if self.spring_names:
            headers += [
                ("kafka_dlt-original-topic", position.topic.encode()),
                ("kafka_dlt-original-partition", position.partition.to_bytes(4, "big")),
                ("kafka_dlt-original-offset", position.offset.to_bytes(8, "big")),
                ("kafka_dlt-original-timestamp", (record.timestamp_ms % 2**64).to_bytes(8, "big")),
                ("kafka_dlt-exception-fqcn", type(error).__name__.encode()),
                ("kafka_dlt-exception-message", _ascii(str(error))),
            ]
        return Publication(topic, position.partition, record.key, record.value, tuple(headers))


def without_value(letter: Publication) -> Publication:
    """The same letter, small enough for any topic: no value, no foreign headers, a short key."""
    value = letter.value or b""
    # Our own are the last ones; what the input brought stands before them and may be anything.
    ours = [name for name, _ in letter.headers].index("safeguard-dead-letter-reason")
    own = list(letter.headers[ours:])
    own += [
        ("safeguard-value-bytes", b"%d" % len(value)),
        ("safeguard-value-blake2b", blake2b(value, digest_size=16).hexdigest().encode()),
    ]
    key = letter.key if letter.key is None or len(letter.key) <= 10_000 else None
    return letter._replace(key=key, value=None, headers=tuple(own))


def is_without_value(letter: Publication) -> bool:
    """Whether it has been made small; a tombstone's letter has no value and may be large."""
    return any(name == "safeguard-value-bytes" for name, _ in letter.headers)


def _ascii(text: str) -> bytes:
    return text[:ERROR_CHARS_MAX].encode("ascii", "backslashreplace")
