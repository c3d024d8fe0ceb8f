"""Which dead letters are meant, and what becomes of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumer.commands.dead_letters.letter import Letter, LetterState, Mark
from consumer.commands.dead_letters.selection import (
    Selection,
    age,
    moment_ms,
    newest_of,
    one_each,
    position_of,
    sort_out,
    state_of,
)
from consumer.domain.messages.message import Position
from consumer.errors import InvalidSettings

NOW_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z"""


def a_letter(offset: int = 0, **changes: Any) -> Letter:
    letter = Letter(
        place=Position("chat.dead-letter", 0, offset),
        position=Position("chat", 0, offset),
        source="chat",
        first=Position("chat", 0, offset),
        reason="no_text",
        error="UndecodableMessage: none",
        attempts=1,
        key=b"k",
        written_ms=1_000 + offset,
        value_bytes=None,
    )
    return replace(letter, **changes)


@pytest.mark.parametrize(
    ("selection", "is_taken"),
    [
        (Selection(), True),
        (Selection(reasons=frozenset({"no_text", "not_json"})), True),
        (Selection(reasons=frozenset({"not_json"})), False),
        (Selection(since_ms=1_000, until_ms=1_001), True),
        (Selection(since_ms=1_001), False),
        (Selection(until_ms=1_000), False),
        (Selection(key="k"), True),
        (Selection(key="K"), False),
        (Selection(positions=frozenset({Position("chat", 0, 0)})), True),
        (Selection(positions=frozenset({Position("chat", 0, 1)})), False),
        (Selection(key="k", reasons=frozenset({"not_json"})), False),
    ],
)
def test_every_filter_must_agree(selection: Selection, is_taken: bool) -> None:
    """A letter is taken where nothing that was given speaks against it."""
    assert selection.takes(a_letter()) is is_taken


def test_all_letters_are_meant_where_nothing_was_asked_for() -> None:
    assert Selection().is_everything
    assert not Selection(key="k").is_everything
    assert not Selection(limit=1).is_everything


def test_a_key_is_matched_as_it_is_shown() -> None:
    """Keys that are no text, and none at all, can be named too."""
    assert Selection(key="(null)").takes(a_letter(key=None))
    assert Selection(key="\\xff").takes(a_letter(key=b"\xff"))
    assert not Selection(key="").takes(a_letter(key=None))


def test_a_position_counts_once() -> None:
    """A crash may have written a letter twice; the newer one stands for both, oldest first."""
    first = a_letter(1)
    twice = a_letter(0, place=Position("chat.dead-letter", 0, 9), attempts=2)
    assert one_each([a_letter(0, written_ms=5_000), twice, first]) == [twice, first]
    assert newest_of([twice, first], 1) == [first]
    assert newest_of([twice, first], 0) == [twice, first]


def test_what_was_done_is_skipped_and_the_limit_counts_what_is_left() -> None:
    """The same command run once more takes the next ones."""
    letters = [a_letter(offset) for offset in range(5)]
    letters[1] = replace(letters[1], value_bytes=9)
    marks = {letters[0].position: Mark(LetterState.RETRIED, 0, 2)}
    work = sort_out(letters, marks, 2, again=False, needs_value=True)
    assert work.taken == (letters[2], letters[3])
    assert work.done_before == (letters[0],)
    assert work.valueless == (letters[1],)
    assert work.left == 1
    assert state_of(letters[0], marks) is LetterState.RETRIED
    assert state_of(letters[2], marks) is LetterState.OPEN


def test_again_takes_what_was_done_before() -> None:
    """Where it is asked for; and what needs no value takes letters without one."""
    letter = a_letter(value_bytes=9)
    marks = {letter.position: Mark(LetterState.DISCARDED, 0, 1)}
    assert sort_out([letter], marks, 0, again=True, needs_value=False).taken == (letter,)
    assert sort_out([letter], marks, 0, again=True, needs_value=True).valueless == (letter,)
    assert sort_out([letter], marks, 0, again=False, needs_value=True).done_before == (letter,)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", NOW_MS - 90_000),
        ("30m", NOW_MS - 1_800_000),
        ("2h", NOW_MS - 7_200_000),
        ("7d", NOW_MS - 604_800_000),
        ("1w", NOW_MS - 604_800_000),
        ("2026-01-01T00:00:00Z", NOW_MS),
        ("2026-01-01T01:00:00+01:00", NOW_MS),
    ],
)
def test_moments(text: str, ms: int) -> None:
    """How long ago, or a time with its zone."""
    assert moment_ms(text, NOW_MS, "--since") == ms


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2026-01-01T00:00:00", "yesterday", "2 h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """By the flag's name, with examples."""
    with pytest.raises(InvalidSettings, match="--since"):
        moment_ms(text, NOW_MS, "--since")


def test_positions_are_read_and_refused() -> None:
    """As `list` prints them."""
    assert position_of("chat/0/7") == Position("chat", 0, 7)
    with pytest.raises(InvalidSettings, match="topic/partition/offset"):
        position_of("chat/0")


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119_999, "119s"),
        (120_000, "2m"),
        (7_199_999, "119m"),
        (7_200_000, "2h"),
        (172_799_999, "47h"),
        (172_800_000, "2d"),
        (864_000_000, "10d"),
    ],
)
def test_ages(ms: int, text: str) -> None:
    """In the unit that says something."""
    assert age(ms) == text
