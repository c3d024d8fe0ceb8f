"""Likeness: texts that share much of their wording have one number. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

ALIKE = 0.4
"""Two texts are alike where they share so much of the words and pairs of words of both."""
_WORD = re.compile(r"\w+")


class Likeness:
    """Numbers texts as they come: one that is like the first of a group gets the group's number."""

    def __init__(self) -> None:
        self._groups: list[frozenset[str]] = []

    def __repr__(self) -> str:
        return f"<Likeness of {len(self._groups)} groups>"

    def group_of(self, text: str) -> int:
        """The number of the text's group, from 1; a text like no earlier one begins a group."""
        words = _WORD.findall(text.lower())
        parts = frozenset([*words, *map(" ".join, pairwise(words))])
        for number, first in enumerate(self._groups, 1):
            shared = len(parts & first)
            if shared and shared >= ALIKE * len(parts | first):
                return number
        self._groups.append(parts)
        return len(self._groups)
