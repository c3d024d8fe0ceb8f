"""Record: what the client library hands over, made one of ours."""

from __future__ import annotations

from typing import cast

from confluent_kafka import Message as KafkaMessage

from consumer.domain.messages.decoding import UNREADABLE_HEADERS
from consumer.domain.messages.message import Headers, Position, Record


def record_of(message: KafkaMessage) -> Record:
    """The record in a message that is no error."""
    return Record(
        # A record without an error has all three.
        Position(
            *cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
        ),
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers_of(message),
    )


def headers_of(message: KafkaMessage) -> Headers:
    """The headers as they came; those whose names are no UTF-8 are marked as unreadable."""
    try:
        found = message.headers()
        return cast("Headers", tuple(found)) if found else ()
    except UnicodeDecodeError:
        return UNREADABLE_HEADERS
