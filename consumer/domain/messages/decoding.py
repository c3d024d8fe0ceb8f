"""
Record -> Message, as the topic's `Reading` describes it, or a reason why not.

A total function: whatever the bytes are, it returns a `Message` or raises `UndecodableMessage`
whose reason is one of `DeadLetterReason`. No error text quotes the user. Only the text is needed:
what else cannot be read is left out, and the message says so.
"""

from __future__ import annotations

import html
import re

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.blank import is_blank
from consumer.domain.messages.cloudevents import event_of
from consumer.domain.messages.documents import Document, document_of, text_of
from consumer.domain.messages.language import guessed
from consumer.domain.messages.message import Fact, Headers, Message, MessageEvent, Record
from consumer.domain.messages.rules import Pointer, at, holds
from consumer.domain.messages.words import ID_CHARS_MAX, short, without_surrogates, word
from consumer.domain.value import Value
from consumer.errors import DeadLetterReason as DeadLetterReason
from consumer.errors import UndecodableMessage

UNESCAPE_CHARS_MAX = 1_000_000
"""Longer texts are judged as they were written: nobody judges so much at once anyway."""
FACT_CHARS_MAX = 80
"""Longest fact about an author; of a longer one the beginning is kept."""
EMPTY = (DeadLetterReason.NO_TEXT, DeadLetterReason.EMPTY_TEXT)
"""Why a record has no text: then the topic's `when_empty` says what becomes of it."""

UNREADABLE_HEADERS: Headers = (("safeguard-unreadable-headers", None),)
"""Stands for headers that the client could not decode; told by identity, so none can forge it."""


class _Content(Value, frozen=True):
    """What a record holds, before anything is looked for in it."""

    document: Document = Document(None)
    text: str | None = None
    """The text, where it is not to be looked for in the document."""
    event_id: object = None
    headers: Headers = ()


NOTHING = _Content()


def decode(record: Record, reading: MessageTerms) -> Message:
    """
    Read a record as a message.

    Rules that skip come before the text: what they spare needs none. Before those comes a deletion:
    who is not judged is deleted all the same.

    Raises:
        UndecodableMessage: with a `DeadLetterReason` and the place that is wrong.
    """
    if record.headers is UNREADABLE_HEADERS and reading.format == "cloudevents":
        raise UndecodableMessage(
            DeadLetterReason.UNREADABLE_HEADERS,
            "a header name is not UTF-8, and the headers of a CloudEvent say how to read it",
        )
    if record.value is None and reading.event is not None and reading.event.tombstones:
        return _tombstone(record)
    skipped = _skipped(record.headers, None, reading) if reading.skip_when else None
    content, text = NOTHING, ""
    event: MessageEvent | None = None
    try:
        content = _content(record, reading)
        if reading.event is not None:
            event = reading.event.found_in(content.headers, content.document.root)
            if event == "delete":
                return _message(record, reading, content, "", None, event)
        if skipped is None and reading.skip_when:
            skipped = _skipped(content.headers, content.document.root, reading)
        text = _text(content, reading)
    except UndecodableMessage as error:
        may_be_empty = reading.when_empty != "dead-letter" and error.reason in EMPTY
        if skipped is None and not may_be_empty:
            raise
    return _message(record, reading, content, text, skipped, event)


def _tombstone(record: Record) -> Message:
    """The deletion of the message whose id is the key, as it is where topics are compacted."""
    try:
        key = (record.key or b"").decode()
    except UnicodeDecodeError:
        key = ""
    if not key or len(key) > ID_CHARS_MAX:
        raise UndecodableMessage(
            DeadLetterReason.TOMBSTONE,
            "the record has no value, and its key, which should say which message is deleted, is "
            f"absent, not UTF-8 or longer than {ID_CHARS_MAX} characters",
        )
    return Message(record.position, record.timestamp_ms, "", key, event="delete")


def _content(record: Record, reading: MessageTerms) -> _Content:
    if record.value is None:
        raise UndecodableMessage(DeadLetterReason.TOMBSTONE, "the record has no value")
    if reading.format == "text":
        return _Content(text=text_of(record.value))
    value = _unframed(record.value, reading)
    if reading.format == "json":
        document = document_of(value) if value is record.value else _framed_document(value)
        return _Content(document, None, None, record.headers)
    event = event_of(value, record.headers)
    return _Content(event.document, event.text, event.id, record.headers + event.attributes)


def _unframed(value: bytes, reading: MessageTerms) -> bytes:
    if value[:1] != b"\x00" or len(value) < 5:
        return value
    if reading.framing == "schema-registry-json":
        return value[5:]
    schema_id = int.from_bytes(value[:5], "big")
    raise UndecodableMessage(
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        f"the value is framed for a Schema Registry (schema id {schema_id}); for JSON Schema set "
        'framing = "schema-registry-json" under [message], Avro and Protobuf are not read',
    )


def _framed_document(value: bytes) -> Document:
    try:
        return document_of(value)
    except UndecodableMessage as error:
        raise UndecodableMessage(
            error.reason,
            f"{error}, after what a Schema Registry prepends; Avro and Protobuf are not read",
        ) from None


def _text(content: _Content, reading: MessageTerms) -> str:
    """The text to judge; something of it can be seen."""
    if content.text is None:
        text = _text_in(content.document, reading)
    else:
        text = _plain(content.text, reading)
    if is_blank(text):
        raise UndecodableMessage(
            DeadLetterReason.EMPTY_TEXT, "the text is empty, white space or zero-width characters"
        )
    return text


def _text_in(document: Document, reading: MessageTerms) -> str:
    root = document.root
    if not isinstance(root, (dict, list)) and () not in reading.text:
        raise UndecodableMessage(DeadLetterReason.WRONG_SHAPE, "the value is no JSON object")
    parts: list[str] = []
    for pointer in reading.text:
        part = at(root, pointer)
        if isinstance(part, str):
            if document.is_torn(part):
                raise UndecodableMessage(
                    DeadLetterReason.NOT_UTF8, f"invalid UTF-8 at byte {document.torn_at}"
                )
            parts.append(_plain(part, reading))
            if reading.is_first_of and not is_blank(parts[-1]):
                return parts[-1]
        elif part is not None:
            raise UndecodableMessage(
                DeadLetterReason.WRONG_SHAPE, f"{_shown(pointer)} is no string: {_kind(part)}"
            )
    if not parts:
        raise UndecodableMessage(
            DeadLetterReason.NO_TEXT, f"none of {', '.join(map(_shown, reading.text))} is present"
        )
    return "\n\n".join(filter(None, parts))


def _plain(text: str, reading: MessageTerms) -> str:
    """The text as its readers see it."""
    if reading.unescape == "html" and "&" in text and len(text) <= UNESCAPE_CHARS_MAX:
        # The library makes an integer of any digits, and Python refuses to for thousands of them.
        text = html.unescape(_ENDLESS.sub("\ufffd", _ZEROS.sub(r"&#\1", text)))
    return without_surrogates(text)


def _message(
    record: Record,
    reading: MessageTerms,
    content: _Content,
    text: str,
    skipped: str | None,
    event: MessageEvent | None,
) -> Message:
    document, unread = content.document, list[str]()
    if event is None:
        own_id = _own_id(content, reading, unread)
    else:
        own_id = _target_id(content, reading, event, unread)
    if record.headers is UNREADABLE_HEADERS:
        unread.append("headers")
    when_empty = None
    if not text and skipped is None and event != "delete" and reading.when_empty != "dead-letter":
        when_empty = reading.when_empty
    author = word(document, reading.author, "author", unread)
    conversation = word(document, reading.conversation, "conversation", unread)
    language, guess = word(document, reading.language, "language", unread), reading.language_guess
    return Message(
        position=record.position,
        timestamp_ms=record.timestamp_ms,
        text=text,
        id=own_id or str(record.position),
        author=author,
        conversation=conversation,
        language=language,
        skipped=skipped,
        facts=_facts(document.root, reading.author_facts) if reading.author_facts else (),
        when_empty=when_empty,
        unread=tuple(unread),
        event=event,
        language_guess=None if guess is None or language is not None else guessed(text, guess),
    )


def _own_id(content: _Content, reading: MessageTerms, unread: list[str]) -> str | None:
    """The id that a message gives itself."""
    own_id = word(content.document, reading.id, "id", unread)
    if own_id is None and content.event_id:
        own_id = short(content.event_id)
    if own_id is None and "id" not in unread and (content.event_id or reading.id is not None):
        unread.append("id")
    return own_id


def _target_id(
    content: _Content, reading: MessageTerms, event: MessageEvent, unread: list[str]
) -> str | None:
    """
    The id of the message that an edit or a deletion is about; a CloudEvent's own id is not it.

    An edit that does not say it is judged all the same, for people see its text.
    """
    assert reading.event is not None
    pointer = reading.event.target_of(event) or reading.id
    found = word(content.document, pointer, "id", unread)
    if found is None and event == "delete":
        raise UndecodableMessage(
            DeadLetterReason.WRONG_SHAPE,
            f"a deletion that does not say of which message: {_shown(pointer or ())} holds no id",
        )
    if found is None and "id" not in unread:
        unread.append("id")
    return found


def _skipped(headers: Headers, document: object, reading: MessageTerms) -> str | None:
    """The first rule that spares the record, or None."""
    return next((str(rule) for rule in reading.skip_when if holds(rule, headers, document)), None)


def _facts(document: object, pointers: tuple[Pointer, ...]) -> tuple[Fact, ...]:
    """What is present, and no object or list: a fact is no reason to refuse a message."""
    facts: list[Fact] = []
    for pointer in pointers:
        found = at(document, pointer)
        if isinstance(found, bool):
            found = "true" if found else "false"
        if isinstance(found, str | int | float):
            value = without_surrogates(str(found)[:FACT_CHARS_MAX])
            facts.append(Fact("/".join(pointer), value))
    return tuple(facts)


def _shown(pointer: Pointer) -> str:
    return "/" + "/".join(pointer)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


_ZEROS = re.compile(r"&#([xX]?)0+(?=[0-9a-fA-F])")
_ENDLESS = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
