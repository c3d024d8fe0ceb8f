"""A record is bytes with a position; a message is the contribution decoded from it."""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Position(NamedTuple):
    """Where a record lies: topic, partition and offset name it for ever."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Record(NamedTuple):
    """One record as Kafka holds it; nothing in it is trusted."""

    position: Position
    timestamp_ms: int
    """When it was written, in ms since 1970, or -1 where the broker keeps no time."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Message(NamedTuple):
    """One contribution of a user, ready to be judged."""

    position: Position
    timestamp_ms: int
    text: str
    """What is judged: never empty, at least one character that is not white space."""
    id: str
    """The producer's own id, or the position where it gives none."""
    author: str | None = None
    conversation: str | None = None
    language: str | None = None
    skipped: str | None = None
    """Which `skip_when` rule spares it from judgement, or None."""
