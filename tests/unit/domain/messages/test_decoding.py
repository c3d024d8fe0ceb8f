"""Record -> message: whatever a producer wrote, it is a message or a named reason why not."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.blank import is_blank
from consumer.domain.messages.decoding import (
    UNREADABLE_HEADERS,
    DeadLetterReason,
    decode,
)
from consumer.domain.messages.documents import TOLERANT_BYTES_MAX
from consumer.domain.messages.language import LanguageTerms
from consumer.domain.messages.message import Fact, Headers, Message, Record
from consumer.domain.messages.rules import EventRule, EventTerms, Pointer, SkipRule
from consumer.errors import MessageTooLarge, PoisonMessage, UndecodableMessage, UnknownMessage
from tests.builders import TIMESTAMP_MS, a_position, a_record, a_record_of

PLAIN = MessageTerms()
TITLE_AND_BODY = MessageTerms(text=(("title",), ("body",)))
FULL = MessageTerms(id=("id",), author=("author", "id"), conversation=("room",), language=("lang",))
EVENTS = MessageTerms(format="cloudevents")
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
BINARY: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"event-1"),
    ("content-type", b"application/json"),
)


def refusal(record: Record, reading: MessageTerms = PLAIN) -> UndecodableMessage:
    with pytest.raises(UndecodableMessage) as caught:
        decode(record, reading)
    return caught.value


def outcome(record: Record, reading: MessageTerms) -> Message | UndecodableMessage:
    """The message, or why there is none."""
    try:
        return decode(record, reading)
    except UndecodableMessage as error:
        return error


def reason(value: bytes | None, reading: MessageTerms = PLAIN, headers: Headers = ()) -> str:
    return refusal(a_record(value, headers), reading).reason


# Every reason.

REASONS: dict[str, tuple[DeadLetterReason, Record, MessageTerms]] = {
    "no value": (DeadLetterReason.TOMBSTONE, a_record(None), MessageTerms()),
    "no value, as text": (DeadLetterReason.TOMBSTONE, a_record(None), MessageTerms(format="text")),
    "invalid UTF-8 in JSON": (
        DeadLetterReason.NOT_UTF8,
        a_record(b'{"text":"\xff"}'),
        MessageTerms(),
    ),
    "invalid UTF-8 as text": (
        DeadLetterReason.NOT_UTF8,
        a_record(b"\xc3("),
        MessageTerms(format="text"),
    ),
    "overlong UTF-8": (DeadLetterReason.NOT_UTF8, a_record(b'{"text":"\xc0\xaf"}'), MessageTerms()),
    "UTF-16 without a mark": (
        DeadLetterReason.NOT_JSON,
        a_record('{"text":"x"}'.encode("utf-16-le")),
        MessageTerms(),
    ),
    "half a character in UTF-16": (
        DeadLetterReason.NOT_UTF8,
        a_record('{"text":"x"}'.encode("utf-16")[:-1]),
        MessageTerms(),
    ),
    "UTF-16 as text": (
        DeadLetterReason.NOT_UTF8,
        a_record(b"\xff\xfeh"),
        MessageTerms(format="text"),
    ),
    "Latin-1": (DeadLetterReason.NOT_UTF8, a_record(b'{"text":"caf\xe9"}'), MessageTerms()),
    "an invalid byte in the text and another before it": (
        DeadLetterReason.NOT_UTF8,
        a_record(b'{"a":"\xff","text":"\xfe"}'),
        MessageTerms(),
    ),
    "a surrogate as bytes": (
        DeadLetterReason.NOT_UTF8,
        a_record(b'{"text":"\xed\xa0\x80"}'),
        MessageTerms(),
    ),
    "no bytes": (DeadLetterReason.NOT_JSON, a_record(b""), MessageTerms()),
    "no JSON": (DeadLetterReason.NOT_JSON, a_record(b"hello"), MessageTerms()),
    "two documents": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x"}{}'), MessageTerms()),
    "half a document": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x'), MessageTerms()),
    "NaN as text": (DeadLetterReason.WRONG_SHAPE, a_record(b'{"text":NaN}'), MessageTerms()),
    "an endless number as text": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":' + b"9" * 100_000 + b"}"),
        MessageTerms(),
    ),
    "two documents, one of them odd": (
        DeadLetterReason.NOT_JSON,
        a_record(b'{"text":"x","n":NaN}{"text":"y"}'),
        MessageTerms(),
    ),
    "an odd document of more than a megabyte": (
        DeadLetterReason.NOT_JSON,
        a_record(b'{"text":"x","n":NaN,"a":"' + b"a" * TOLERANT_BYTES_MAX + b'"}'),
        MessageTerms(),
    ),
    "brackets without end": (DeadLetterReason.NOT_JSON, a_record(b"[" * 100_000), MessageTerms()),
    "a hundred thousand levels": (
        DeadLetterReason.NOT_JSON,
        a_record(b"[" * 100_000 + b"]" * 100_000),
        MessageTerms(),
    ),
    "a hundred thousand levels and a surrogate": (
        DeadLetterReason.NOT_JSON,
        a_record(b'{"a":' * 100_000 + b'"\\ud800"' + b"}" * 100_000),
        MessageTerms(),
    ),
    "a word": (DeadLetterReason.WRONG_SHAPE, a_record(b'"hello"'), MessageTerms()),
    "null": (DeadLetterReason.WRONG_SHAPE, a_record(b"null"), MessageTerms()),
    "a text that is a number": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":5}'),
        MessageTerms(),
    ),
    "a text that is a list": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":["x"]}'),
        MessageTerms(),
    ),
    "batched events": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b"[]", (("content-type", b"application/cloudevents-batch+json"),)),
        EVENTS,
    ),
    "no text": (DeadLetterReason.NO_TEXT, a_record(b'{"txt":"x"}'), MessageTerms()),
    "a text that is null": (DeadLetterReason.NO_TEXT, a_record(b'{"text":null}'), MessageTerms()),
    "a list": (DeadLetterReason.NO_TEXT, a_record(b'["x"]'), MessageTerms()),
    "an empty text": (DeadLetterReason.EMPTY_TEXT, a_record(b'{"text":""}'), MessageTerms()),
    "white space": (
        DeadLetterReason.EMPTY_TEXT,
        a_record(b'{"text":" \\n\\u2003"}'),
        MessageTerms(),
    ),
    "an empty value as text": (
        DeadLetterReason.EMPTY_TEXT,
        a_record(b""),
        MessageTerms(format="text"),
    ),
    "framed": (
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        a_record(b'\x00\x00\x00\x01\x02{"text":"x"}'),
        MessageTerms(),
    ),
    "framed Avro": (
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        a_record(b"\x00\x00\x00\x00\x07\x0ahello"),
        MessageTerms(),
    ),
    "headers that the client could not read": (
        DeadLetterReason.UNREADABLE_HEADERS,
        a_record(headers=UNREADABLE_HEADERS),
        EVENTS,
    ),
}


@pytest.mark.parametrize(("expected", "record", "reading"), REASONS.values(), ids=REASONS.keys())
def test_reasons(expected: DeadLetterReason, record: Record, reading: MessageTerms) -> None:
    """A record that is no message is refused with the reason that names what is wrong."""
    assert refusal(record, reading).reason == expected


def test_every_reason_is_reached() -> None:
    """The closed list holds no reason that nothing gives."""
    reached = {expected for expected, _, _ in REASONS.values()}
    others = {MessageTooLarge.reason, PoisonMessage.reason, UnknownMessage.reason}
    assert reached | others == set(DeadLetterReason)


def test_unreadable_headers_cannot_be_forged() -> None:
    """A producer that writes the same header by hand gets an ordinary message."""
    assert decode(a_record(headers=(("safeguard-unreadable-headers", None),)), MessageTerms()).text


def test_the_place_of_a_fault_is_named() -> None:
    """The error says where, in the words of `topic.toml`, and the schema id where there is one."""
    for written, kind in (
        (b"5", "a number"),
        (b"5.5", "a number"),
        (b"true", "a boolean"),
        (b"[]", "a list"),
        (b"{}", "an object"),
    ):
        error = refusal(a_record(b'{"text":' + written + b"}"))
        assert str(error).endswith(f"/text is no string: {kind}")
    assert "/title, /body" in str(refusal(a_record(b"{}"), TITLE_AND_BODY))
    assert "line 2" in str(refusal(a_record(b'{\n"text" 5}')))
    assert "byte 9" in str(refusal(a_record(b'{"text":"\xff"}')))
    assert "schema id 258" in str(refusal(a_record(b"\x00\x00\x00\x01\x02{}")))


# JSON.


def test_a_whole_message() -> None:
    """Text, id, author, conversation and language are read from where the pointers point."""
    record = a_record_of(
        {"text": "hi", "id": "m-9", "author": {"id": "u-9"}, "room": "lobby", "lang": "en"}
    )
    assert decode(record, FULL) == Message(
        a_position(), TIMESTAMP_MS, "hi", "m-9", "u-9", "lobby", "en"
    )


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"title": "A", "body": "B"}, "A\n\nB"),
        ({"title": None, "body": "B"}, "B"),
        ({"title": "A"}, "A"),
        ({"title": "", "body": "B"}, "B"),
        ({"body": "B", "title": "A", "text": "C"}, "A\n\nB"),
    ],
)
def test_several_fields_are_judged_together(document: object, text: str) -> None:
    """Title and body are one text in the pointers' order; absent and null ones are left out."""
    assert decode(a_record_of(document), TITLE_AND_BODY).text == text


def test_one_wrong_field_refuses_the_whole() -> None:
    """A body that is no string is not passed over, or its text would go unjudged."""
    assert reason(b'{"title":"A","body":{"t":"B"}}', TITLE_AND_BODY) == "wrong_shape"


def test_empty_fields_are_an_empty_text() -> None:
    """Fields that are all blank make an empty text, not a message of separators."""
    assert reason(b'{"title":" ","body":"\\n"}', TITLE_AND_BODY) == "empty_text"
    assert reason(b'{"title":"","body":""}', TITLE_AND_BODY) == "empty_text"


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (("a", "b"), "deep"),
        (("list", "1"), "second"),
        (("list", "2"), None),
        (("list", "-1"), None),
        (("list", "\u0662"), None),
        (("list", "9" * 30), None),
        (("list", "9" * 6_000), None),
        (("a/b",), "slash"),
        (("",), "empty"),
        (("a", "b", "c"), None),
        (("missing", "b"), None),
    ],
)
def test_pointers(pointer: Pointer, expected: str | None) -> None:
    """Pointers lead through objects and lists; one that leads nowhere finds nothing."""
    document = {"a": {"b": "deep"}, "list": ["first", "second"], "a/b": "slash", "": "empty"}
    if expected is None:
        assert refusal(a_record_of(document), MessageTerms(text=(pointer,))).reason == "no_text"
    else:
        assert decode(a_record_of(document), MessageTerms(text=(pointer,))).text == expected


@pytest.mark.parametrize(
    ("id_json", "expected"),
    [
        (b'"m-1"', "m-1"),
        (b"17", "17"),
        (b"0", "0"),
        (b"18446744073709551615", "18446744073709551615"),
        (b"null", str(a_position())),
        (b'""', str(a_position())),
        ('"\u00fc-\u4e16"'.encode(), "\u00fc-\u4e16"),
        (b'"\\ud800"', "\ufffd"),
    ],
)
def test_ids(id_json: bytes, expected: str) -> None:
    """An id is a string or an integer; without one, the position names the message."""
    record = a_record(b'{"text":"x","id":' + id_json + b"}")
    assert decode(record, FULL).id == expected


def test_an_id_as_long_as_may_be() -> None:
    """The bound on ids counts characters and includes its end."""
    record = a_record_of({"text": "x", "id": "\u00fc" * 1_024})
    assert decode(record, FULL).id == "\u00fc" * 1_024


def test_lone_surrogates_are_judged() -> None:
    """Half a character is marked as U+FFFD and the rest is judged; a whole pair stays itself."""
    assert decode(a_record(b'{"text":"die \\ud83d now"}'), MessageTerms()).text == "die \ufffd now"
    assert decode(a_record(b'{"text":"\\udc00"}'), MessageTerms()).text == "\ufffd"
    pair = a_record(b'{"text":"\\ud83d\\ude00 \\ud800"}')
    assert decode(pair, MessageTerms()).text == "\U0001f600 \ufffd"


def test_the_last_of_two_keys_counts() -> None:
    """Of a key that stands twice the last value is judged, as most readers of JSON take it."""
    assert decode(a_record(b'{"text":"a","text":"b"}'), MessageTerms()).text == "b"
    assert reason(b'{"text":"a","text":null}') == "no_text"
    surrogate = a_record(b'{"text":"a","x":"\\ud800","text":"b"}')
    assert decode(surrogate, MessageTerms()).text == "b"


def test_ten_megabytes_are_a_message() -> None:
    """The length of a text is the classifier's matter, not the decoder's."""
    text = "na\u00efve " * 1_500_000
    assert decode(a_record_of({"text": text}), MessageTerms()).text == text
    assert decode(a_record(text.encode()), MessageTerms(format="text")).text == text


def test_control_characters_survive() -> None:
    """NUL and other controls are part of the text: what is judged is what was written."""
    assert decode(a_record(b'{"text":"a\\u0000b"}'), MessageTerms()).text == "a\x00b"
    assert decode(a_record(b"a\x00b"), MessageTerms(format="text")).text == "a\x00b"


# Text.


def test_plain_text() -> None:
    """A text topic's value is the message; pointers for other facts find nothing."""
    reading = replace(FULL, format="text")
    message = decode(a_record(b'{"text": "hi"}'), reading)
    assert message.text == '{"text": "hi"}'
    assert (message.id, message.author) == (str(a_position()), None)


def test_text_is_never_taken_for_framed() -> None:
    """A leading NUL in plain text is text."""
    assert decode(a_record(b"\x00\x00\x00\x00\x01hi"), MessageTerms(format="text")).text.endswith(
        "hi"
    )


# Framing.


def test_framing_is_stripped_where_it_is_expected() -> None:
    """With the framing set, the five bytes are dropped, and a value without them is read too."""
    reading = MessageTerms(framing="schema-registry-json")
    assert decode(a_record(b'\x00\x00\x00\x00\x09{"text":"hi"}'), reading).text == "hi"
    assert decode(a_record(b'{"text":"hi"}'), reading).text == "hi"
    assert reason(b"\x00\x00\x00\x00\x09\x0aAvro", reading) == "not_json"
    assert reason(b"\x00\x00\x00\x00\x09", reading) == "not_json"


def test_a_short_value_is_not_framed() -> None:
    """Fewer than five bytes hold no schema id: the value is simply no JSON."""
    assert reason(b"\x00\x00\x00\x01") == "not_json"
    assert reason(b"\x00\x00\x00\x00\x01") == "schema_registry_framed"


def test_what_follows_a_frame_and_is_no_json_is_told_so() -> None:
    """The operator reads that the value is framed and what is not read."""
    reading = MessageTerms(framing="schema-registry-json")
    error = refusal(a_record(b"\x00\x00\x00\x00\x09\x0aAvro"), reading)
    assert "a Schema Registry prepends; Avro and Protobuf are not read" in str(error)


# Whatever stands beside the text.

ODD_IDS: dict[str, bytes] = {
    "a fraction": b"1.5",
    "a number beyond 64 bits": b"18446744073709551616",
    "a number without end": b"7" * 6_000,
    "a boolean": b"true",
    "a list": b"[1]",
    "an object": b'{"$oid":"507f"}',
    "NaN": b"NaN",
    "null": b"null",
    "nothing": b'""',
    "too long": b'"' + b"i" * (1_024 + 1) + b'"',
    "invalid bytes": b'"caf\xe9"',
}


@pytest.mark.parametrize("id_json", ODD_IDS.values(), ids=ODD_IDS.keys())
def test_no_message_is_lost_for_its_id(id_json: bytes) -> None:
    """The position stands in for an id that cannot be read, and the message says so."""
    message = decode(a_record(b'{"text":"hello","id":' + id_json + b"}"), FULL)
    assert (message.text, message.id) == ("hello", str(a_position()))
    assert message.unread == ("id",)


@pytest.mark.parametrize("number", [-(2**63) - 1, -(2**63), -1, 0, 2**63, 2**64 - 1, 2**64, 2**80])
def test_an_id_is_the_same_whatever_stands_beside_it(number: int) -> None:
    """Both parsers read the same numbers as integers."""
    plain = decode(a_record(b'{"text":"x","id":%d}' % number), FULL)
    beside = decode(a_record(b'{"text":"x","id":%d,"n":NaN}' % number), FULL)
    assert (plain.id, plain.unread) == (beside.id, beside.unread)
    assert (plain.unread == ()) is (-(2**63) <= number < 2**64)


def test_an_id_that_is_absent_is_said_too() -> None:
    """Where the topic says where the id stands its readers expect one; else nobody does."""
    assert decode(a_record(), FULL).unread == ("id",)
    assert decode(a_record(), PLAIN).unread == ()
    assert decode(a_record(b'{"text":"x","id":"m"}'), FULL).unread == ()


@pytest.mark.parametrize("odd", [b"1.5", b"true", b"[]", b"{}", b"-Infinity", b'"\xff"'])
def test_other_fields_that_cannot_be_read_are_left_out(odd: bytes) -> None:
    """Author, conversation and language are absent then, and named."""
    record = a_record(
        b'{"text":"hello","id":"m","author":{"id":%b},"room":%b,"lang":%b}' % (odd, odd, odd)
    )
    message = decode(record, FULL)
    assert message == Message(
        a_position(), TIMESTAMP_MS, "hello", "m", unread=("author", "conversation", "language")
    )


BESIDE: dict[str, bytes] = {
    "NaN": b'{"text":"hello","n":NaN}',
    "Infinity": b'{"text":"hello","n":-Infinity}',
    "a number without end": b'{"text":"hello","n":' + b"9" * 100_000 + b"}",
    "a fraction without end": b'{"text":"hello","n":1e99999}',
    "invalid UTF-8": b'{"text":"hello","n":"\xff\xfe"}',
    "an invalid key": b'{"text":"hello","\xff":1}',
    "raw control characters": b'{"text":"hello","n":"a\x01\tb"}',
    "a lone surrogate": b'{"text":"hello","n":"\\ud83d"}',
    "two hundred levels": b'{"text":"hello","n":NaN,"a":' + b"[" * 200 + b"]" * 200 + b"}",
    "a byte order mark": b'\xef\xbb\xbf{"text":"hello"}',
    "a mark and a NaN": b'\xef\xbb\xbf{"text":"hello","n":NaN}',
    "UTF-16, little end first": '\ufeff{"text":"hello"}'.encode("utf-16-le"),
    "UTF-16, big end first": '\ufeff{"text":"hello"}'.encode("utf-16-be"),
    "UTF-32": '{"text":"hello"}'.encode("utf-32"),
    "the zero that ends a string in C": b'{"text":"hello"}\x00',
}


@pytest.mark.parametrize("value", BESIDE.values(), ids=BESIDE.keys())
def test_no_message_is_lost_for_what_stands_beside_its_text(value: bytes) -> None:
    """A readable text is judged, whatever its producer wrote around it."""
    assert decode(a_record(value), PLAIN).text == "hello"


def test_raw_control_characters_in_the_text_are_judged() -> None:
    """A line break that nobody escaped is a line break."""
    assert decode(a_record(b'{"text":"a\nb"}'), PLAIN).text == "a\nb"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_marked_text(encoding: str) -> None:
    """Plain text in an encoding that its mark tells."""
    value = "h\u00e9llo".encode(encoding)
    assert decode(a_record(value), MessageTerms(format="text")).text == "h\u00e9llo"


def test_key_and_headers_of_any_kind_are_no_fault() -> None:
    """An empty key, a null header and bytes that are no UTF-8 stand in nobody's way."""
    headers: Headers = (("a", None), ("", b"\xff"), ("content-type", b"\xff"))
    for key in (None, b"", b"\xff"):
        assert decode(a_record(headers=headers, key=key), PLAIN).text == "hello there"


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_message_is_lost_for_headers_that_the_client_could_not_read(format: Any) -> None:
    """Only an event needs them to be read; the verdict says that they are missing."""
    rule = SkipRule(frozenset({"bot"}), header="role")
    reading = MessageTerms(format=format, skip_when=(rule,))
    message = decode(a_record(headers=UNREADABLE_HEADERS), reading)
    assert "hello there" in message.text
    assert (message.unread, message.skipped) == (("headers",), None)


# What is text.


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\ufeff", "\u2060\u200d \n", "\x00\x01", "\u3164", "\u2800", "\u00ad", "\ufe0f"],
)
def test_what_nobody_can_see_is_empty(text: str) -> None:
    """Zero-width characters alone are no message."""
    assert reason(json.dumps({"text": text}).encode()) == "empty_text"
    assert reason(text.encode(), MessageTerms(format="text")) == "empty_text"


@pytest.mark.parametrize(
    "text", ["\u200bhi", ".", "\U0001f600", "\ufffd", "\u0301", "\U000e0041\U000e0042"]
)
def test_what_can_be_seen_or_spells_words_is_judged(text: str) -> None:
    """Tag characters are invisible, and programs read words in them."""
    assert decode(a_record_of({"text": text}), PLAIN).text == text


def test_a_value_that_is_a_string() -> None:
    """The pointer to the whole document reads a JSON string."""
    assert decode(a_record(b'"hello"'), MessageTerms(text=((),))).text == "hello"
    assert reason(b'{"text":"hello"}', MessageTerms(text=((),))) == "wrong_shape"
    assert reason(b"5", MessageTerms(text=((),))) == "wrong_shape"


FIRST_OF = MessageTerms(text=(("full_text",), ("text",)), is_first_of=True)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"full_text": "whole", "text": "wh…"}, "whole"),
        ({"text": "short"}, "short"),
        ({"full_text": None, "text": "short"}, "short"),
        ({"full_text": " \u200b", "text": "short"}, "short"),
    ],
)
def test_the_first_field_that_says_something_is_the_text(document: object, text: str) -> None:
    """A shortened text is not judged beside the whole one."""
    assert decode(a_record_of(document), FIRST_OF).text == text


def test_first_of_passes_over_no_text() -> None:
    """A field of the wrong kind may hold the text, so it is not passed over for the next one."""
    assert reason(b'{"full_text":{"a":"b"},"text":"short"}', FIRST_OF) == "wrong_shape"
    assert reason(b'{"full_text":"","text":" "}', FIRST_OF) == "empty_text"
    assert reason(b"{}", FIRST_OF) == "no_text"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#x27;", "a <b> &amp; \"c\" 'd'"),
        ("k&#105;ll", "kill"),
        ("k&#0000000000000105;ll", "kill"),
        ("k&#x00000000000069;ll", "kill"),
        ("&#55357;", "\ufffd"),
        ("a&#99999999999999;b", "a\ufffdb"),
        ("a&#" + "9" * 10_000 + ";b", "a\ufffdb"),
        ("AT&T &nosuch;", "AT&T &nosuch;"),
    ],
)
def test_html_entities_are_read_where_the_topic_says_so(written: str, text: str) -> None:
    """What is judged is what readers see; without the setting, what was written."""
    record = a_record_of({"text": written})
    assert decode(record, MessageTerms(unescape="html")).text == text
    assert decode(record, PLAIN).text == written


def test_entities_alone_can_be_blank() -> None:
    """A no-break space is one, however it is written."""
    assert reason(b'{"text":"&nbsp;&#8203;"}', MessageTerms(unescape="html")) == "empty_text"


# CloudEvents.


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        ("gr\u00fcn".encode(), b"text/plain"),
        ("gr\u00fcn".encode(), b"Text/Plain; charset=UTF-8"),
        ("gr\u00fcn".encode("latin-1"), b'text/plain; charset="iso-8859-1"'),
        ("gr\u00fcn".encode("utf-16-le"), b"text/plain;charset=utf-16le"),
        ("gr\u00fcn".encode(), b"text/markdown"),
        ("gr\u00fcn".encode(), b"text/plain; charset=unicode_escape"),
    ],
)
def test_an_event_of_plain_text(value: bytes, content_type: bytes) -> None:
    """The data is the text, in binary mode as in structured mode."""
    binary = (("ce_specversion", b"1.0"), ("ce_id", b"e"), ("content-type", content_type))
    message = decode(a_record(value, binary), EVENTS)
    assert (message.text, message.id) == ("gr\u00fcn", "e")
    event = {"specversion": "1.0", "id": "e", "datacontenttype": content_type.decode()}
    encoded = event | {"data_base64": base64.b64encode(value).decode()}
    assert decode(a_record_of(encoded, STRUCTURED), EVENTS).text == "gr\u00fcn"
    plain = event | {"data": "gr\u00fcn"}
    assert decode(a_record_of(plain, STRUCTURED), EVENTS).text == "gr\u00fcn"


def test_an_event_of_plain_text_may_be_empty_or_torn() -> None:
    """It is held to the same rules as any text."""
    binary: Headers = (("ce_specversion", b"1.0"), ("content-type", b"text/plain"))
    assert reason(b"\xff", EVENTS, binary) == "not_utf8"
    assert reason(b" ", EVENTS, binary) == "empty_text"
    event = b'{"specversion":"1.0","datacontenttype":"text/plain","data":"\xff"}'
    assert reason(event, EVENTS, STRUCTURED) == "not_utf8"


def test_an_event_whose_id_is_none() -> None:
    """The position stands in, and the message says so."""
    long = a_record(b'{"text":"hi"}', (("ce_specversion", b"1.0"), ("ce_id", b"x" * 100_000)))
    odd = a_record_of({"specversion": "1.0", "id": 1.5, "data": {"text": "hi"}}, STRUCTURED)
    for record in (long, odd):
        message = decode(record, EVENTS)
        assert (message.id, message.unread) == (str(a_position()), ("id",))


def test_cloudevent_in_binary_mode() -> None:
    """The value is the data, and the header's id is the message's where the data has none."""
    record = a_record(b'{"text":"hi"}', BINARY)
    assert (decode(record, EVENTS).text, decode(record, EVENTS).id) == ("hi", "event-1")
    own = a_record(b'{"text":"hi","id":"m-1"}', BINARY)
    assert decode(own, replace(EVENTS, id=("id",))).id == "m-1"


def test_cloudevent_in_structured_mode() -> None:
    """The event is in the value, its data under `data` or `data_base64`."""
    event = {"specversion": "1.0", "id": "event-2", "data": {"text": "hi"}}
    message = decode(a_record_of(event, STRUCTURED), EVENTS)
    assert (message.text, message.id) == ("hi", "event-2")
    for headers in ((), (("content-type", None),), (("content-type", b"application/json"),)):
        # Some converters write no headers at all.
        assert decode(a_record_of(event, headers), EVENTS) == message
    encoded = base64.b64encode(b'{"text":"hi"}').decode()
    event = {"specversion": "1.0", "id": "event-3", "data_base64": encoded}
    message = decode(a_record_of(event, STRUCTURED), EVENTS)
    assert (message.text, message.id) == ("hi", "event-3")


@pytest.mark.parametrize(
    ("value", "headers", "expected"),
    [
        (b'{"text":"hi"}', (), "wrong_shape"),
        (b'{"text":"hi"}', (("content-type", None),), "wrong_shape"),
        (b'{"data":{"text":"hi"}}', STRUCTURED, "wrong_shape"),
        (b"[]", STRUCTURED, "wrong_shape"),
        (b"hi", STRUCTURED, "not_json"),
        (b"hi", BINARY, "not_json"),
        (b'{"specversion":"1.0"}', STRUCTURED, "no_text"),
        (b'{"specversion":"1.0","data":null}', STRUCTURED, "no_text"),
        (b'{"specversion":"1.0","data":"hi"}', STRUCTURED, "wrong_shape"),
        (b'{"specversion":"1.0","data_base64":5}', STRUCTURED, "no_text"),
        (b'{"specversion":"1.0","data_base64":"?"}', STRUCTURED, "wrong_shape"),
        ('{"specversion":"1.0","data_base64":"\u00fc"}'.encode(), STRUCTURED, "wrong_shape"),
        (b'{"specversion":"1.0","data_base64":"/w=="}', STRUCTURED, "not_utf8"),
        (b'{"specversion":"1.0","data_base64":"eA=="}', STRUCTURED, "not_json"),
    ],
)
def test_what_is_no_cloudevent(value: bytes, headers: Headers, expected: str) -> None:
    """An event that breaks the specification is refused with the reason for it."""
    assert reason(value, EVENTS, headers) == expected


def test_hostile_event_ids() -> None:
    """An event's id is bounded and can be written, whatever it is."""
    structured = a_record(b'{"specversion":"1.0","id":"\\ud800","data":{"text":"hi"}}', STRUCTURED)
    long = a_record(b'{"text":"hi"}', (("ce_specversion", b"1.0"), ("ce_id", b"x" * 100_000)))
    not_text = a_record(b'{"text":"hi"}', (("ce_specversion", b"1.0"), ("ce_id", b"\xff")))
    for record in (structured, long, not_text):
        found = outcome(record, EVENTS)
        if isinstance(found, UndecodableMessage):
            assert found.reason == "wrong_shape"
        else:
            assert found.id.encode()
            assert len(found.id) <= 1_024


def test_header_names_of_events_ignore_case() -> None:
    """`Content-Type` and `content-type` are the same header."""
    event = b'{"specversion":"1.0","id":"e","data":{"text":"hi"}}'
    headers = (("Content-Type", b"Application/CloudEvents+JSON"),)
    assert decode(a_record(event, headers), EVENTS).text == "hi"


# Skipping.


@pytest.mark.parametrize(
    ("role", "is_skipped"),
    [
        ("staff", True),
        ("Staff", False),
        ("user", False),
        (True, True),
        (False, False),
        (7, True),
        (8, False),
        (7.0, False),
        (None, False),
        (["staff"], False),
        ({"staff": 1}, False),
        ("", False),
    ],
)
def test_skip_when_a_field_equals(role: object, is_skipped: bool) -> None:
    """A field spares a message where it is one of the values, as string, boolean or integer."""
    rule = SkipRule(frozenset({"staff", "true", "7"}), field=("author", "role"))
    record = a_record_of({"text": "x", "author": {"role": role}})
    skipped = decode(record, MessageTerms(skip_when=(rule,))).skipped
    assert skipped == ("/author/role" if is_skipped else None)


@pytest.mark.parametrize(
    ("headers", "is_skipped"),
    [
        ((("role", b"bot"),), True),
        ((("role", b"user"),), False),
        ((("Role", b"bot"),), False),
        ((("role", None),), False),
        ((("role", b"\xff\xfe"),), False),
        ((("role", None), ("role", b"bot")), True),
        ((("role", b"user"), ("role", b"bot")), False),
        ((("other", b"bot"), ("", b"bot")), False),
        ((), False),
    ],
)
def test_skip_when_a_header_equals(headers: Headers, is_skipped: bool) -> None:
    """A header spares a message by its first value, whatever else the headers hold."""
    rule = SkipRule(frozenset({"bot"}), header="role")
    for reading in (
        MessageTerms(skip_when=(rule,)),
        MessageTerms(format="text", skip_when=(rule,)),
    ):
        skipped = decode(a_record(headers=headers), reading).skipped
        assert skipped == ("header role" if is_skipped else None)


def test_an_absent_header_equals_nothing() -> None:
    """A rule for an empty value does not spare the messages that lack the header or field."""
    by_header = SkipRule(frozenset({""}), header="role")
    by_field = SkipRule(frozenset({""}), field=("role",))
    assert decode(a_record(), MessageTerms(skip_when=(by_field,))).skipped is None
    assert decode(a_record(), MessageTerms(skip_when=(by_header,))).skipped is None


# From many producers: a delete of Debezium, a join of Discord, a reaction of Matrix.
WITHOUT_TEXT: list[tuple[Pointer, Pointer, str, object]] = [
    (
        ("payload", "after", "body"),
        ("payload", "op"),
        "d",
        {"payload": {"before": {"body": "hi"}, "after": None, "op": "d"}},
    ),
    (("content",), ("type",), "7", {"content": "", "type": 7}),
    (
        ("content", "body"),
        ("type",),
        "m.reaction",
        {"type": "m.reaction", "content": {"m.relates_to": {"key": "+1"}}},
    ),
    (("text",), ("kind",), "image", {"kind": "image", "text": ["not", "text"]}),
    (("text",), ("kind",), "image", {"kind": "image", "text": "\u200b"}),
]


@pytest.mark.parametrize(("text", "field", "value", "document"), WITHOUT_TEXT)
def test_a_rule_skips_what_has_no_text(
    text: Pointer, field: Pointer, value: str, document: object
) -> None:
    """Rules look at the record before its text is read, so a join or a delete is no dead letter."""
    rule = SkipRule(frozenset({value}), field=field)
    message = decode(a_record_of(document), MessageTerms(text=(text,), skip_when=(rule,)))
    assert (message.text, message.skipped) == ("", "/" + "/".join(field))
    other = SkipRule(frozenset({"other"}), field=field)
    assert refusal(a_record_of(document), MessageTerms(text=(text,), skip_when=(other,))).reason


@pytest.mark.parametrize("value", [None, b"\xff\xd8\xff", b"{}", b"[", b"\x00\x00\x00\x00\x01x"])
@pytest.mark.parametrize("format", ["json", "text", "cloudevents"])
def test_a_header_skips_what_cannot_be_read(value: bytes | None, format: Any) -> None:
    """A picture among texts needs no readable value where its header says what it is."""
    rule = SkipRule(frozenset({"image"}), header="kind")
    record = a_record(value, (("kind", b"image"),))
    assert decode(record, MessageTerms(format=format, skip_when=(rule,))).skipped == "header kind"


def test_a_skipped_message_keeps_the_text_that_it_has() -> None:
    """The context of later messages may need it."""
    rule = SkipRule(frozenset({"bot"}), header="role")
    record = a_record(b'{"text":"hi","id":"m-1"}', (("role", b"bot"),))
    message = decode(record, replace(FULL, skip_when=(rule,)))
    assert (message.text, message.id, message.skipped) == ("hi", "m-1", "header role")


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ((("ce_specversion", b"1.0"), ("ce_type", b"gone")), {}),
        (STRUCTURED, {"specversion": "1.0", "type": "gone", "data": {}}),
        (STRUCTURED, {"specversion": "1.0", "type": "gone"}),
    ],
)
def test_a_rule_about_an_event_holds_in_either_mode(headers: Headers, event: object) -> None:
    """An attribute has one name for rules, wherever the producer wrote it."""
    rule = SkipRule(frozenset({"gone"}), header="ce_type")
    record = a_record_of(event, headers)
    assert decode(record, replace(EVENTS, skip_when=(rule,))).skipped == "header ce_type"


# Without a text.


@pytest.mark.parametrize("when_empty", ["allow", "flag", "pass-over"])
@pytest.mark.parametrize(
    "value", [b"{}", b'{"text":""}', b'{"text":null}', b'{"text":"\\u200b\\n"}']
)
def test_the_topic_says_what_becomes_of_a_record_without_text(
    value: bytes, when_empty: Any
) -> None:
    """A picture alone is a message without text, and what it is worth is the topic's matter."""
    message = decode(a_record(value), MessageTerms(when_empty=when_empty))
    assert (message.text, message.when_empty, message.skipped) == ("", when_empty, None)
    assert decode(a_record(), MessageTerms(when_empty=when_empty)).when_empty is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"text":5}', "wrong_shape"),
        (b"null", "wrong_shape"),
        (b"{", "not_json"),
        (b"\xff", "not_utf8"),
        (None, "tombstone"),
    ],
)
def test_what_cannot_be_read_is_not_empty(value: bytes | None, expected: str) -> None:
    """`when_empty` is no licence to let pass what a mended reading might judge."""
    assert reason(value, MessageTerms(when_empty="allow")) == expected


def test_a_rule_comes_before_when_empty() -> None:
    """What is skipped is skipped, with or without a text."""
    rule = SkipRule(frozenset({"7"}), field=("type",))
    reading = MessageTerms(when_empty="flag", skip_when=(rule,))
    message = decode(a_record(b'{"type":7}'), reading)
    assert (message.skipped, message.when_empty) == ("/type", None)


# Any record whatever.

CANARY = "xq7canary"
NAMES = st.sampled_from(
    ["text", "title", "id", "author", "data", "data_base64", "specversion", "role", "0", ""]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([CANARY, f"{CANARY} \ud800", "", " ", "\udfff", f"\x00{CANARY}"])
    | st.text()
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=10,
)
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=60),
    DOCUMENTS.flatmap(
        lambda document: st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-32"]).map(
            lambda encoding: json.dumps(document).encode(encoding)
        )
    ),
    # Like JSON, with what no producer should write in it.
    st.lists(
        st.sampled_from(
            [
                *(
                    b'{"text":',
                    b'"id":',
                    b'"',
                    b"\\ud83d",
                    b"NaN",
                    b"1e999",
                    b"9" * 400,
                    b"[",
                    b"]",
                ),
                *(b"}", b",", b":", b"\xff", b"\xed\xa0\x80", b"\x00", b"\n", b"&#0", b"&lt;"),
                CANARY.encode(),
            ]
        ),
        max_size=12,
    ).map(b"".join),
    st.binary(max_size=20).map(lambda bytes_: CANARY.encode() + bytes_),
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    DOCUMENTS.map(lambda document: b"\x00\x00\x00\x00\x07" + json.dumps(document).encode()),
    st.tuples(DOCUMENTS, st.integers(0, 40), st.binary(max_size=3)).map(
        lambda parts: json.dumps(parts[0]).encode()[: parts[1]] + parts[2]
    ),
)
HEADERS: st.SearchStrategy[Headers] = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "Content-Type", "ce_specversion", "ce_id", "role", ""])
        | st.text(max_size=4),
        st.none()
        | st.sampled_from(
            [
                *(b"1.0", b"application/cloudevents+json", b"application/cloudevents-batch+json"),
                *(b"bot", b"text/plain", b"text/plain; charset=utf-16le", b"text/html;charset=x"),
            ]
        )
        | st.binary(max_size=8),
    ),
    max_size=4,
).map(tuple)
POINTERS = st.lists(NAMES, max_size=2).map(tuple)
EVENT_RULES = st.builds(
    EventRule,
    values=st.just(frozenset({"bot", "", "true"})),
    field=POINTERS,
    target=st.none() | POINTERS,
) | st.builds(EventRule, values=st.just(frozenset({"bot"})), header=st.just("role"))
READINGS = st.builds(
    MessageTerms,
    format=st.sampled_from(["json", "text", "cloudevents"]),
    framing=st.sampled_from(["none", "schema-registry-json"]),
    text=st.lists(st.just(("text",)) | POINTERS, min_size=1, max_size=3).map(tuple),
    is_first_of=st.booleans(),
    unescape=st.sampled_from(["none", "html"]),
    when_empty=st.sampled_from(["dead-letter", "allow", "flag", "pass-over"]),
    id=st.none() | POINTERS,
    author=st.none() | POINTERS,
    conversation=st.none() | POINTERS,
    language=st.none() | POINTERS,
    language_guess=st.none() | st.just(LanguageTerms()),
    skip_when=st.lists(
        st.builds(SkipRule, values=st.just(frozenset({"bot", "", "true"})), field=POINTERS)
        | st.builds(SkipRule, values=st.just(frozenset({"bot"})), header=st.just("role")),
        max_size=2,
    ).map(tuple),
    author_facts=st.lists(POINTERS, max_size=3).map(tuple),
    event=st.none()
    | st.builds(
        EventTerms,
        edit=st.none() | EVENT_RULES,
        delete=st.none() | EVENT_RULES,
        tombstones=st.booleans(),
    ),
)


@settings(max_examples=300, deadline=None)
@given(VALUES, HEADERS, READINGS)
def test_any_record(value: bytes | None, headers: Headers, reading: MessageTerms) -> None:
    """A record is a message that can be judged and written, or is refused, quoting nobody."""
    message = outcome(a_record(value, headers), reading)
    if isinstance(message, UndecodableMessage):
        assert message.reason in set(DeadLetterReason)
        assert CANARY not in str(message)
        return
    is_settled = message.skipped is not None or message.when_empty is not None
    is_settled = is_settled or message.event == "delete"
    assert message.text or is_settled
    assert not is_blank(message.text) or is_settled
    assert message.id
    written = (message.text, message.id, message.author, message.conversation, message.language)
    assert orjson.dumps(written)
    assert all(len(word) <= 1_024 for word in written[1:] if word is not None)
    assert orjson.dumps([fact.value for fact in message.facts])
    assert all(len(fact.value) <= 80 for fact in message.facts)


def test_facts_about_the_author_are_words_and_numbers() -> None:
    """What is present and a scalar is a fact; nothing that is not makes the record unreadable."""
    author = {"days": 3, "score": 0.5, "new": True, "role": "x" * 100, "tags": [], "gone": None}
    names = ("days", "score", "new", "role", "tags", "gone", "absent")
    reading = MessageTerms(author_facts=tuple(("author", name) for name in names))
    message = decode(a_record_of({"text": "hi", "author": author}), reading)
    assert message.facts == (
        Fact("author/days", "3"),
        Fact("author/score", "0.5"),
        Fact("author/new", "true"),
        Fact("author/role", "x" * 80),
    )
    assert decode(a_record_of({"text": "hi"}), reading).facts == ()
    lone = a_record(b'{"text": "hi", "author": {"role": "a\\ud800"}}')
    assert decode(lone, reading).facts == (Fact("author/role", "a\ufffd"),)
    assert decode(a_record_of({"text": "hi", "author": author}), MessageTerms()).facts == ()


def test_readings_of_the_property_cover_every_field() -> None:
    """A new way to read a record must join the property above."""
    assert {field.name for field in fields(MessageTerms)} == {
        "format",
        "framing",
        "text",
        "is_first_of",
        "unescape",
        "when_empty",
        "id",
        "author",
        "conversation",
        "language",
        "language_guess",
        "skip_when",
        "author_facts",
        "event",
    }


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, DOCUMENTS, max_size=5), READINGS)
def test_either_parser_reads_the_same(fields: dict[str, object], reading: MessageTerms) -> None:
    """What is odd beside a message changes nothing about it: nobody slips by with a NaN."""
    plain = json.dumps(fields)
    odd = plain[:-1] + (", " if fields else "") + '"odd": NaN}'
    reading = replace(reading, format="json")
    one, other = (outcome(a_record(value.encode()), reading) for value in (plain, odd))
    assert type(one) is type(other)
    assert one == other or str(one) == str(other)


def test_a_text_that_nobody_judges_as_it_is_stays_as_it_was_written() -> None:
    """Past a million characters, of which the last is still looked at."""
    reading = MessageTerms(unescape="html")
    longest = "&lt;" + "a" * 999_996
    assert decode(a_record_of({"text": longest}), reading).text == "<" + "a" * 999_996
    assert decode(a_record_of({"text": longest + "a"}), reading).text == longest + "a"
