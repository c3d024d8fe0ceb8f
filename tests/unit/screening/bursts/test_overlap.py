"""What two texts have in common: as many words in one order as there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.screening.bursts.overlap import Words, overlap, overlap_count

TEXTS = st.lists(st.sampled_from("abcd"), max_size=12).map(tuple)


def longest(one: Words, other: Words) -> int:
    """By the definition."""
    if not one or not other:
        return 0
    if one[0] == other[0]:
        return 1 + longest(one[1:], other[1:])
    return max(longest(one[1:], other), longest(one, other[1:]))


def is_in(part: Words, whole: Words) -> bool:
    rest = iter(whole)
    return all(word in rest for word in part)


@given(TEXTS, TEXTS)
def test_it_is_in_both_and_none_is_longer(one: Words, other: Words) -> None:
    found = overlap(one, other)
    assert is_in(found, one)
    assert is_in(found, other)
    assert len(found) == overlap_count(one, other) == longest(one, other)


def test_words_and_not_letters_are_compared() -> None:
    one, other = ("we", "come", "to", "you"), ("now", "we", "will", "come", "you", "to")
    assert overlap(one, other) in (("we", "come", "to"), ("we", "come", "you"))
