"""The headers of a verdict record, ours and the input's: what is in them, and that it is ASCII."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Headers, Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, Verdict

MESSAGE_ID_CHARS_MAX = 256
"""Of the header alone, by contract with who reads it; the envelope has the id whole."""
EVENT_TYPE = "safeguard.verdict.v1"
OWN_PREFIX = "safeguard-"
EVENT = "safeguard-event"
"""On verdicts on edits and deletions alone; what they are about is `safeguard-message-id`."""
PROBABILITY = "safeguard-audit-probability"
"""Where a filter would have settled the message, or has: how likely the model was to be asked."""
SAFE = "/@:.-_~"
"""Stands as it is in a percent-encoded header, beside ASCII letters and digits."""
_PLAIN = re.compile("[A-Za-z0-9/@:._~-]*")
"""What `quote` would leave as it is; most ids are like that, and it takes ten times as long."""
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}[!-~]{0,200}")


def verdict_headers(verdict: Verdict, record: Record, group: str, term: int) -> list[Any]:
    """The `safeguard-*` headers of a verdict record; every value is ASCII."""
    topic, partition, offset = record.position
    headers: list[tuple[str, bytes | None]] = [
        ("safeguard-verdict-id", verdict.id.encode()),
        *_decided(verdict.outcome, verdict.cause),
        *_policies(verdict.version.id, verdict.version.digest),
        ("safeguard-position", f"{topic}/{partition}/{offset}".encode()),
        ("safeguard-message-id", percent(verdict.message.id)),
        *_owner(group, term),
        ("safeguard-judged-at", rfc3339(verdict.judged_at_ms).encode()),
    ]
    if verdict.message.unread:
        headers.append(("safeguard-unread", ",".join(verdict.message.unread).encode()))
    if verdict.message.event is not None:
        headers.append((EVENT, verdict.message.event.encode()))
    if verdict.screened is not None and verdict.screened.audit_probability is not None:
        # Of what is passed through nothing else says it, and who learns from it weighs by it.
        headers.append((PROBABILITY, b"%g" % verdict.screened.audit_probability))
    if verdict.supersedes is not None:
        headers.append(("safeguard-supersedes", verdict.supersedes.encode()))
    return headers


@lru_cache(maxsize=64)
def _decided(outcome: Outcome, cause: Cause) -> Headers:
    """Like the two below the same for most messages of a batch, so made once."""
    return (("safeguard-outcome", outcome.encode()), ("safeguard-cause", cause.encode()))


@lru_cache(maxsize=64)
def _policies(version_id: str, digest: str) -> Headers:
    return (
        ("safeguard-policy-version", percent(version_id)),
        ("safeguard-policy-digest", digest.encode()),
    )


@lru_cache(maxsize=1_024)
def _owner(group: str, term: int) -> Headers:
    return (("safeguard-group", percent(group)), ("safeguard-term", b"%d" % term))


_EVENT: Headers = (("ce_specversion", b"1.0"), ("ce_type", EVENT_TYPE.encode()))
_JSON = ("content-type", b"application/json")


def cloudevent_headers(verdict: Verdict) -> list[tuple[str, bytes | None]]:
    """CloudEvents 1.0 in binary mode (Kafka protocol binding)."""
    return [
        *_EVENT,
        ("ce_id", verdict.id.encode()),
        ("ce_source", b"/" + percent(verdict.message.position.topic)),
        ("ce_subject", percent(verdict.message.id)),
        ("ce_time", rfc3339(verdict.judged_at_ms).encode()),
        _JSON,
    ]


def renamed(headers: Headers) -> list[tuple[str, bytes | None]]:
    """
    The input's headers with every `safeguard-*` renamed `upstream-safeguard-*`.

    Nobody's input can forge a verdict, or mark a position as judged.
    """
    return [
        ("upstream-" + name if name.lower().startswith(OWN_PREFIX) else name, value)
        for name, value in headers
    ]


def traceparent(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The input's W3C trace context, handed on."""
    first = next((value for name, value in headers if name == "traceparent"), None)
    return [("traceparent", first)] if first and _TRACEPARENT.fullmatch(first) else []


def is_passthrough(verdict: Verdict, binding: Binding) -> bool:
    """Whether the record goes on as it came: never to reviewers, who need the envelope."""
    return binding.outputs.payload == "passthrough" and verdict.outcome is not Outcome.FLAG


def is_envelope(headers: Headers) -> bool:
    """
    Whether a verdict record carries an envelope, and not the input's own value.

    A producer's own CloudEvents headers stand before ours, those of an envelope after them.
    """
    names = [name for name, _ in headers]
    return "ce_type" in names[names.index("safeguard-verdict-id") :]


@lru_cache(maxsize=4_096)
def percent(text: str) -> bytes:
    """Percent-encoded ASCII, at most 256 characters."""
    if len(text) <= MESSAGE_ID_CHARS_MAX and _PLAIN.fullmatch(text):
        return text.encode()
    encoded = quote(text, safe=SAFE)
    while len(encoded) > MESSAGE_ID_CHARS_MAX:
        # A character cut in two could not be decoded.
        text = text[: min(len(text) - 1, MESSAGE_ID_CHARS_MAX)]
        encoded = quote(text, safe=SAFE)
    return encoded.encode()


@lru_cache(maxsize=64)
def rfc3339(wall_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC; a verdict says the same moment three times."""
    return f"{_to_the_second(wall_ms // 1_000)}.{wall_ms % 1_000:03d}Z"


@lru_cache(maxsize=64)
def _to_the_second(wall_s: int) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
