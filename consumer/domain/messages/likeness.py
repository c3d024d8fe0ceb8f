"""Likeness: how much of their wording two texts share, and which of many to compare. Pure."""

from __future__ import annotations

import re
from hashlib import blake2b
from heapq import nsmallest
from itertools import pairwise

ALIKE = 0.4
"""Two texts are alike where they share so much of the words and pairs of words of both."""
WORDS_MAX = 2_000
"""A text of more words is like the very same one alone: comparing costs what it is long."""
MARKS = 4
"""So many are kept of a text: of texts that share 0.85, one pair in 2,000 has none in common."""
_WORD = re.compile(r"\w+")

Parts = frozenset[str]
"""The words and pairs of words of a text."""


def parts_of(text: str) -> Parts:
    """What of a text is compared; case and punctuation do not count while there are words."""
    words = _WORD.findall(text.lower())
    if not words or len(words) > WORDS_MAX:
        # What has no words, such as a row of pictures, or too many: the text itself.
        whole = " ".join(words or text.split())
        return frozenset([_digest(whole)] if whole else [])
    return frozenset([*words, *map(" ".join, pairwise(words))])


def likeness(one: Parts, other: Parts) -> float:
    """The share of their parts that two texts have in common, 0 to 1; nothing is like nothing."""
    shared = len(one & other)
    return shared / len(one | other) if shared else 0.0


def marks(parts: Parts) -> frozenset[str]:
    """
    A few parts, hashed, that texts which are much alike have some of in common.

    The least hashes of a set are a fair sample of it (Broder, On the resemblance and containment
    of documents, 1997).
    """
    return frozenset(nsmallest(MARKS, map(_digest, parts)))


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


class Likeness:
    """Numbers texts as they come: one that is like the first of a group gets the group's number."""

    def __init__(self) -> None:
        self._groups: list[Parts] = []

    def __repr__(self) -> str:
        return f"<Likeness of {len(self._groups)} groups>"

    def group_of(self, text: str) -> int:
        """The number of the text's group, from 1; a text like no earlier one begins a group."""
        parts = parts_of(text)
        for number, first in enumerate(self._groups, 1):
            if likeness(parts, first) >= ALIKE:
                return number
        self._groups.append(parts)
        return len(self._groups)
