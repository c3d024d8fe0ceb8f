"""
A record that can never be judged -> its dead letter: the record untouched, and why.

Pure. A dead letter that does not fit its topic becomes the same record without its value; that one
always fits, so it is never a loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from consumer.domain.messages.message import Headers, Record
from consumer.domain.messages.retry import (
    ATTEMPTS,
    FIRST_POSITION,
    attempts,
    first_position,
    handed_on,
)
from consumer.domain.verdicts.headers import percent
from consumer.errors import Rejected
from consumer.interfaces import Publication

ERROR_CHARS_MAX = 300
"""Of an error's words in a header, where they are to be read and not to be kept."""
REASON = "safeguard-dead-letter-reason"
"""The first of our own headers on every dead letter."""
VALUE_BYTES = "safeguard-value-bytes"
VALUE_BLAKE2B = "safeguard-value-blake2b"


@dataclass(frozen=True, slots=True)
class DeadLetterEncoder:
    """How this worker signs its dead letters."""

    group: str
    worker: str
    spring_names: bool = False
    """Also write the `kafka_dlt-*` headers that Spring's tools read."""

    def letter(
        self,
        record: Record,
        error: Rejected,
        topic: str,
        term: int,
        origin: str | None = None,
        topic_id: str = "",
    ) -> Publication:
        """
        The dead letter of a record, for the dead-letter topic of its input.

        `origin` is that input where the record was taken from the input's retry topic, `topic_id`
        what the broker calls the topic it was taken from: made again it is another one.
        """
        position = record.position
        origin = origin or position.topic
        first = first_position(record, origin)
        headers = handed_on(record, origin)
        headers += [
            (REASON, error.reason.encode()),
            ("safeguard-error", _ascii(f"{type(error).__name__}: {error}")),
            ("safeguard-position", str(position).encode()),
            ("safeguard-timestamp-ms", b"%d" % record.timestamp_ms),
            (ATTEMPTS, b"%d" % attempts(record, origin)),
            ("safeguard-group", percent(self.group)),
            ("safeguard-term", b"%d" % term),
            ("safeguard-worker", percent(self.worker)),
        ]
        if topic_id:
            headers.append(("safeguard-topic-id", topic_id.encode()))
        if first is not None:
            headers.append((FIRST_POSITION, str(first).encode()))
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
    own = list(letter.headers[ours_from(letter.headers) :])
    own += [
        (VALUE_BYTES, b"%d" % len(value)),
        (VALUE_BLAKE2B, blake2b(value, digest_size=16).hexdigest().encode()),
    ]
    key = letter.key if letter.key is None or len(letter.key) <= 10_000 else None
    return letter._replace(key=key, value=None, headers=tuple(own))


def ours_from(headers: Headers) -> int:
    """
    Where our own headers begin on a dead letter, or how many there are where none is ours.

    Our own are the last ones; what the input brought stands before them and may be anything, but
    for this name: it was renamed.
    """
    names = [name for name, _ in headers]
    return names.index(REASON) if REASON in names else len(names)


def is_without_value(letter: Publication) -> bool:
    """Whether it has been made small; a tombstone's letter has no value and may be large."""
    return any(name == VALUE_BYTES for name, _ in letter.headers)


def _ascii(text: str) -> bytes:
    return text[:ERROR_CHARS_MAX].encode("ascii", "backslashreplace")
