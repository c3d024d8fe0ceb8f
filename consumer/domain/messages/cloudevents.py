"""
CloudEvents 1.0 in Kafka -> what the event is about.

Structured mode is told by the record's content type, binary mode by the header `ce_specversion`
(CloudEvents, Kafka protocol binding). Where a record has neither, its value may be an event all the
same: converters such as Debezium's write structured events without any header.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from consumer.domain.messages.documents import Document, document_of, text_of
from consumer.domain.messages.message import Headers
from consumer.errors import DeadLetterReason, UndecodableMessage


class Event(NamedTuple):
    """What an event carries: a document, or a text where its content type says so."""

    document: Document = Document(None)
    text: str | None = None
    id: object = None
    """As the producer gave it; not yet looked at."""
    attributes: Headers = ()
    """Of structured mode, under the names that they have as headers in binary mode."""


CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
"""Charsets that are read; Latin-1 is Windows-1252, as browsers have it (WHATWG, Encoding)."""


def event_of(value: bytes, headers: Headers) -> Event:
    """
    Read an event.

    Raises:
        UndecodableMessage: it is none, or its data cannot be read.
    """
    named = {name.lower(): content for name, content in headers}
    content_type = (named.get("content-type") or b"").decode("latin-1").lower()
    if content_type.startswith("application/cloudevents-batch"):
        raise UndecodableMessage(DeadLetterReason.WRONG_SHAPE, "batched CloudEvents are not read")
    if content_type.startswith("application/cloudevents") or "ce_specversion" not in named:
        return _structured(value)
    event_id = (named.get("ce_id") or b"").decode("utf-8", "replace")
    if is_text(content_type):
        return Event(text=_in_charset(value, content_type), id=event_id)
    return Event(document_of(value), id=event_id)


def is_text(content_type: str) -> bool:
    """Whether data of this content type is the text itself."""
    kind = content_type.strip()
    return kind.startswith("text/") and not kind.startswith("text/json")


def _structured(value: bytes) -> Event:
    document = document_of(value)
    event = document.root
    if not isinstance(event, dict) or "specversion" not in event:
        raise UndecodableMessage(
            DeadLetterReason.WRONG_SHAPE,
            "no CloudEvent: neither header ce_specversion nor a field specversion is there",
        )
    attributes = tuple(
        (f"ce_{name}", found.encode("utf-8", "replace"))
        for name, found in event.items()
        if isinstance(found, str) and not name.startswith("data")
    )
    about = Event(id=event.get("id"), attributes=attributes)
    given = event.get("datacontenttype")
    content_type = given.lower() if isinstance(given, str) else ""
    data = event.get("data")
    if data is not None:
        if is_text(content_type) and isinstance(data, str):
            if document.is_torn(data):
                raise UndecodableMessage(
                    DeadLetterReason.NOT_UTF8, f"invalid UTF-8 at byte {document.torn_at}"
                )
            return about._replace(text=data)
        return about._replace(document=Document(data, document.torn_at))
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        # Without data there is no text in it, but there are attributes for rules that skip.
        return about._replace(document=Document({}))
    try:
        binary = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UndecodableMessage(DeadLetterReason.WRONG_SHAPE, "data_base64 is none") from None
    if is_text(content_type):
        return about._replace(text=_in_charset(binary, content_type))
    return about._replace(document=document_of(binary))


def _in_charset(value: bytes, content_type: str) -> str:
    _, named, charset = content_type.partition("charset=")
    encoding = CHARSETS.get(charset.partition(";")[0].strip(" \"'")) if named else None
    if encoding is None or encoding == "utf-8":
        return text_of(value)
    return value.decode(encoding, "replace")
