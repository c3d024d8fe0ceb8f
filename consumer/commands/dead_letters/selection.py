"""
Selection: which dead letters are meant, and what becomes of each.

Pure; time is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from consumer.commands.dead_letters.letter import Letter, LetterState, Mark, printable
from consumer.domain.messages.message import Position
from consumer.errors import InvalidSettings

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look for; what is not given is not looked at."""

    reasons: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    key: str | None = None
    """As `printable` shows it."""
    positions: frozenset[Position] = frozenset()
    limit: int = 0
    """At most so many; 0 is no limit."""

    @property
    def is_everything(self) -> bool:
        return self == Selection()

    def covers(self, reason: str | None, written_ms: int) -> bool:
        """Whether a record written then, and for that reason, can be among what is meant."""
        return (
            (not self.reasons or reason in self.reasons)
            and (self.since_ms is None or written_ms >= self.since_ms)
            and (self.until_ms is None or written_ms < self.until_ms)
        )

    def takes(self, letter: Letter) -> bool:
        return (
            self.covers(letter.reason, letter.written_ms)
            and (self.key is None or printable(letter.key) == self.key)
            and (not self.positions or letter.position in self.positions)
        )


def one_each(letters: Iterable[Letter]) -> list[Letter]:
    """
    One letter for each position, oldest first: a crash may have written one twice.

    The newest of them counts, for it has the attempts and the time that are true now.
    """
    newest = {letter.position: letter for letter in letters}
    return sorted(newest.values(), key=lambda letter: (letter.written_ms, letter.place))


def newest_of(letters: list[Letter], limit: int) -> list[Letter]:
    """The newest so many, still oldest first."""
    return letters[-limit:] if limit else letters


class Sorted(NamedTuple):
    """What a command will do with the letters that were selected."""

    taken: tuple[Letter, ...]
    done_before: tuple[Letter, ...]
    """Retried or discarded already."""
    valueless: tuple[Letter, ...]
    """Without a value, so there is nothing to send."""
    left: int
    """Beyond the limit."""


def sort_out(
    letters: list[Letter],
    marks: Mapping[Position, Mark],
    limit: int,
    *,
    again: bool,
    needs_value: bool,
) -> Sorted:
    """
    Choose what to work on, oldest first.

    The limit counts what is taken, so that the same command run once more takes the next ones.
    """
    done_before = () if again else tuple(letter for letter in letters if letter.position in marks)
    rest = [letter for letter in letters if again or letter.position not in marks]
    valueless = tuple(letter for letter in rest if needs_value and letter.value_bytes is not None)
    able = [letter for letter in rest if not needs_value or letter.value_bytes is None]
    taken = able[:limit] if limit else able
    return Sorted(tuple(taken), done_before, valueless, len(able) - len(taken))


def state_of(letter: Letter, marks: Mapping[Position, Mark]) -> LetterState:
    mark = marks.get(letter.position)
    return LetterState.OPEN if mark is None else mark.state


def moment_ms(text: str, now_ms: int, flag: str) -> int:
    """
    `2h` (ago) or an RFC 3339 time -> ms since 1970.

    Raises:
        InvalidSettings: naming the flag, for anything else.
    """
    relative = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if relative:
        return now_ms - int(relative[1]) * UNITS_S[relative[2]] * 1_000
    instant = instant_ms(text)
    if instant is None:
        raise InvalidSettings(
            f"{flag} {text}: write a time such as 2026-01-31T08:00:00Z, or how long ago, as in "
            "90s, 30m, 2h, 7d"
        )
    return instant


def instant_ms(text: str) -> int | None:
    """An RFC 3339 time -> ms since 1970; None for anything else, a time without its zone too."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp() * 1_000) if moment.tzinfo is not None else None


def position_of(text: str) -> Position:
    """
    `topic/partition/offset`, as `safeguard dead-letters list` prints it.

    Raises:
        InvalidSettings: the text is no position.
    """
    found = Position.parse(text)
    if found is None:
        raise InvalidSettings(f"{text} is no position: write it as topic/partition/offset")
    return found


def age(ms: int) -> str:
    """How long, in the largest unit that says something: `90s`, `45m`, `5h`, `12d`."""
    seconds = max(0, ms // 1_000)
    for unit, above in (("s", 120), ("m", 7_200), ("h", 172_800)):
        if seconds < above:
            return f"{seconds // UNITS_S[unit]}{unit}"
    return f"{seconds // UNITS_S['d']}d"
