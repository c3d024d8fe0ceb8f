"""Dead letters: the record untouched, why it is one, and a form that fits any topic."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.decoding import UNREADABLE_HEADERS, DeadLetterReason, decode
from consumer.domain.messages.message import Headers, Record
from consumer.errors import MessageTooLarge, Rejected, UndecodableMessage
from consumer.interfaces import Publication
from consumer.pipeline.dead_letters import DeadLetterEncoder, without_value
from tests.builders import TIMESTAMP_MS, a_position, a_record

ENCODER = DeadLetterEncoder("safeguard", "host-1")
SPRING = DeadLetterEncoder("safeguard", "host-1", spring_names=True)
ERROR = UndecodableMessage(DeadLetterReason.NO_TEXT.value, "none of /text is present")
SMALL = 20_000
"""Bytes that any topic in use takes: Kafka's own default is fifty times as much."""


def a_letter(
    record: Record | None = None, encoder: DeadLetterEncoder = ENCODER, error: Rejected = ERROR
) -> Publication:
    return encoder.letter(record or a_record(), error, "chat.messages.dead-letter", 3)


def size(letter: Publication) -> int:
    return (
        len(letter.key or b"")
        + len(letter.value or b"")
        + sum(len(name.encode()) + len(value or b"") for name, value in letter.headers)
    )


def test_the_record_is_untouched() -> None:
    """Key, value, partition and headers are the input's, byte for byte and in order."""
    headers: Headers = (("a", b"\xff"), ("a", None), ("traceparent", b"t"))
    letter = a_letter(a_record(b"\xff\x00", headers, key=b"\xfe"))
    assert letter.topic == "chat.messages.dead-letter"
    assert (letter.partition, letter.key, letter.value) == (1, b"\xfe", b"\xff\x00")
    assert letter.headers[:3] == headers


def test_a_letter_says_why() -> None:
    """Reason, error, position, time and who wrote it are in headers of our own."""
    letter = a_letter()
    assert letter.headers == (
        ("safeguard-dead-letter-reason", b"no_text"),
        ("safeguard-error", b"UndecodableMessage: none of /text is present"),
        ("safeguard-position", b"chat.messages/1/7"),
        ("safeguard-timestamp-ms", str(TIMESTAMP_MS).encode()),
        ("safeguard-attempts", b"1"),
        ("safeguard-group", b"safeguard"),
        ("safeguard-term", b"3"),
        ("safeguard-worker", b"host-1"),
    )


def test_a_tombstone_stays_one() -> None:
    """A record without key and value has a dead letter without key and value."""
    letter = a_letter(a_record(None, key=None))
    assert (letter.key, letter.value) == (None, None)


def test_nobody_forges_a_letter() -> None:
    """Incoming headers with our prefix, in any case, are renamed and cannot pass for ours."""
    headers: Headers = (("safeguard-position", b"x/0/0"), ("SafeGuard-Error", b"forged"))
    letter = a_letter(a_record(headers=headers))
    assert letter.headers[:2] == (
        ("upstream-safeguard-position", b"x/0/0"),
        ("upstream-SafeGuard-Error", b"forged"),
    )
    ours = [value for name, value in letter.headers if name == "safeguard-position"]
    assert ours == [b"chat.messages/1/7"]


def test_unreadable_headers_are_left_a_trace() -> None:
    """Headers that the client could not read are told apart from none at all."""
    letter = a_letter(a_record(headers=UNREADABLE_HEADERS))
    assert letter.headers[0] == ("upstream-safeguard-unreadable-headers", None)


@given(st.text(max_size=2_000), st.text(max_size=20))
def test_our_headers_are_short_and_ascii(error: str, worker: str) -> None:
    """Whatever an error says, its header is ASCII and bounded."""
    encoder = DeadLetterEncoder("g\u00fc", worker, spring_names=True)
    letter = a_letter(encoder=encoder, error=UndecodableMessage("no_text", error))
    for _, value in letter.headers:
        assert value is not None
        assert len(value) <= 5_000
    for name in ("safeguard-error", "safeguard-group", "safeguard-worker"):
        assert dict(letter.headers)[name].isascii()  # type: ignore[union-attr]


def test_no_word_of_the_user() -> None:
    """The headers that we add quote nothing of what the user wrote."""
    record = a_record(b'{"text": {"xq7canary": 1}, "xq7canary": "xq7canary"}')
    with pytest.raises(UndecodableMessage) as caught:
        decode(record, MessageTerms())
    letter = a_letter(record, SPRING, caught.value)
    assert all(b"xq7canary" not in (value or b"") for _, value in letter.headers)


def test_spring_names_on_request() -> None:
    """The headers that Spring's tools read are written where asked for, in Spring's encoding."""
    names = dict(a_letter(encoder=SPRING).headers)
    assert names["kafka_dlt-original-topic"] == b"chat.messages"
    assert names["kafka_dlt-original-partition"] == b"\x00\x00\x00\x01"
    assert names["kafka_dlt-original-offset"] == b"\x00" * 7 + b"\x07"
    assert names["kafka_dlt-original-timestamp"] == TIMESTAMP_MS.to_bytes(8, "big")
    assert names["kafka_dlt-exception-fqcn"] == b"UndecodableMessage"
    assert names["kafka_dlt-exception-message"] == b"none of /text is present"
    assert not [name for name, _ in a_letter().headers if name.startswith("kafka_dlt-")]


def test_a_record_without_a_time() -> None:
    """The time -1, where the broker keeps none, is written as Kafka's tools write it."""
    letter = a_letter(a_record(timestamp_ms=-1), SPRING)
    assert dict(letter.headers)["safeguard-timestamp-ms"] == b"-1"
    assert dict(letter.headers)["kafka_dlt-original-timestamp"] == b"\xff" * 8


def test_the_form_without_value() -> None:
    """A letter too large for its topic keeps our headers, and the value's size and digest."""
    value = b"x" * 3_000_000
    small = without_value(a_letter(a_record(value, (("a", b"y" * 1_000_000),))))
    assert (small.key, small.value, small.partition) == (b"room-1", None, 1)
    names = dict(small.headers)
    assert names["safeguard-value-bytes"] == b"3000000"
    assert names["safeguard-value-blake2b"] == blake2b(value, digest_size=16).hexdigest().encode()
    assert names["safeguard-dead-letter-reason"] == b"no_text"
    assert "a" not in names


SIZES = st.none() | st.sampled_from([0, 9_999, 10_000, 10_001, 100_000])
FOREIGN = st.sampled_from(["a", "safeguard-x", "SAFEGUARD-X", "kafka_dlt-original-topic", ""])


def filled(size: int | None) -> bytes | None:
    return None if size is None else bytes(size)


@settings(deadline=None)
@given(st.lists(st.tuples(FOREIGN, SIZES), max_size=4), SIZES, SIZES, st.booleans())
def test_without_its_value_a_letter_always_fits(
    headers: list[tuple[str, int | None]],
    key: int | None,
    value: int | None,
    spring_names: bool,
) -> None:
    """Whatever a producer wrote into key, value and headers, the small form is small."""
    encoder = DeadLetterEncoder("g", "w", spring_names)
    incoming = tuple((name, filled(content)) for name, content in headers)
    record = a_record(filled(value), incoming, key=filled(key))
    small = without_value(encoder.letter(record, MessageTooLarge(), "t", 1))
    assert small.value is None
    assert size(small) <= SMALL
    assert dict(small.headers)["safeguard-position"] == str(a_position()).encode()


def test_foreign_spring_headers_are_not_ours() -> None:
    """A producer's own `kafka_dlt-` header does not hide what we say of the letter."""
    headers: Headers = (("kafka_dlt-original-topic", b"forged"),)
    small = without_value(a_letter(a_record(headers=headers), SPRING))
    found = [value for name, value in small.headers if name == "kafka_dlt-original-topic"]
    assert found == [b"chat.messages"]
