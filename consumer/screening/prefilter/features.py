"""
Features: what the filter sees of a text. Pure.

Words, the runs of characters inside them, and pairs of neighbours, each hashed to a place of one
table. All but the pairs belong to a word alone, so that a known word costs one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, repeat
from string import punctuation
from typing import NamedTuple, TypeVar
from zlib import crc32

import numpy
from numpy.typing import NDArray

TABLE = 1 << 18
"""Places: a megabyte, which stays near the processor. Four times as many changed nothing."""
RUN_MIN, RUN_MAX = 4, 5
"""Characters of a run, with a mark for either end of the word; measured in DECISIONS.md."""
NAME_MAX = (1 << 28) - 1
"""Of a word's name: three of them still fit every kind of integer."""
CHARACTERS_MAX = 32
"""Of a word whose runs are seen: enough for any real one, and it bounds what a word can cost."""
WORDS_MAX = 2_000
"""Of a text that are seen; `disguise` leaves texts beyond 8,192 characters to the model anyway."""

_LINK = re.compile(r"://|^www\.|[a-z0-9]\.[a-z]{2,}")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_WORD, _RUN, _MARKS, _NAME = 1, 2, 3, 4
"""Where the checksum of each kind starts, so that a word and a run of the same letters differ."""
_LAST = TABLE - 1
_RUNS = [
    tuple(
        slice(at, at + count)
        for count in range(RUN_MIN, RUN_MAX + 1)
        for at in range(length - count + 1)
    )
    for length in range(CHARACTERS_MAX + 3)
]
"""All runs of a word, by its length with a mark for either end."""


Name = TypeVar("Name", int, NDArray[numpy.int64])
"""One, or an array of them."""


class SeenWord(NamedTuple):
    """What is seen of a word, wherever it stands."""

    name: int
    """A hash of the word without the marks at its edges, at most `NAME_MAX`."""
    places: tuple[int, ...]
    """In the table: of the word, of its runs, and of marks at its edges; none twice."""


def see_word(word: str) -> SeenWord:
    """A word of a normalised text."""
    core = word
    if not word.isalnum():
        core = (word.strip(punctuation) if word.isascii() else _EDGES.sub("", word)) or word
    whole = core.encode(errors="surrogatepass")
    # Called for every word that is new, so that what can be done without the interpreter is.
    if core.isascii():
        inside = b"<%b>" % whole[:CHARACTERS_MAX]
        runs: Iterable[bytes] = map(inside.__getitem__, _RUNS[len(inside)])
    else:
        letters = f"<{core[:CHARACTERS_MAX]}>"
        runs = [letters[run].encode(errors="surrogatepass") for run in _RUNS[len(letters)]]
    places = {found & _LAST for found in map(crc32, runs, repeat(_RUN))}
    places.add(crc32(whole, _WORD) & _LAST)
    if len(core) < len(word):
        places.add(crc32(_marks(word, core).encode(errors="surrogatepass"), _MARKS) & _LAST)
    return SeenWord(crc32(whole, _NAME) & NAME_MAX, tuple(places))


def is_link(word: str) -> bool:
    """Whether a word of a normalised text leads somewhere; a handle does not."""
    return "." in word and _LINK.search(word) is not None


def pair_place(one: Name, other: Name) -> Name:
    """The place of a pair of neighbours by their names, or those of many pairs by two arrays."""
    # The order of a pair must matter, and names are spread evenly already.
    return (3 * one + other) & _LAST


def pair_places(names: Sequence[int]) -> set[int]:
    """Places of the pairs of neighbours in a text, of which the words' names are given."""
    return {pair_place(one, other) for one, other in pairwise(names)}


def see_text(normal: str) -> list[int]:
    """
    Places of all features of a normalised text; words count once, and what two of them share twice.

    What is slow and plain here is what `scorer.py` does by look-ups; a test holds them together.
    """
    words = normal.split()[:WORDS_MAX]
    pairs = pair_places([see_word(word).name for word in words])
    return [*pairs, *(place for word in set(words) for place in see_word(word).places)]


def _marks(word: str, core: str) -> str:
    """The marks at the edges, at most two on either side."""
    at = word.index(core)
    return f"{word[max(0, at - 2) : at]} {word[at + len(core) :][:2]}"
