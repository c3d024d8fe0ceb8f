"""
Retry: what a record that was sent again says of itself, and what of it is believed.

`safeguard dead-letters retry` writes a record of `x` once more, on `x.retry`, and adds where it was
first consumed and how often it was tried. On a retry topic alone these two headers are ours; on
every other input they are what a producer wrote, and are renamed like all `safeguard-*` headers.

A message that people reported is judged a second time in the same way: its record comes once more
on `x.retry`, with the id of the verdict that the new one takes the place of.

In every function `origin` is the topic that the outputs are named after (`Binding.origin_of`): the
record's own topic, but for a retry topic.
"""

from __future__ import annotations

import re

from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.verdicts.headers import renamed

FIRST_POSITION = "safeguard-first-position"
ATTEMPTS = "safeguard-attempts"
SUPERSEDES = "safeguard-supersedes"


def first_position(record: Record, origin: str) -> Position | None:
    """Where a retried record was first consumed, or None for what is not retried."""
    if not record.headers or record.position.topic == origin:
        return None
    for name, value in reversed(record.headers):
        if name == FIRST_POSITION and _is_position(value, origin):
            return Position.parse((value or b"").decode())
    return None


def attempts(record: Record, origin: str) -> int:
    """How often the record was tried, with this time: 1 for what is not retried."""
    if record.position.topic == origin:
        return 1
    for name, value in reversed(record.headers):
        if name == ATTEMPTS and _is_count(value):
            return int(value or b"1")
    return 1


def superseded(record: Record, origin: str) -> str | None:
    """The verdict that a second judgement takes the place of; None for what is judged first."""
    if record.position.topic == origin:
        return None
    found = next((value for name, value in reversed(record.headers) if name == SUPERSEDES), None)
    return found.decode() if found is not None and _is_verdict_id(found) else None


def handed_on(record: Record, origin: str) -> list[tuple[str, bytes | None]]:
    """The record's headers as others get to see them: none that could be taken for ours."""
    if record.position.topic == origin:
        return renamed(record.headers)
    return renamed(
        tuple(
            (name, value)
            for name, value in record.headers
            if not (name == FIRST_POSITION and _is_position(value, origin))
            and not (name == ATTEMPTS and _is_count(value))
            and not (name == SUPERSEDES and _is_verdict_id(value))
        )
    )


def retry_headers(first: Position | None, tried: int) -> Headers:
    """What the retry command adds to a record that was tried so often before."""
    count: Headers = ((ATTEMPTS, b"%d" % (tried + 1)),)
    return count if first is None else ((FIRST_POSITION, str(first).encode()), *count)


def second_judgement(record: Record, origin: str, verdict: str) -> Headers:
    """All headers of a record that is to be judged once more, in the place of that verdict."""
    first = first_position(record, origin) or record.position
    ours = ((FIRST_POSITION, str(first).encode()), (SUPERSEDES, verdict.encode()))
    return (*handed_on(record, origin), *ours)


def _is_position(value: bytes | None, origin: str) -> bool:
    found = Position.parse((value or b"").decode("ascii", "replace"))
    return found is not None and found.topic == origin


def _is_verdict_id(value: bytes | None) -> bool:
    return bool(value and re.fullmatch(rb"[0-9a-f]{32}", value))


def _is_count(value: bytes | None) -> bool:
    return bool(value and re.fullmatch(rb"[1-9][0-9]{0,5}", value))
