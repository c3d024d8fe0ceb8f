"""A record is bytes with a position; a message is the contribution decoded from it."""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

from consumer.domain.value import Value

Headers = tuple[tuple[str, bytes | None], ...]


class Position(NamedTuple):
    """Where a record lies: topic, partition and offset name it for ever."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that is written so, or None where the text is none, letter for letter."""
        topic, _, rest = text.partition("/")
        partition, _, offset = rest.partition("/")
        if not topic or not _is_number(partition, 10) or not _is_number(offset, 19):
            return None
        found = cls(topic, int(partition), int(offset))
        return found if str(found) == text else None


def _is_number(text: str, digits_max: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits_max


def age_ms(timestamp_ms: int, now_ms: int) -> int | None:
    """
    How old a record is; None where nobody knows.

    Kafka says -1 where there is no timestamp, and producers that set none may send 0.
    """
    return now_ms - timestamp_ms if timestamp_ms > 0 else None


class Record(Value, frozen=True):
    """One record as Kafka holds it; nothing in it is trusted."""

    position: Position
    timestamp_ms: int
    """When it was written, in ms since 1970, or -1 where the broker keeps no time."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Fact(NamedTuple):
    """Something that a record says about its author, such as the age of the account."""

    name: str
    """Where it stands in the record, as in `author/age_days`."""
    value: str


WhenEmpty = Literal["allow", "flag", "pass-over"]
"""What becomes of a record without a text, where it is no dead letter."""

MessageEvent = Literal["edit", "delete"]
"""What a later record does to a message: gives it another text, or takes it away."""


class Message(Value, frozen=True):
    """One contribution of a user, ready to be judged."""

    position: Position
    timestamp_ms: int
    text: str
    """
    What is judged: at least one character that can be seen. Empty only where `skipped`,
    `when_empty` or a deletion says that nothing is.
    """
    id: str
    """
    The producer's own id, or the position where it gives none. Of an edit and a deletion it is the
    id of the message that they are about.
    """
    author: str | None = None
    conversation: str | None = None
    language: str | None = None
    """As the record says."""
    skipped: str | None = None
    """Which `skip_when` rule spares it from judgement, or None."""
    facts: tuple[Fact, ...] = ()
    """About its author, where the topic's context asks for any."""
    when_empty: WhenEmpty | None = None
    """What becomes of it, as it has no text and no rule skips it; None where it has one."""
    unread: tuple[str, ...] = ()
    """
    Which of id, author, conversation, language and headers the record holds in no shape that can be
    read. The id is among them also where it is absent and the topic says where it stands.
    """
    event: MessageEvent | None = None
    """What it does to an earlier message; None where it is one of its own."""
    language_guess: str | None = None
    """What it is written in as its text looks, where the record does not say and the topic asks."""

    @property
    def written_in(self) -> str | None:
        """The language as the record says, else as it is guessed; what counts by language."""
        return self.language or self.language_guess
