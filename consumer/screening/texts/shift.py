"""Shift: whether letters are those of another place in the alphabet, as in rot13. Pure."""

from __future__ import annotations

import math
from operator import mul

LETTERS_MIN = 12
"""Fewer letters say nothing of how often each is used."""
COMMON_MIN = 31
"""Percent of e, t, a, o, i and n among the letters: above it in all languages of Latin script."""
SHIFT_MARGIN = 6.0
"""Nats by which another shift of the alphabet must explain the letters better."""

_COMMON = b"etaoin"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_NO_LETTERS = bytes(set(range(256)) - set(_ALPHABET.encode()))
_SHARES = (
    0.082, 0.015, 0.028, 0.043, 0.127, 0.022, 0.020, 0.061, 0.070, 0.002, 0.008, 0.040, 0.024,
    0.067, 0.075, 0.019, 0.001, 0.060, 0.063, 0.091, 0.028, 0.010, 0.024, 0.002, 0.020, 0.001,
)  # fmt: skip
"""How often English uses each letter (Lewand, Cryptological Mathematics, 2000)."""
_BY_SHIFT = [[math.log(_SHARES[(at + shift) % 26]) for at in range(26)] for shift in range(26)]
"""Logarithms of the shares that the letters would have, were they shifted so far."""


def surplus(small: str) -> int:
    """
    By how much the common letters of a word in small letters are more than they must be.

    In hundredths of a letter: sums of whole numbers are the same in whatever order.
    """
    letters = small.encode("ascii", "ignore").translate(None, _NO_LETTERS)
    others = letters.translate(None, _COMMON)
    return 100 * (len(letters) - len(others)) - COMMON_MIN * len(letters)


def is_shifted(small: str) -> bool:
    """Whether another shift of the alphabet explains the letters much better than none."""
    counts = [small.count(letter) for letter in _ALPHABET]
    if sum(counts) < LETTERS_MIN:
        return False
    fits: list[float] = [sum(map(mul, counts, logarithms)) for logarithms in _BY_SHIFT]
    return max(fits) > fits[0] + SHIFT_MARGIN
