"""What is done quickly for every new word gives just what the plain way gives: scores stay."""

from __future__ import annotations

import re
from string import ascii_lowercase, punctuation
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.screening.prefilter.features import (
    CHARACTERS_MAX,
    NAME_MAX,
    RUN_MAX,
    RUN_MIN,
    TABLE,
    see_word,
)
from consumer.screening.texts.codes import is_base64
from consumer.screening.texts.disguise import ODD, PART, _oddness
from consumer.screening.texts.normalise import normalised, word_normalised
from consumer.screening.texts.parted import PARTS, is_parted
from consumer.screening.texts.shift import COMMON_MIN, surplus

WORDS = st.one_of(
    st.text(ascii_lowercase, min_size=1, max_size=50),
    st.text(st.characters(exclude_characters=" \t\n"), min_size=1, max_size=50),
    st.text(ascii_lowercase + punctuation + "äéß०", min_size=1, max_size=12),
)


def plain_places(word: str) -> tuple[int, ...]:
    """As features are described: the word, its runs, and marks at its edges, in this order."""
    core = word
    if not word.isalnum():
        edges = re.compile(r"^[\W_]+|[\W_]+$")
        core = (word.strip(punctuation) if word.isascii() else edges.sub("", word)) or word
    inside = f"<{core[:CHARACTERS_MAX]}>"
    found: set[int] = set()
    for count in range(RUN_MIN, RUN_MAX + 1):
        for at in range(len(inside) - count + 1):
            run = inside[at : at + count].encode(errors="surrogatepass")
            found.add(crc32(run, 2) % TABLE)
    found.add(crc32(core.encode(errors="surrogatepass"), 1) % TABLE)
    if len(core) < len(word):
        at = word.index(core)
        marks = f"{word[max(0, at - 2) : at]} {word[at + len(core) :][:2]}"
        found.add(crc32(marks.encode(errors="surrogatepass"), 3) % TABLE)
    return tuple(found)


@settings(deadline=None)
@given(WORDS)
def test_a_word_has_the_places_that_are_described(word: str) -> None:
    """In the same order, too: sums of weights are rounded alike."""
    seen = see_word(word)
    assert seen.places == plain_places(word)
    assert 0 <= seen.name <= NAME_MAX


@settings(deadline=None)
@given(WORDS)
def test_a_surplus_counts_plain_letters_alone(word: str) -> None:
    small = word.lower()
    letters = sum(small.count(letter) for letter in ascii_lowercase)
    common = sum(small.count(letter) for letter in "etaoin")
    assert surplus(small) == 100 * common - COMMON_MIN * letters


@settings(deadline=None)
@given(st.text(ascii_lowercase.upper() + ascii_lowercase, min_size=1, max_size=19))
def test_a_word_of_letters_is_odd_where_it_names_a_code(word: str) -> None:
    """
    The slow way is a pattern; both see these names in words that are made of anything. Else only
    short words are odd, and those with all letters twice or that say something in base64.
    """
    names = re.compile(r"\bbase$|\brot$|decode|crypt|cipher|morse", re.IGNORECASE)
    for each in (
        word,
        "rot",
        "ROT",
        "Base",
        "xbase",
        "rots",
        word[:9] + "Decode",
        "en" + "CRYPTed",
    ):
        expected = PART * PARTS.get(len(each), 0)
        if names.search(each) or is_parted(each.lower()) or is_base64(each):
            expected = ODD
        assert _oddness(each, each.lower()) == expected, each


@settings(deadline=None)
@given(st.text(ascii_lowercase.upper() + ascii_lowercase, min_size=1, max_size=60))
def test_a_word_of_letters_loses_capitals_and_repeats_only(word: str) -> None:
    plain = re.sub(r"(.)\1{2,}", r"\1\1", word.lower())
    assert word_normalised(word) == plain
    assert normalised(word) == plain
