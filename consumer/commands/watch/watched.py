"""Watched: what one record of an output says, read back for a person who looks on. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from consumer.domain.binding import RETRY
from consumer.domain.messages.message import Position, Record
from consumer.domain.verdicts.headers import is_envelope, rfc3339
from consumer.pipeline.dead_letters import REASON, ours_from

DEAD_LETTER = "dead-letter"
"""Stands where a verdict has its outcome."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A verdict or a dead letter; what its record does not carry is empty."""

    at_ms: int
    """When it was judged, or written."""
    outcome: str
    cause: str
    unjudged_reason: str
    """Why it is unjudged, or why it is a dead letter."""
    position: Position
    message_id: str
    policy_version: str
    labels: tuple[str, ...]
    """`policy label`, of the judgements that the outcome follows from first."""
    text: str
    """Of the message; the flag topic alone carries it."""
    rationale: str
    fields: Mapping[str, Any]
    """What --json prints: the envelope as it lies there, else its headers by the same names."""


def read_back(record: Record, sources: Container[str]) -> Watched | None:
    """What a record of an output says of one of the inputs; None where it is of another."""
    ours = dict(record.headers[ours_from(record.headers) :])
    if ours:
        return _letter(record, ours, sources)
    ours = dict(record.headers)
    position = Position.parse(_text(ours.get("safeguard-position")))
    if position is None or not _is_of(position, sources) or "safeguard-verdict-id" not in ours:
        return None
    envelope = _envelope(record)
    judgements = envelope.get("judgements") or []
    outcome = _text(ours.get("safeguard-outcome"))
    first = [each for each in judgements if each.get("outcome") == outcome]
    rest = [each for each in judgements if each.get("outcome") != outcome]
    known: dict[str, Any] = {
        "judged_at": _text(ours.get("safeguard-judged-at")),
        "outcome": outcome,
        "cause": _text(ours.get("safeguard-cause")),
        "position": {**position._asdict(), "timestamp_ms": record.timestamp_ms},
        "message": {"id": unquote(_text(ours.get("safeguard-message-id")))},
        "policy_version": unquote(_text(ours.get("safeguard-policy-version"))),
    }
    message = envelope.get("message") or {}
    return Watched(
        at_ms=_moment_ms(known["judged_at"], record.timestamp_ms),
        outcome=outcome,
        cause=known["cause"],
        unjudged_reason=str(envelope.get("unjudged_reason") or ""),
        position=position,
        message_id=known["message"]["id"],
        policy_version=known["policy_version"],
        labels=tuple(f"{each.get('policy')} {each.get('label')}" for each in first + rest),
        text=str(message.get("text") or ""),
        rationale=next((str(each["rationale"]) for each in first if each.get("rationale")), ""),
        fields=envelope or known,
    )


def _letter(
    record: Record, ours: Mapping[str, bytes | None], sources: Container[str]
) -> Watched | None:
    position = Position.parse(_text(ours.get("safeguard-position")))
    if position is None or not _is_of(position, sources):
        return None
    reason = _text(ours.get(REASON))
    error = _text(ours.get("safeguard-error"))
    return Watched(
        at_ms=record.timestamp_ms,
        outcome=DEAD_LETTER,
        cause="",
        unjudged_reason=reason,
        position=position,
        message_id="",
        policy_version="",
        labels=(),
        text="",
        rationale=error,
        fields={
            "outcome": DEAD_LETTER,
            "reason": reason,
            "error": error,
            "position": {**position._asdict(), "timestamp_ms": record.timestamp_ms},
            "written_at": rfc3339(max(0, record.timestamp_ms)),
        },
    )


def _is_of(position: Position, sources: Container[str]) -> bool:
    """Also of an input's retry topic, whose records were the input's."""
    return position.topic in sources or position.topic.removesuffix(RETRY) in sources


def _envelope(record: Record) -> dict[str, Any]:
    """The envelope; empty where the record went on as it came."""
    if record.value is None or not is_envelope(record.headers):
        return {}
    try:
        found = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "backslashreplace")


def _moment_ms(text: str, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000)
    except ValueError:
        return otherwise
