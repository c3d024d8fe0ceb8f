"""
Record -> Message, as the topic's `Reading` describes it, or a reason why not.

A total function: whatever the bytes are, it returns a `Message` or raises `UndecodableMessage`
whose reason is one of `DeadLetterReason`. No error text quotes the user. Only the text is needed:
what else cannot be read is left out, and the message says so.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from consumer.domain.binding import MessageTerms, Pointer
from consumer.domain.messages.blank import is_blank
from consumer.domain.messages.cloudevents import event_of
from consumer.domain.messages.documents import Document, document_of, text_of
from consumer.domain.messages.message import Fact, Headers, Message, Record
from consumer.errors import DeadLetterReason as DeadLetterReason
from consumer.errors import UndecodableMessage

ID_CHARS_MAX = 1024
"""Longest id, author, conversation or language; what is longer is none."""
UNESCAPE_CHARS_MAX = 1_000_000
"""Longer texts are judged as they were written: nobody judges so much at once anyway."""
FACT_CHARS_MAX = 80
"""Longest fact about an author; of a longer one the beginning is kept."""
EMPTY = (DeadLetterReason.NO_TEXT, DeadLetterReason.EMPTY_TEXT)
"""Why a record has no text: then the topic's `when_empty` says what becomes of it."""

UNREADABLE_HEADERS: Headers = (("safeguard-unreadable-headers", None),)
"""Stands for headers that the client could not decode; told by identity, so none can forge it."""


class _Content(NamedTuple):
    """What a record holds, before anything is looked for in it."""

    document: Document = Document(None)
    text: str | None = None
    """The text, where it is not to be looked for in the document."""
    event_id: object = None
    headers: Headers = ()


def decode(record: Record, reading: MessageTerms) -> Message:
    """
    Read a record as a message.

    Rules that skip come before the text: what they spare needs none.

    Raises:
        UndecodableMessage: with a `DeadLetterReason` and the place that is wrong.
    """
    if record.headers is UNREADABLE_HEADERS and reading.format == "cloudevents":
        raise UndecodableMessage(
            DeadLetterReason.UNREADABLE_HEADERS,
            "a header name is not UTF-8, and the headers of a CloudEvent say how to read it",
        )
    skipped = _skipped(record.headers, None, reading) if reading.skip_when else None
    content, text = _Content(), ""
    try:
        content = _content(record, reading)
        if skipped is None and reading.skip_when:
            skipped = _skipped(content.headers, content.document.root, reading)
        text = _text(content, reading)
    except UndecodableMessage as error:
        may_be_empty = reading.when_empty != "dead-letter" and error.reason in EMPTY
        if skipped is None and not may_be_empty:
            raise
    return _message(record, reading, content, text, skipped)


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


def _at(document: object, pointer: Pointer) -> object:
    """What a JSON Pointer points at, or None where the path ends early."""
    for step in pointer:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdecimal():
            try:
                document = document[int(step)]
            except (IndexError, ValueError):
                # Past its end, or past what Python makes a number of.
                return None
        else:
            return None
    return document


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
        part = _at(root, pointer)
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
    return _without_surrogates(text)


def _message(
    record: Record, reading: MessageTerms, content: _Content, text: str, skipped: str | None
) -> Message:
    document, unread = content.document, list[str]()
    own_id = _word(document, reading.id, "id", unread)
    if own_id is None and content.event_id:
        own_id = _short(content.event_id)
    if own_id is None and "id" not in unread and (content.event_id or reading.id is not None):
        unread.append("id")
    if record.headers is UNREADABLE_HEADERS:
        unread.append("headers")
    when_empty = None
    if not text and skipped is None and reading.when_empty != "dead-letter":
        when_empty = reading.when_empty
    return Message(
        position=record.position,
        timestamp_ms=record.timestamp_ms,
        text=text,
        id=own_id or str(record.position),
        author=_word(document, reading.author, "author", unread),
        conversation=_word(document, reading.conversation, "conversation", unread),
        language=_word(document, reading.language, "language", unread),
        skipped=skipped,
        facts=_facts(document.root, reading.author_facts) if reading.author_facts else (),
        when_empty=when_empty,
        unread=tuple(unread),
    )


def _word(document: Document, pointer: Pointer | None, name: str, unread: list[str]) -> str | None:
    """A short scalar such as an id; absent, null and empty are the same, anything else unread."""
    found = None if pointer is None else _at(document.root, pointer)
    if found is None or found == "":
        return None
    if isinstance(found, str) and found.isascii() and len(found) <= ID_CHARS_MAX:
        # Nearly all are; what follows would come to the same.
        return found
    word = None if isinstance(found, str) and document.is_torn(found) else _short(found)
    if word is None:
        unread.append(name)
    return word


def _short(found: object) -> str | None:
    """A string or an integer that is no longer than ids are; else None."""
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    word = _without_surrogates(found) if isinstance(found, str) else str(found)
    return word if len(word) <= ID_CHARS_MAX else None


def _skipped(headers: Headers, document: object, reading: MessageTerms) -> str | None:
    """The first rule that spares the record, or None."""
    for rule in reading.skip_when:
        if rule.header is not None:
            found: object = next(
                (value for name, value in headers if name == rule.header and value), None
            )
            found = found.decode("utf-8", "replace") if isinstance(found, bytes) else None
        elif document is None:
            continue
        else:
            found = _at(document, rule.field or ())
            if isinstance(found, bool):
                found = "true" if found else "false"
        if (isinstance(found, str) and found in rule.values) or (
            isinstance(found, int) and str(found) in rule.values
        ):
            return str(rule)
    return None


def _facts(document: object, pointers: tuple[Pointer, ...]) -> tuple[Fact, ...]:
    """What is present, and no object or list: a fact is no reason to refuse a message."""
    facts: list[Fact] = []
    for pointer in pointers:
        found = _at(document, pointer)
        if isinstance(found, bool):
            found = "true" if found else "false"
        if isinstance(found, str | int | float):
            value = _without_surrogates(str(found)[:FACT_CHARS_MAX])
            facts.append(Fact("/".join(pointer), value))
    return tuple(facts)


def _without_surrogates(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


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
