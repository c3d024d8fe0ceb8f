"""
Letter: a dead letter as it is read back, what became of it, and the record it is sent again as.

Pure. A letter keeps no value: there may be many, and only what is sent or shown is read whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from consumer.commands.terminal import visible
from consumer.domain.binding import RETRY
from consumer.domain.messages.message import Position, Record
from consumer.domain.messages.retry import ATTEMPTS, FIRST_POSITION, retry_headers
from consumer.domain.verdicts.headers import percent, rfc3339
from consumer.interfaces import Publication
from consumer.pipeline.dead_letters import REASON, VALUE_BYTES, ours_from


@dataclass(frozen=True, slots=True)
class Letter:
    """What one dead letter says of its record."""

    place: Position
    """Where the letter lies."""
    position: Position
    """Of the record that died: on the input, or on its retry topic."""
    source: str
    """The input, also for a record that died on the retry topic."""
    first: Position | None
    """Where the record was first consumed on the input; None where nobody knows."""
    reason: str
    error: str
    attempts: int
    key: bytes | None
    written_ms: int
    """When the letter was written, in ms since 1970."""
    value_bytes: int | None
    """Size of a value that was too large and left out; None where the value is there."""


class LetterState(StrEnum):
    """What became of a letter."""

    OPEN = "open"
    RETRIED = "retried"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was done to a letter, as `safeguard.dead-letters` keeps it."""

    state: LetterState
    at_ms: int
    attempts: int

    def encode(self) -> bytes:
        at = rfc3339(self.at_ms)
        return orjson.dumps({"state": self.state, "at": at, "attempts": self.attempts})

    @classmethod
    def decode(cls, value: bytes | None) -> Mark | None:
        """The mark, or None for what is none: then its letter counts as open."""
        try:
            fields = orjson.loads(value or b"")
            at_ms = int(datetime.fromisoformat(fields["at"]).timestamp() * 1_000)
            return cls(LetterState(fields["state"]), at_ms, int(fields["attempts"]))
        except (ValueError, KeyError, TypeError):
            return None


def mark_key(group: str, position: Position) -> bytes:
    """The key of a letter's mark; the position holds no space, so the two are told apart."""
    return f"{group} {position}".encode()


def marked(key: bytes | None, group: str) -> Position | None:
    """The position that a mark of this group is about, or None for what is none."""
    text = (key or b"").decode("utf-8", "replace")
    return Position.parse(text.removeprefix(group + " ")) if text.startswith(group + " ") else None


def read_letter(record: Record, source: str, group: str) -> Letter | None:
    """
    The letter that a record of a dead-letter topic is, or None.

    None is for what this group did not write about this input: inputs may share a dead-letter
    topic, and each group has its own letters.
    """
    ours = dict(record.headers[ours_from(record.headers) :])
    if ours.get("safeguard-group") != percent(group):
        return None
    position = Position.parse(_text(ours.get("safeguard-position")))
    if position is None or position.topic not in (source, source + RETRY):
        return None
    first = position
    if position.topic != source:
        first = Position.parse(_text(ours.get(FIRST_POSITION))) or position
    return Letter(
        place=record.position,
        position=position,
        source=source,
        first=first if first.topic == source else None,
        reason=_text(ours.get(REASON)),
        error=_text(ours.get("safeguard-error")),
        attempts=_count(ours.get(ATTEMPTS)) or 1,
        key=record.key,
        written_ms=record.timestamp_ms,
        value_bytes=_count(ours.get(VALUE_BYTES)),
    )


def retry_of(record: Record, letter: Letter, topic: str) -> Publication:
    """
    The record that the letter's was, to be judged once more.

    Key, value and partition are the record's, and so are the headers but for the producer's own
    `safeguard-*`: they were renamed `upstream-safeguard-*` and stay so, lest they pass for ours.
    """
    headers = record.headers[: ours_from(record.headers)]
    ours = retry_headers(letter.first, letter.attempts)
    return Publication(topic, record.position.partition, record.key, record.value, headers + ours)


def printable(content: bytes | None) -> str:
    """Bytes of anybody's on a terminal: text as it is, the rest escaped, so nothing is obeyed."""
    if content is None:
        return "(null)"
    return visible(content.decode("utf-8", "backslashreplace"))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "backslashreplace")


def _count(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= 19 else None
