"""Record -> message: whatever a producer wrote, it is a message or a named reason why not."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import Pointer, Reading, SkipRule
from consumer.domain.decoding import (
    FACT_CHARS_MAX,
    ID_CHARS_MAX,
    UNREADABLE_HEADERS,
    DeadLetterReason,
    decode,
)
from consumer.domain.message import Fact, Headers, Message, Record
from consumer.errors import MessageTooLarge, PoisonMessage, UndecodableMessage
from tests.builders import TIMESTAMP_MS, a_position, a_record, a_record_of

PLAIN = Reading()
TITLE_AND_BODY = Reading(text=(("title",), ("body",)))
FULL = Reading(id=("id",), author=("author", "id"), conversation=("room",), language=("lang",))
EVENTS = Reading(format="cloudevents")
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
BINARY: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"event-1"),
    ("content-type", b"application/json"),
)


def refusal(record: Record, reading: Reading = PLAIN) -> UndecodableMessage:
    with pytest.raises(UndecodableMessage) as caught:
        decode(record, reading)
    return caught.value


def outcome(record: Record, reading: Reading) -> Message | UndecodableMessage:
    """The message, or why there is none."""
    try:
        return decode(record, reading)
    except UndecodableMessage as error:
        return error


def reason(value: bytes | None, reading: Reading = PLAIN, headers: Headers = ()) -> str:
    return refusal(a_record(value, headers), reading).reason


# Every reason.

REASONS: dict[str, tuple[DeadLetterReason, Record, Reading]] = {
    "no value": (DeadLetterReason.TOMBSTONE, a_record(None), Reading()),
    "no value, as text": (DeadLetterReason.TOMBSTONE, a_record(None), Reading(format="text")),
    "invalid UTF-8 in JSON": (
        DeadLetterReason.NOT_UTF8,
        a_record(b'{"text":"\xff"}'),
        Reading(),
    ),
    "invalid UTF-8 as text": (
        DeadLetterReason.NOT_UTF8,
        a_record(b"\xc3("),
        Reading(format="text"),
    ),
    "overlong UTF-8": (DeadLetterReason.NOT_UTF8, a_record(b'{"text":"\xc0\xaf"}'), Reading()),
    "UTF-16": (DeadLetterReason.NOT_UTF8, a_record('{"text":"x"}'.encode("utf-16")), Reading()),
    "a surrogate as bytes": (
        DeadLetterReason.NOT_UTF8,
        a_record(b'{"text":"\xed\xa0\x80"}'),
        Reading(),
    ),
    "no bytes": (DeadLetterReason.NOT_JSON, a_record(b""), Reading()),
    "no JSON": (DeadLetterReason.NOT_JSON, a_record(b"hello"), Reading()),
    "two documents": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x"}{}'), Reading()),
    "half a document": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x'), Reading()),
    "NaN": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x","n":NaN}'), Reading()),
    "NaN beside a surrogate": (
        DeadLetterReason.NOT_JSON,
        a_record(b'{"text":"\\ud800","n":NaN}'),
        Reading(),
    ),
    "Infinity": (DeadLetterReason.NOT_JSON, a_record(b'{"text":"x","n":-Infinity}'), Reading()),
    "brackets without end": (DeadLetterReason.NOT_JSON, a_record(b"[" * 100_000), Reading()),
    "a hundred thousand levels": (
        DeadLetterReason.NOT_JSON,
        a_record(b"[" * 100_000 + b"]" * 100_000),
        Reading(),
    ),
    "a hundred thousand levels and a surrogate": (
        DeadLetterReason.NOT_JSON,
        a_record(b'{"a":' * 100_000 + b'"\\ud800"' + b"}" * 100_000),
        Reading(),
    ),
    "a word": (DeadLetterReason.WRONG_SHAPE, a_record(b'"hello"'), Reading()),
    "null": (DeadLetterReason.WRONG_SHAPE, a_record(b"null"), Reading()),
    "a text that is a number": (DeadLetterReason.WRONG_SHAPE, a_record(b'{"text":5}'), Reading()),
    "a text that is a list": (DeadLetterReason.WRONG_SHAPE, a_record(b'{"text":["x"]}'), Reading()),
    "an id that is a boolean": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":"x","id":true}'),
        FULL,
    ),
    "an id that is a fraction": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":"x","id":1.5}'),
        FULL,
    ),
    "an author that is a list": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b'{"text":"x","author":{"id":[]}}'),
        FULL,
    ),
    "an id without end": (
        DeadLetterReason.WRONG_SHAPE,
        a_record_of({"text": "x", "id": "i" * (ID_CHARS_MAX + 1)}),
        FULL,
    ),
    "batched events": (
        DeadLetterReason.WRONG_SHAPE,
        a_record(b"[]", (("content-type", b"application/cloudevents-batch+json"),)),
        EVENTS,
    ),
    "no text": (DeadLetterReason.NO_TEXT, a_record(b'{"txt":"x"}'), Reading()),
    "a text that is null": (DeadLetterReason.NO_TEXT, a_record(b'{"text":null}'), Reading()),
    "a list": (DeadLetterReason.NO_TEXT, a_record(b'["x"]'), Reading()),
    "an empty text": (DeadLetterReason.EMPTY_TEXT, a_record(b'{"text":""}'), Reading()),
    "white space": (DeadLetterReason.EMPTY_TEXT, a_record(b'{"text":" \\n\\u2003"}'), Reading()),
    "an empty value as text": (
        DeadLetterReason.EMPTY_TEXT,
        a_record(b""),
        Reading(format="text"),
    ),
    "framed": (
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        a_record(b'\x00\x00\x00\x01\x02{"text":"x"}'),
        Reading(),
    ),
    "framed Avro": (
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        a_record(b"\x00\x00\x00\x00\x07\x0ahello"),
        Reading(),
    ),
    "headers that the client could not read": (
        DeadLetterReason.UNREADABLE_HEADERS,
        a_record(headers=UNREADABLE_HEADERS),
        Reading(),
    ),
}


@pytest.mark.parametrize(("expected", "record", "reading"), REASONS.values(), ids=REASONS.keys())
def test_reasons(expected: DeadLetterReason, record: Record, reading: Reading) -> None:
    """A record that is no message is refused with the reason that names what is wrong."""
    assert refusal(record, reading).reason == expected


def test_every_reason_is_reached() -> None:
    """The closed list holds no reason that nothing gives."""
    reached = {expected for expected, _, _ in REASONS.values()}
    assert reached | {MessageTooLarge.reason, PoisonMessage.reason} == set(DeadLetterReason)


def test_unreadable_headers_cannot_be_forged() -> None:
    """A producer that writes the same header by hand gets an ordinary message."""
    assert decode(a_record(headers=(("safeguard-unreadable-headers", None),)), Reading()).text


def test_the_place_of_a_fault_is_named() -> None:
    """The error says where, in the words of `topic.toml`, and the schema id where there is one."""
    assert "/text is no string: a number" in str(refusal(a_record(b'{"text":5}')))
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
        assert refusal(a_record_of(document), Reading(text=(pointer,))).reason == "no_text"
    else:
        assert decode(a_record_of(document), Reading(text=(pointer,))).text == expected


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
    record = a_record_of({"text": "x", "id": "\u00fc" * ID_CHARS_MAX})
    assert decode(record, FULL).id == "\u00fc" * ID_CHARS_MAX


def test_lone_surrogates_are_judged() -> None:
    """Half a character is marked as U+FFFD and the rest is judged; a whole pair stays itself."""
    assert decode(a_record(b'{"text":"die \\ud83d now"}'), Reading()).text == "die \ufffd now"
    assert decode(a_record(b'{"text":"\\udc00"}'), Reading()).text == "\ufffd"
    pair = a_record(b'{"text":"\\ud83d\\ude00 \\ud800"}')
    assert decode(pair, Reading()).text == "\U0001f600 \ufffd"


def test_the_last_of_two_keys_counts() -> None:
    """Of a key that stands twice the last value is judged, as most readers of JSON take it."""
    assert decode(a_record(b'{"text":"a","text":"b"}'), Reading()).text == "b"
    assert reason(b'{"text":"a","text":null}') == "no_text"
    surrogate = a_record(b'{"text":"a","x":"\\ud800","text":"b"}')
    assert decode(surrogate, Reading()).text == "b"


def test_ten_megabytes_are_a_message() -> None:
    """The length of a text is the classifier's matter, not the decoder's."""
    text = "na\u00efve " * 1_500_000
    assert decode(a_record_of({"text": text}), Reading()).text == text
    assert decode(a_record(text.encode()), Reading(format="text")).text == text


def test_control_characters_survive() -> None:
    """NUL and other controls are part of the text: what is judged is what was written."""
    assert decode(a_record(b'{"text":"a\\u0000b"}'), Reading()).text == "a\x00b"
    assert decode(a_record(b"a\x00b"), Reading(format="text")).text == "a\x00b"


# Text.


def test_plain_text() -> None:
    """A text topic's value is the message; pointers for other facts find nothing."""
    reading = replace(FULL, format="text")
    message = decode(a_record(b'{"text": "hi"}'), reading)
    assert message.text == '{"text": "hi"}'
    assert (message.id, message.author) == (str(a_position()), None)


def test_text_is_never_taken_for_framed() -> None:
    """A leading NUL in plain text is text."""
    assert decode(a_record(b"\x00\x00\x00\x00\x01hi"), Reading(format="text")).text.endswith("hi")


# Framing.


def test_framing_is_stripped_where_it_is_expected() -> None:
    """With the framing set, the five bytes are dropped, and a value without them is read too."""
    reading = Reading(framing="schema-registry-json")
    assert decode(a_record(b'\x00\x00\x00\x00\x09{"text":"hi"}'), reading).text == "hi"
    assert decode(a_record(b'{"text":"hi"}'), reading).text == "hi"
    assert reason(b"\x00\x00\x00\x00\x09\x0aAvro", reading) == "not_json"
    assert reason(b"\x00\x00\x00\x00\x09", reading) == "not_json"


def test_a_short_value_is_not_framed() -> None:
    """Fewer than five bytes hold no schema id: the value is simply no JSON."""
    assert reason(b"\x00\x00\x00\x01") == "not_json"


# CloudEvents.


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
        (b'{"specversion":"1.0","data":null}', STRUCTURED, "wrong_shape"),
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
            assert len(found.id) <= ID_CHARS_MAX


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
    skipped = decode(record, Reading(skip_when=(rule,))).skipped
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
    for reading in (Reading(skip_when=(rule,)), Reading(format="text", skip_when=(rule,))):
        skipped = decode(a_record(headers=headers), reading).skipped
        assert skipped == ("header role" if is_skipped else None)


def test_an_absent_header_equals_nothing() -> None:
    """A rule for an empty value does not spare the messages that lack the header or field."""
    by_header = SkipRule(frozenset({""}), header="role")
    by_field = SkipRule(frozenset({""}), field=("role",))
    assert decode(a_record(), Reading(skip_when=(by_field,))).skipped is None
    assert decode(a_record(), Reading(skip_when=(by_header,))).skipped is None


def test_a_skipped_message_still_needs_a_text() -> None:
    """What is no message is a dead letter, even from a bot."""
    rule = SkipRule(frozenset({"bot"}), header="role")
    record = a_record(b"{}", (("role", b"bot"),))
    assert refusal(record, Reading(skip_when=(rule,))).reason == "no_text"


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
            [b"1.0", b"application/cloudevents+json", b"application/cloudevents-batch+json", b"bot"]
        )
        | st.binary(max_size=8),
    ),
    max_size=4,
).map(tuple)
POINTERS = st.lists(NAMES, max_size=2).map(tuple)
READINGS = st.builds(
    Reading,
    format=st.sampled_from(["json", "text", "cloudevents"]),
    framing=st.sampled_from(["none", "schema-registry-json"]),
    text=st.lists(st.just(("text",)) | POINTERS, min_size=1, max_size=3).map(tuple),
    id=st.none() | POINTERS,
    author=st.none() | POINTERS,
    conversation=st.none() | POINTERS,
    language=st.none() | POINTERS,
    skip_when=st.lists(
        st.builds(SkipRule, values=st.just(frozenset({"bot", "", "true"})), field=POINTERS)
        | st.builds(SkipRule, values=st.just(frozenset({"bot"})), header=st.just("role")),
        max_size=2,
    ).map(tuple),
    author_facts=st.lists(POINTERS, max_size=3).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(VALUES, HEADERS, READINGS)
def test_any_record(value: bytes | None, headers: Headers, reading: Reading) -> None:
    """A record is a message that can be judged and written, or is refused, quoting nobody."""
    message = outcome(a_record(value, headers), reading)
    if isinstance(message, UndecodableMessage):
        assert message.reason in set(DeadLetterReason)
        assert CANARY not in str(message)
        return
    assert message.text
    assert not message.text.isspace()
    assert message.id
    written = (message.text, message.id, message.author, message.conversation, message.language)
    assert orjson.dumps(written)
    assert all(len(word) <= ID_CHARS_MAX for word in written[1:] if word is not None)
    assert orjson.dumps([fact.value for fact in message.facts])
    assert all(len(fact.value) <= FACT_CHARS_MAX for fact in message.facts)


def test_facts_about_the_author_are_words_and_numbers() -> None:
    """What is present and a scalar is a fact; nothing that is not makes the record unreadable."""
    author = {"days": 3, "score": 0.5, "new": True, "role": "x" * 100, "tags": [], "gone": None}
    names = ("days", "score", "new", "role", "tags", "gone", "absent")
    reading = Reading(author_facts=tuple(("author", name) for name in names))
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
    assert decode(a_record_of({"text": "hi", "author": author}), Reading()).facts == ()


def test_readings_of_the_property_cover_every_field() -> None:
    """A new way to read a record must join the property above."""
    assert {field.name for field in fields(Reading)} == {
        "format",
        "framing",
        "text",
        "id",
        "author",
        "conversation",
        "language",
        "skip_when",
        "author_facts",
    }
