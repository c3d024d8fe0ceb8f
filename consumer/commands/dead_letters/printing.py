"""Printing: dead letters as lines of a table, and as fields of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from consumer.commands.dead_letters.letter import Letter, Mark, printable
from consumer.commands.dead_letters.selection import age, state_of
from consumer.domain.messages.message import Position, Record
from consumer.domain.verdicts.headers import rfc3339
from consumer.pipeline.dead_letters import VALUE_BLAKE2B

ERROR_CHARS_SHOWN = 72


def print_table(letters: Iterable[Letter], marks: Mapping[Position, Mark], now_ms: int) -> None:
    rows = [("position", "reason", "error", "age", "attempts", "state")]
    for letter in letters:
        error = letter.error
        if len(error) > ERROR_CHARS_SHOWN:
            error = error[: ERROR_CHARS_SHOWN - 1] + "…"
        rows.append(
            (
                str(letter.position),
                letter.reason,
                error,
                age(now_ms - letter.written_ms),
                str(letter.attempts),
                state_of(letter, marks).value,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows[len(rows) == 1 :]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(printable("  ".join(cells).rstrip().encode()))


def fields(letter: Letter, marks: Mapping[Position, Mark]) -> dict[str, object]:
    mark = marks.get(letter.position)
    return {
        "position": str(letter.position),
        "first_position": str(letter.first) if letter.first else None,
        "dead_letter": str(letter.place),
        "reason": letter.reason,
        "error": letter.error,
        "written_at": rfc3339(letter.written_ms),
        "attempts": letter.attempts,
        "key": None if letter.key is None else printable(letter.key),
        "has_value": letter.value_bytes is None,
        "state": state_of(letter, marks),
        "state_at": rfc3339(mark.at_ms) if mark else None,
    }


def value_text(record: Record, letter: Letter, with_value: bool) -> str:
    if letter.value_bytes is not None:
        digest = printable(dict(record.headers).get(VALUE_BLAKE2B))
        return f"too large, left out: {letter.value_bytes} bytes, BLAKE2b {digest}"
    if record.value is None:
        return "none: a tombstone"
    if with_value:
        return "\n".join(printable(line) for line in record.value.split(b"\n"))
    return f"{len(record.value)} bytes of user text; --value prints them"
