"""Spelling: the word that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LIKENESS_MIN = 0.7
"""Below that a proposal is a guess, and a guess sends people the wrong way."""
CHARS_MAX = 200
"""Of what is compared: the work grows with the square of a name's length."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like it, whatever its case; None where none is like it."""
    words = {each.lower(): each for each in known}
    found = get_close_matches(word.lower()[:CHARS_MAX], words, 1, LIKENESS_MIN)
    return words[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing."""
    found = nearest(word, known)
    return f"; did you mean {found}?" if found else ""
