"""Model: what a filter has learned. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

UNIT = 1 << 32
"""Sums of weights are counted in parts of so many, as whole numbers."""
WEIGHT_MAX = 1_024.0
"""No weight is as large: so the sum over any text fits 64 bits. Trained ones are below ten."""
FAMILIAR_BITS = 1 << 20
"""Of the table of words seen in training, one bit a word: 50,000 words fill a twentieth."""


class LinearModel(NamedTuple):
    """What was learned."""

    weights: array[float]
    """Of each place of the features' table, 32 bits each; smaller than `WEIGHT_MAX`."""
    bias: float
    slope: float
    """Of the logistic curve from sums to probabilities, which is fitted apart."""
    offset: float
    familiar: bytes
    """One bit for each word that training saw, at its name modulo `FAMILIAR_BITS`."""


def is_familiar(familiar: bytes, name: int) -> bool:
    at = name % FAMILIAR_BITS
    return familiar[at >> 3] >> (at & 7) & 1 == 1


def familiar_bits(names: Sequence[int]) -> bytes:
    """The table of words that training saw."""
    bits = bytearray(FAMILIAR_BITS // 8)
    for name in names:
        at = name % FAMILIAR_BITS
        bits[at >> 3] |= 1 << (at & 7)
    return bytes(bits)
