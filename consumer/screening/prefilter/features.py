"""
Features: what the filter sees of a text. Pure.

Words, the runs of characters inside them, and pairs of neighbours, each hashed to a place of one
table. All but the pairs belong to a word alone, so that a known word costs one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import add
from string import punctuation
from typing import AnyStr, NamedTuple
from zlib import crc32

TABLE = 1 << 18
"""Places: a megabyte, which stays near the processor. Four times as many changed nothing."""
RUN_MIN, RUN_MAX = 4, 5
"""Characters of a run, with a mark for either end of the word; measured in DECISIONS.md."""
NAME_MAX = (1 << 28) - 1
"""Of a word's name: three of them still fit the small integers that Python is quick with."""
CHARACTERS_MAX = 32
"""Of a word whose runs are seen: enough for any real one, and it bounds what a word can cost."""
WORDS_MAX = 2_000
"""Of a text that are seen; `disguise` leaves texts beyond 8,192 characters to the model anyway."""

_THREE_TIMES, _IN_TABLE = (3).__mul__, (TABLE - 1).__and__
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_WORD, _RUN, _MARKS, _NAME = 1, 2, 3, 4
"""Where the checksum of each kind starts, so that a word and a run of the same letters differ."""


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
    inside = f"<{core[:CHARACTERS_MAX]}>"
    if core.isascii():
        runs = _runs(inside.encode())
    else:
        runs = [run.encode(errors="surrogatepass") for run in _runs(inside)]
    places = {crc32(run, _RUN) % TABLE for run in runs}
    places.add(crc32(whole, _WORD) % TABLE)
    if len(core) < len(word):
        places.add(crc32(_marks(word, core).encode(errors="surrogatepass"), _MARKS) % TABLE)
    return SeenWord(crc32(whole, _NAME) & NAME_MAX, tuple(places))


def _runs(inside: AnyStr) -> list[AnyStr]:
    """All runs of characters."""
    length = len(inside)
    return [
        inside[at : at + count]
        for count in range(RUN_MIN, RUN_MAX + 1)
        for at in range(length - count + 1)
    ]


def pair_places(names: Sequence[int]) -> set[int]:
    """Places of the pairs of neighbours in a text, of which the words' names are given."""
    # The order of a pair must matter, and names are spread evenly already. Written for speed: a
    # place is three times the one and the other, modulo the table.
    return {*map(_IN_TABLE, map(add, map(_THREE_TIMES, names), names[1:]))}


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
