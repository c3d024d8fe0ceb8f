"""Why a record is set aside instead of judged: a closed list, part of the wire contract."""

from __future__ import annotations

from enum import StrEnum

from consumer.errors import UndecodableMessage


class DeadLetterReason(StrEnum):
    """Why a record is set aside: a closed list, part of the wire contract."""

    TOMBSTONE = "tombstone"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    NO_TEXT = "no_text"
    EMPTY_TEXT = "empty_text"
    SCHEMA_REGISTRY_FRAMED = "schema_registry_framed"
    UNREADABLE_HEADERS = "unreadable_headers"
    TOO_LARGE = "too_large"


def undecodable(reason: DeadLetterReason, message: str) -> UndecodableMessage:
    """The error to raise for a record that is no message; `message` quotes no user."""
    return UndecodableMessage(reason.value, message)
