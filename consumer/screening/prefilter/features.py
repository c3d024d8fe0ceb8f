"""
Features: what the filter sees of a text. Pure.

Words, the runs of characters inside them, and pairs of neighbours, each hashed to a place of one
table. All but the pairs belong to a word alone, so that a known word costs one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

TABLE_BITS = 20
TABLE = 1 << TABLE_BITS
"""Places. A stream of 100,000 texts fills a third of them, so few features share one."""
RUN_MIN, RUN_MAX = 3, 5
"""Characters of a run, with a mark for either end of the word; measured in DECISIONS.md."""
CHARACTERS_MAX = 32
"""Of a word whose runs are seen: enough for any real one, and it bounds what a word can cost."""
WORDS_MAX = 2_000
"""Of a text that are seen; `disguise` leaves texts beyond 8,192 characters to the model anyway."""

_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_MULTIPLIER = 0x9E3779B1
"""An odd number without pattern (Knuth's for 32 bits): the order of a pair must matter."""


class SeenWord(NamedTuple):
    """What is seen of a word, wherever it stands."""

    name: int
    """A hash of the word without the marks at its edges."""
    places: tuple[int, ...]
    """In the table: of the word, of its runs, and of marks at its edges; none twice."""


def see_word(word: str) -> SeenWord:
    """A word of a normalised text."""
    core = _EDGES.sub("", word) or word
    places = {_place("w", core)}
    inside = f"<{core[:CHARACTERS_MAX]}>"
    for length in range(RUN_MIN, RUN_MAX + 1):
        places.update(
            _place("r", inside[at : at + length]) for at in range(len(inside) - length + 1)
        )
    if len(core) < len(word):
        places.add(_place("m", _marks(word, core)))
    digest = blake2b(core.encode(errors="surrogatepass"), digest_size=8).digest()
    return SeenWord(int.from_bytes(digest, "little"), tuple(sorted(places)))


def pair_places(names: Sequence[int]) -> set[int]:
    """Places of the pairs of neighbours in a text, of which the words' names are given."""
    return {(one * _MULTIPLIER + (other >> 7)) % TABLE for one, other in pairwise(names)}


def see_text(normal: str) -> list[int]:
    """
    Places of all features of a normalised text; words count once, and what two of them share twice.

    What is slow and plain here is what `scorer.py` does by look-ups; a test holds them together.
    """
    words = [see_word(word) for word in normal.split()[:WORDS_MAX]]
    pairs = pair_places([word.name for word in words])
    return [*pairs, *(place for word in set(words) for place in word.places)]


def _place(kind: str, what: str) -> int:
    return crc32(f"{kind}{what}".encode(errors="surrogatepass")) % TABLE


def _marks(word: str, core: str) -> str:
    """The marks at the edges, at most two on either side."""
    at = word.index(core)
    return f"{word[max(0, at - 2) : at]} {word[at + len(core) :][:2]}"
