"""Texts that say nearly the same are one group; others are not."""

from __future__ import annotations

import pytest

from consumer.commands.evaluate.measures.likeness import Likeness


def test_copies_with_small_changes_are_alike() -> None:
    """Case, marks and a word more or less do not matter; another sentence does."""
    likeness = Likeness()
    texts = [
        "Win a free phone now, click here!",
        "win a FREE phone now... click here today",
        "I hate the way this game ends",
        "",
        "?!",
        "Click here now and win a free phone",
    ]
    assert [likeness.group_of(text) for text in texts] == [1, 1, 2, 3, 4, 1]


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
    likeness = Likeness()
    assert likeness.group_of("one two four three") == 1
    assert likeness.group_of(other) == (1 if is_alike else 2)
