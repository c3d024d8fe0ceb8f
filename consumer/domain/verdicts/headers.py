"""The headers of a verdict record, ours and the input's: what is in them, and that it is ASCII."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Headers, Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, Verdict

MESSAGE_ID_CHARS_MAX = 256
"""Of the header alone, by contract with who reads it; the envelope has the id whole."""
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last moment of the years 1 to 9999, in ms since 1970."""
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


def verdict_headers(
    verdict: Verdict, record: Record, group: str, term: int, *, as_event: bool
) -> list[tuple[str, bytes | None]]:
    """
    The `safeguard-*` headers of a verdict record; every value is ASCII.

    An envelope is an event as well: CloudEvents 1.0 in binary mode (Kafka protocol binding).
    """
    message, screened = verdict.message, verdict.screened
    topic, partition, offset = record.position
    verdict_id, message_id = verdict.id.encode(), percent(message.id)
    judged_at = rfc3339(verdict.judged_at_ms).encode()
    headers: list[tuple[str, bytes | None]] = [
        ("safeguard-verdict-id", verdict_id),
        *_decided(verdict.outcome, verdict.cause),
        *_policies(verdict.version.id, verdict.version.digest),
        ("safeguard-position", f"{topic}/{partition}/{offset}".encode()),
        ("safeguard-message-id", message_id),
        *_owner(group, term),
        ("safeguard-judged-at", judged_at),
    ]
    if message.unread:
        headers.append(("safeguard-unread", ",".join(message.unread).encode()))
    if message.event is not None:
        headers.append((EVENT, message.event.encode()))
    if screened is not None and screened.audit_probability is not None:
        # Of what is passed through nothing else says it, and who learns from it weighs by it.
        headers.append((PROBABILITY, b"%g" % screened.audit_probability))
    if verdict.supersedes is not None:
        headers.append(("safeguard-supersedes", verdict.supersedes.encode()))
    if as_event:
        headers += (
            *_event(message.position.topic),
            ("ce_id", verdict_id),
            ("ce_subject", message_id),
            ("ce_time", judged_at),
        )
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


@lru_cache(maxsize=1_024)
def _event(topic: str) -> Headers:
    """What the events of all messages of a topic have in common."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", EVENT_TYPE.encode()),
        ("ce_source", b"/" + percent(topic)),
        ("content-type", b"application/json"),
    )


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
    """
    Milliseconds since 1970 as RFC 3339 in UTC; a verdict says the same moment three times.

    What no calendar holds is its first or its last moment: some clients stamp records with
    nanoseconds.
    """
    wall_ms = min(max(EARLIEST_MS, wall_ms), LATEST_MS)
    return f"{_to_the_second(wall_ms // 1_000)}.{wall_ms % 1_000:03d}Z"


@lru_cache(maxsize=64)
def _to_the_second(wall_s: int) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
