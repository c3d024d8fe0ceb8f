"""Edits and deletions: what tells them, and which message each is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.decoding import UNREADABLE_HEADERS, decode
from consumer.domain.messages.message import Headers, Message
from consumer.domain.messages.rules import EventRule, EventTerms, SkipRule
from consumer.domain.messages.words import ID_CHARS_MAX
from consumer.errors import DeadLetterReason, UndecodableMessage
from tests.builders import a_position, a_record, a_record_of

EDIT = EventRule(frozenset({"edited"}), field=("type",), target=("of",))
DELETE = EventRule(frozenset({"deleted"}), field=("type",), target=("of",))
READING = MessageTerms(id=("id",), event=EventTerms(EDIT, DELETE))
BY_KEY = MessageTerms(event=EventTerms(tombstones=True))


def read(document: object, reading: MessageTerms = READING, headers: Headers = ()) -> Message:
    return decode(a_record_of(document, headers), reading)


def refused(value: bytes | None, reading: MessageTerms, key: bytes | None = b"k") -> str:
    with pytest.raises(UndecodableMessage) as caught:
        decode(a_record(value, key=key), reading)
    return f"{caught.value.reason.value}: {caught.value}"


def test_a_message_of_its_own_is_no_event() -> None:
    """Whatever else stands in the field."""
    for kind in ("posted", "EDITED", None, 5):
        message = read({"type": kind, "id": "m1", "of": "m0", "text": "hi"})
        assert (message.event, message.id, message.text) == (None, "m1", "hi")


def test_an_edit_is_about_its_target_and_has_a_text() -> None:
    """Its own id is not the message's."""
    message = read({"type": "edited", "id": "e7", "of": "m1", "text": "hi there"})
    assert (message.event, message.id, message.text) == ("edit", "m1", "hi there")
    assert message.unread == ()


def test_an_edit_without_a_text_is_what_a_message_without_one_is() -> None:
    """A dead letter, or what the topic says."""
    value = b'{"type":"edited","of":"m1"}'
    assert refused(value, READING).startswith("no_text")
    message = decode(a_record(value), replace(READING, when_empty="flag"))
    assert (message.event, message.id, message.when_empty) == ("edit", "m1", "flag")


def test_a_deletion_needs_no_text_and_no_text_is_read() -> None:
    """Nor does the rule for records without one ask anything of it."""
    for more in ({}, {"text": "hi"}, {"text": 5}):
        message = read({"type": "deleted", "of": "m1", **more}, replace(READING, when_empty="flag"))
        assert (message.event, message.id, message.text) == ("delete", "m1", "")
        assert message.when_empty is None


def test_without_a_target_the_id_says_which_message_it_is() -> None:
    """As where a record of a message carries all of it each time."""
    rules = EventTerms(replace(EDIT, target=None), replace(DELETE, target=None))
    reading = replace(READING, event=rules)
    assert read({"type": "edited", "id": "m1", "text": "hi"}, reading).id == "m1"
    assert read({"type": "deleted", "id": 17}, reading).id == "17"


@pytest.mark.parametrize("of", [None, "", {"a": 1}, True, "x" * (ID_CHARS_MAX + 1)])
def test_a_deletion_of_nothing_known_is_refused(of: object) -> None:
    """Nobody could say what has to go."""
    with pytest.raises(UndecodableMessage) as caught:
        read({"type": "deleted", "id": "e7", "of": of})
    assert caught.value.reason is DeadLetterReason.WRONG_SHAPE
    assert "/of" in str(caught.value)


@pytest.mark.parametrize("of", [None, "", {"a": 1}])
def test_an_edit_of_nothing_known_is_judged_all_the_same(of: object) -> None:
    """Its position is its id, and it says that the id could not be read, once."""
    message = read({"type": "edited", "id": "e7", "of": of, "text": "hi"})
    assert (message.event, message.id) == ("edit", str(a_position()))
    assert message.unread == ("id",)


def test_a_header_tells_as_well_as_a_field() -> None:
    """Without the header a record is a message."""
    by_header = EventTerms(EventRule(frozenset({"edited"}), header="kind", target=("of",)))
    reading = replace(READING, event=by_header)
    document = {"id": "e7", "of": "m1", "text": "hi"}
    assert read(document, reading, (("kind", b"edited"),)).event == "edit"
    assert read(document, reading, (("kind", None),)).event is None
    assert read(document, reading, UNREADABLE_HEADERS).event is None


def test_the_id_of_a_cloudevent_is_not_that_of_the_message() -> None:
    """Each event has its own; its type may tell, in either mode."""
    rule = EventRule(frozenset({"chat.edited"}), header="ce_type", target=("of",))
    reading = MessageTerms(format="cloudevents", event=EventTerms(rule, replace(rule, values=GONE)))
    binary: Headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e7"),
        ("ce_type", b"chat.edited"),
    )
    assert read({"of": "m1", "text": "hi"}, reading, binary).id == "m1"
    assert read({"text": "hi"}, reading, binary).id == str(a_position())
    structured: Headers = (("content-type", b"application/cloudevents+json"),)
    event = {"specversion": "1.0", "id": "e8", "type": "chat.gone", "data": {"of": "m1"}}
    message = read(event, reading, structured)
    assert (message.event, message.id) == ("delete", "m1")


GONE = frozenset({"chat.gone"})


def test_a_deletion_comes_before_an_edit_and_before_rules_that_skip() -> None:
    """Whoever is not judged deletes messages too."""
    both = replace(READING, event=EventTerms(EDIT, replace(DELETE, values=EDIT.values)))
    assert read({"type": "edited", "of": "m1", "text": "hi"}, both).event == "delete"
    for rule in (
        SkipRule(frozenset({"bot"}), field=("by",)),
        SkipRule(frozenset({"b"}), header="h"),
    ):
        skipping = replace(READING, skip_when=(rule,))
        headers: Headers = (("h", b"b"),)
        gone = read({"type": "deleted", "of": "m1", "by": "bot"}, skipping, headers)
        assert (gone.event, gone.skipped) == ("delete", None)
        edit = read({"type": "edited", "of": "m1", "by": "bot"}, skipping, headers)
        assert (edit.event, edit.skipped) == ("edit", str(rule))


def test_only_one_of_the_two_may_be_told() -> None:
    """The other is a message like any."""
    only = replace(READING, event=EventTerms(edit=EDIT))
    assert read({"type": "deleted", "id": "m1", "text": "hi"}, only).event is None
    other = replace(READING, event=EventTerms(delete=DELETE))
    assert read({"type": "edited", "id": "m1", "text": "hi"}, other).event is None


def test_a_tombstone_deletes_the_message_that_its_key_names() -> None:
    """Where the topic says so; else it is what it was."""
    message = decode(a_record(None, key="müller".encode()), BY_KEY)
    assert (message.event, message.id, message.text) == ("delete", "müller", "")
    assert (message.position, message.timestamp_ms) == (a_position(), a_record().timestamp_ms)
    assert refused(None, READING) == "tombstone: the record has no value"
    # A value that is there deletes nothing.
    assert decode(a_record(), BY_KEY).event is None
    longest = b"x" * ID_CHARS_MAX
    assert decode(a_record(None, key=longest), BY_KEY).id == longest.decode()


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"x" * (ID_CHARS_MAX + 1)])
def test_a_tombstone_whose_key_names_nothing_is_a_dead_letter(key: bytes | None) -> None:
    """With its reason in words."""
    said = refused(None, BY_KEY, key)
    assert said.startswith("tombstone")
    assert "its key" in said
