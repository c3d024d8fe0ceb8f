"""A dead letter read back, and the record that it is sent again as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.dead_letters.letter import (
    Letter,
    LetterState,
    Mark,
    mark_key,
    marked,
    printable,
    read_letter,
    retry_of,
)
from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.messages.retry import handed_on
from consumer.errors import UndecodableMessage
from consumer.interfaces import Publication
from consumer.pipeline.dead_letters import DeadLetterEncoder, without_value
from tests.builders import a_record

ERROR = UndecodableMessage("no_text", "none of /text is present")
PLACE = Position("chat.dead-letter", 1, 3)


def a_letter_of(
    record: Record, group: str = "g", *, spring_names: bool = False, is_small: bool = False
) -> Record:
    """The letter of a record as it lies on its topic."""
    encoder = DeadLetterEncoder(group, "w", spring_names)
    letter = encoder.letter(record, ERROR, PLACE.topic, 1, "chat")
    if is_small:
        letter = without_value(letter)
    return Record(PLACE, 1_000, letter.key, letter.value, letter.headers)


def read(record: Record, group: str = "g") -> Letter:
    letter = read_letter(record, "chat", group)
    assert letter is not None
    return letter


def on_chat(headers: Headers = (), topic: str = "chat", key: bytes | None = b"k") -> Record:
    return a_record(b"value", headers, key=key, position=Position(topic, 1, 7))


def test_a_letter_says_what_its_headers_say() -> None:
    """Position, reason, error, attempts, and where it lies."""
    letter = read(a_letter_of(on_chat(), "g\u00fc"), "g\u00fc")
    assert letter == Letter(
        place=PLACE,
        position=Position("chat", 1, 7),
        source="chat",
        first=Position("chat", 1, 7),
        reason="no_text",
        error="UndecodableMessage: none of /text is present",
        attempts=1,
        key=b"k",
        written_ms=1_000,
        value_bytes=None,
    )


def test_what_is_no_letter_of_ours() -> None:
    """Another group's, another input's, and what somebody else wrote there."""
    letter = a_letter_of(on_chat())
    assert read_letter(letter, "chat", "other") is None
    assert read_letter(letter, "mail", "g") is None
    forged = letter._replace(headers=tuple(h for h in letter.headers if "reason" not in h[0]))
    assert read_letter(forged, "chat", "g") is None
    assert read_letter(a_record(), "chat", "g") is None


@pytest.mark.parametrize("spring_names", [False, True])
@pytest.mark.parametrize("key", [None, b"", b"\xff"])
def test_a_retry_is_the_record_it_was(key: bytes | None, spring_names: bool) -> None:
    """Key, value, partition and headers, a producer's own `kafka_dlt-` ones too; ours are gone."""
    headers: Headers = (("a", b"1"), ("a", None), ("kafka_dlt-original-topic", b"theirs"))
    letter = a_letter_of(on_chat(headers, key=key), spring_names=spring_names)
    retry = retry_of(letter, read(letter), "chat.retry")
    ours: Headers = (("safeguard-first-position", b"chat/1/7"), ("safeguard-attempts", b"2"))
    assert retry == Publication("chat.retry", 1, key, b"value", headers + ours)


def test_a_renamed_header_stays_renamed() -> None:
    """What a producer forged cannot come back as ours by way of a retry."""
    letter = a_letter_of(on_chat((("safeguard-first-position", b"chat/1/0"),)))
    retry = retry_of(letter, read(letter), "chat.retry")
    assert retry.headers[0] == ("upstream-safeguard-first-position", b"chat/1/0")
    again = Record(Position("chat.retry", 1, 0), 0, retry.key, retry.value, retry.headers)
    assert handed_on(again, "chat") == [("upstream-safeguard-first-position", b"chat/1/0")]


def test_a_retry_that_dies_again_keeps_its_first_position() -> None:
    """Its letter lies at its own position, names the first, and counts the attempts."""
    letter = a_letter_of(on_chat())
    for number in (2, 3):
        retry = retry_of(letter, read(letter), "chat.retry")
        position = Position("chat.retry", 1, number)
        letter = a_letter_of(Record(position, 0, retry.key, retry.value, retry.headers))
        found = read(letter)
        assert (found.position, found.source) == (position, "chat")
        assert found.first == Position("chat", 1, 7)
        assert found.attempts == number
        assert not [name for name, _ in letter.headers if name.startswith("upstream-")]
        assert dict(letter.headers)["safeguard-first-position"] == b"chat/1/7"


def test_a_letter_of_a_retry_without_a_first_position() -> None:
    """A stranger wrote to the retry topic: no first position is made up."""
    letter = a_letter_of(on_chat(topic="chat.retry"))
    assert read(letter).first is None
    assert retry_of(letter, read(letter), "chat.retry").headers == (("safeguard-attempts", b"2"),)


def test_a_value_left_out_is_known() -> None:
    """A small letter keeps the value's size and the first position; an input's header of that
    name says nothing."""
    retried = on_chat((("safeguard-first-position", b"chat/1/2"),), "chat.retry")
    small = a_letter_of(retried, is_small=True)
    assert read(small).value_bytes == 5
    assert read(small).first == Position("chat", 1, 2)
    forged = a_letter_of(on_chat((("safeguard-value-bytes", b"5"),)))
    assert read(forged).value_bytes is None


def test_marks_are_read_as_they_are_written() -> None:
    """A mark comes back the same; what is none is none, and its letter stays open."""
    mark = Mark(LetterState.RETRIED, 1_767_225_600_123, 2)
    assert Mark.decode(mark.encode()) == mark
    for value in (None, b"", b"{", b"[]", b"1", b'{"state": "eaten"}'):
        assert Mark.decode(value) is None


@given(st.text(min_size=1), st.integers(0, 99), st.integers(0, 99))
def test_a_marks_key_names_group_and_position(group: str, partition: int, offset: int) -> None:
    """And another group's key is not taken for this one's."""
    position = Position("chat", partition, offset)
    key = mark_key(group, position)
    assert marked(key, group) == position
    assert marked(key, group + "x") is None
    assert marked(None, group) is None


@given(st.binary())
def test_what_is_printed_obeys_nobody(content: bytes) -> None:
    """No control character reaches the terminal."""
    assert printable(content).isprintable()
    assert printable(None) == "(null)"


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (b"7", 7),
        (b"9" * 19, 10**19 - 1),
        (b"1" + b"0" * 19, None),
        (b"many", None),
        (b"", None),
        (None, None),
    ],
)
def test_a_count_has_so_many_digits_and_else_there_is_none(
    said: bytes | None, count: int | None
) -> None:
    """Who was tried as often as nobody can say was tried once."""
    letter = a_letter_of(on_chat())
    ours = [(name, value) for name, value in letter.headers if name != "safeguard-attempts"]
    more: Headers = (("safeguard-attempts", said), ("safeguard-value-bytes", said))
    found = read(letter._replace(headers=(*ours, *more)))
    assert (found.attempts, found.value_bytes) == (count or 1, count)
