"""
Record -> Message, as the topic's `Reading` describes it, or a reason why not.

A total function: whatever the bytes are, it returns a `Message` or raises `UndecodableMessage`
whose reason is one of `DeadLetterReason`. No error text quotes the user.
"""

from __future__ import annotations

import base64
import binascii
import json

import orjson

from consumer.domain.binding import Pointer, Reading
from consumer.domain.message import Fact, Headers, Message, Record
from consumer.errors import DeadLetterReason as DeadLetterReason
from consumer.errors import UndecodableMessage

ID_CHARS_MAX = 1024
"""Longest id, author, conversation or language; a longer one is a fault of the producer."""
FACT_CHARS_MAX = 80
"""Longest fact about an author; of a longer one the beginning is kept."""


UNREADABLE_HEADERS: Headers = (("safeguard-unreadable-headers", None),)
"""Stands for headers that the client could not decode; told by identity, so none can forge it."""


def decode(record: Record, reading: Reading) -> Message:
    """
    Read a record as a message.

    Raises:
        UndecodableMessage: with a `DeadLetterReason` and the place that is wrong.
    """
    if record.headers is UNREADABLE_HEADERS:
        raise _undecodable(DeadLetterReason.UNREADABLE_HEADERS, "a header name is not UTF-8")
    if record.value is None:
        raise _undecodable(DeadLetterReason.TOMBSTONE, "the record has no value")
    value = _unframed(record.value, reading)
    if reading.format == "text":
        return _message(record, reading, document=None, text=_utf8(value), event_id=None)
    document: object
    event_id: str | None = None
    if reading.format == "cloudevents":
        document, event_id = _cloudevent(record, value)
    else:
        document = _json(value)
    return _message(record, reading, document, _text(document, reading.text), event_id)


def _undecodable(reason: DeadLetterReason, message: str) -> UndecodableMessage:
    return UndecodableMessage(reason, message)


def _unframed(value: bytes, reading: Reading) -> bytes:
    if reading.format == "text" or value[:1] != b"\x00" or len(value) < 5:
        return value
    if reading.framing == "schema-registry-json":
        return value[5:]
    schema_id = int.from_bytes(value[1:5], "big")
    raise _undecodable(
        DeadLetterReason.SCHEMA_REGISTRY_FRAMED,
        f"the value is framed for a Schema Registry (schema id {schema_id}); for JSON Schema set "
        'framing = "schema-registry-json" under [message], Avro and Protobuf are not read',
    )


def _utf8(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(
            DeadLetterReason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}"
        ) from None


def _json(value: bytes) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _json_leniently(value, error)


def _json_leniently(value: bytes, error: orjson.JSONDecodeError) -> object:
    """A lone surrogate is no reason to let a message go unjudged: read it, marked as U+FFFD."""
    text = _utf8(value)
    if "\\u" in text:
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            pass
    raise _undecodable(
        DeadLetterReason.NOT_JSON, f"not JSON at line {error.lineno}, column {error.colno}"
    )


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _cloudevent(record: Record, value: bytes) -> tuple[object, str | None]:
    """CloudEvents 1.0, Kafka binding: structured mode by content type, else binary mode."""
    headers = {name.lower(): content for name, content in record.headers}
    content_type = (headers.get("content-type") or b"").lower()
    if content_type.startswith(b"application/cloudevents-batch"):
        raise _undecodable(DeadLetterReason.WRONG_SHAPE, "batched CloudEvents are not read")
    if content_type.startswith(b"application/cloudevents"):
        event = _json(value)
        if not isinstance(event, dict) or "specversion" not in event:
            raise _undecodable(DeadLetterReason.WRONG_SHAPE, "no CloudEvent: specversion is absent")
        event_id = event.get("id")
        return _event_data(event), _event_id(event_id) if isinstance(event_id, str) else None
    if "ce_specversion" not in headers:
        raise _undecodable(
            DeadLetterReason.WRONG_SHAPE, "no CloudEvent: header ce_specversion is absent"
        )
    return _json(value), _event_id((headers.get("ce_id") or b"").decode("utf-8", "replace"))


def _event_id(text: str) -> str | None:
    if len(text) > ID_CHARS_MAX:
        raise _undecodable(
            DeadLetterReason.WRONG_SHAPE, f"the event's id is longer than {ID_CHARS_MAX} characters"
        )
    return _without_surrogates(text) or None


def _event_data(event: dict[str, object]) -> object:
    if "data" in event:
        return event["data"]
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        raise _undecodable(DeadLetterReason.NO_TEXT, "the CloudEvent has no data")
    try:
        return _json(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        raise _undecodable(DeadLetterReason.WRONG_SHAPE, "data_base64 is not base64") from None


def _at(document: object, pointer: Pointer) -> object:
    """What a JSON Pointer points at, or None where the path ends early."""
    for step in pointer:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdecimal():
            document = document[int(step)] if len(step) < 10 and int(step) < len(document) else None
        else:
            return None
    return document


def _text(document: object, pointers: tuple[Pointer, ...]) -> str:
    if not isinstance(document, (dict, list)):
        raise _undecodable(DeadLetterReason.WRONG_SHAPE, "the value is no JSON object")
    parts: list[str] = []
    for pointer in pointers:
        part = _at(document, pointer)
        if isinstance(part, str):
            parts.append(part)
        elif part is not None:
            raise _undecodable(
                DeadLetterReason.WRONG_SHAPE, f"{_shown(pointer)} is no string: {_kind(part)}"
            )
    if not parts:
        raise _undecodable(
            DeadLetterReason.NO_TEXT, f"none of {', '.join(map(_shown, pointers))} is present"
        )
    return parts[0] if len(parts) == 1 else "\n\n".join(part for part in parts if part)


def _message(
    record: Record, reading: Reading, document: object, text: str, event_id: str | None
) -> Message:
    if not text or text.isspace():
        raise _undecodable(DeadLetterReason.EMPTY_TEXT, "the text is empty or white space")
    found = None if reading.id is None else _word(document, reading.id)
    return Message(
        position=record.position,
        timestamp_ms=record.timestamp_ms,
        text=_without_surrogates(text),
        id=found or event_id or str(record.position),
        author=None if reading.author is None else _word(document, reading.author),
        conversation=None
        if reading.conversation is None
        else _word(document, reading.conversation),
        language=None if reading.language is None else _word(document, reading.language),
        skipped=_skipped(record, document, reading) if reading.skip_when else None,
        facts=_facts(document, reading.author_facts) if reading.author_facts else (),
    )


def _word(document: object, pointer: Pointer) -> str | None:
    """A short scalar such as an id; absent, null and empty are the same."""
    found = _at(document, pointer)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        raise _undecodable(
            DeadLetterReason.WRONG_SHAPE,
            f"{_shown(pointer)} is no string or integer: {_kind(found)}",
        )
    word = _without_surrogates(found) if isinstance(found, str) else str(found)
    if len(word) > ID_CHARS_MAX:
        raise _undecodable(
            DeadLetterReason.WRONG_SHAPE,
            f"{_shown(pointer)} is longer than {ID_CHARS_MAX} characters",
        )
    return word or None


def _skipped(record: Record, document: object, reading: Reading) -> str | None:
    for rule in reading.skip_when:
        if rule.header is not None:
            found: object = next(
                (value for name, value in record.headers if name == rule.header and value), None
            )
            found = found.decode("utf-8", "replace") if isinstance(found, bytes) else None
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
