"""Texts that say nearly the same are one group; others are not."""

from __future__ import annotations

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
