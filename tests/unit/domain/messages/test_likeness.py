"""Texts that say nearly the same are one group; others are not."""

from __future__ import annotations

import pytest

from consumer.domain.messages.likeness import (
    MARKS,
    Likeness,
    likeness,
    marks,
    parts_of,
)


def test_copies_with_small_changes_are_alike() -> None:
    """Case, marks and a word more or less do not matter; another sentence does."""
    numbers = Likeness()
    texts = [
        "Win a free phone now, click here!",
        "win a FREE phone now... click here today",
        "I hate the way this game ends",
        "",
        "?!",
        "Click here now and win a free phone",
    ]
    assert [numbers.group_of(text) for text in texts] == [1, 1, 2, 3, 4, 1]


@pytest.mark.parametrize(
    ("other", "is_alike"),
    [
        # Of ten words and pairs in the two together they share three words and a pair.
        ("one two three five", True),
        # Of eleven they share two words and a pair.
        ("one two six seven", False),
        ("one", False),
    ],
)
def test_two_texts_are_alike_that_share_four_tenths(other: str, is_alike: bool) -> None:
    """Of the words and pairs of words of both; a word that is in every text makes nothing alike."""
    numbers = Likeness()
    assert numbers.group_of("one two four three") == 1
    assert numbers.group_of(other) == (1 if is_alike else 2)


def test_texts_without_words_or_with_very_many_are_like_the_very_same_alone() -> None:
    """One word more makes another text of a long one."""
    assert likeness(parts_of("\U0001f4a9 \U0001f4a9"), parts_of("\U0001f4a9  \U0001f4a9 ")) == 1
    assert likeness(parts_of("\U0001f4a9"), parts_of("\U0001f600")) == 0
    assert likeness(parts_of(""), parts_of("")) == 0
    longest, longer = "word " * 2_000, "word " * 2_001
    assert parts_of(longest) == {"word", "word word"}
    assert likeness(parts_of(longer), parts_of(longer.upper())) == 1
    assert likeness(parts_of(longer), parts_of(longest)) == 0
    assert likeness(parts_of(longer), parts_of(longer + "more")) == 0


def test_what_is_much_alike_has_marks_in_common() -> None:
    """And only what is said shows in them, by no word of it."""
    one = "buy ten thousand followers for one euro at the shop of my friend today"
    for other in (one.upper() + "!!", one + " now", one.replace("ten", "two")):
        assert marks(parts_of(one)) & marks(parts_of(other))
    assert not marks(parts_of(one)) & marks(parts_of("a quiet evening in Lisbon"))
    assert len(marks(parts_of(one))) == MARKS
    assert not marks(parts_of(one)) & parts_of(one)
    assert marks(parts_of("word")) == marks(parts_of("Word."))
    assert marks(parts_of("")) == frozenset()
