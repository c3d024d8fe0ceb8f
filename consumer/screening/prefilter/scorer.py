"""
Scorer: how likely a text's verdict is not allow, by a few look-ups a word.

A linear model over the text's features, divided by the square root of how many they are. What a
word adds is the same wherever it stands, so it is added up once.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from consumer.screening.prefilter.features import (
    WORDS_MAX,
    SeenWord,
    pair_places,
    see_word,
)

WORDS_KEPT_MAX = 65_536
"""Words whose sums are remembered: about 20 MB; all are forgotten when there are more."""
WORD_KEPT_MAX = 40
"""Characters of a word that is remembered; longer ones hardly come twice."""
FAMILIAR_BITS = 1 << 20
"""Of the table of words seen in training, one bit a word: 50,000 words fill a twentieth."""


class LinearModel(NamedTuple):
    """What was learned."""

    weights: array[float]
    """Of each place of the features' table, 32 bits each."""
    bias: float
    slope: float
    """Of the logistic curve from sums to probabilities, which is fitted apart."""
    offset: float
    familiar: bytes
    """One bit for each word that training saw, at its name modulo `FAMILIAR_BITS`."""


class TextScore(NamedTuple):
    """What the model says of one text."""

    probability: float
    """That its verdict is not allow, 0 to 1."""
    familiar: float
    """Share of its words that training saw, 0 to 1; 0 of a text without words."""


class Part(NamedTuple):
    """A word or a pair of words, and what it adds."""

    words: str
    adds: float


class Scorer:
    """Scores normalised texts. What it remembers of words is bounded."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model
        self._table = model.weights.__getitem__
        self._names = _Names(self)
        self._sums: dict[int, float] = {}
        self._sizes: dict[int, int] = {}
        self._familiar: dict[int, bool] = {}

    def __repr__(self) -> str:
        return f"<Scorer of {len(self._sums)} words known by now>"

    def score(self, normal: str) -> TextScore:
        if len(self._sums) > WORDS_KEPT_MAX:
            self._forget()
        words = normal.split()
        if not words:
            return TextScore(self._probability(0.0), 0.0)
        names = [*map(self._names.__getitem__, words[:WORDS_MAX])]
        distinct = set(names)
        pairs = pair_places(names)
        total = sum(map(self._sums.__getitem__, distinct)) + sum(map(self._table, pairs))
        size = sum(map(self._sizes.__getitem__, distinct)) + len(pairs)
        familiar = sum(map(self._familiar.__getitem__, distinct)) / len(distinct)
        return TextScore(self._probability(total / math.sqrt(size)), familiar)

    def explain(self, normal: str, count: int) -> list[Part]:
        """The words and pairs that add most, for or against, and what each adds to the sum."""
        words = normal.split()[:WORDS_MAX]
        names = [self._names[word] for word in words]
        size = sum(self._sizes[name] for name in set(names)) + len(pair_places(names))
        scale = self._model.slope / math.sqrt(max(1, size))
        adds = {word: self._sums[name] * scale for word, name in zip(words, names, strict=True)}
        for at in range(len(words) - 1):
            (place,) = pair_places(names[at : at + 2])
            adds[f"{words[at]} {words[at + 1]}"] = self._table(place) * scale
        parts = sorted(adds.items(), key=lambda part: -abs(part[1]))[:count]
        return [Part(words, added) for words, added in parts]

    def _probability(self, total: float) -> float:
        model = self._model
        at = model.slope * (total + model.bias) + model.offset
        # Beyond that the exponential has no number, and the probability is 0 or 1 all the same.
        return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, at))))

    def learn(self, seen: SeenWord) -> None:
        """Add up what a word adds."""
        name, places = seen
        self._sums[name] = sum(map(self._table, places))
        self._sizes[name] = len(places)
        self._familiar[name] = is_familiar(self._model.familiar, name)

    def _forget(self) -> None:
        for known in (self._names, self._sums, self._sizes, self._familiar):
            known.clear()


class _Names(dict[str, int]):
    """The names of words; one that is asked for the first time is learned."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __missing__(self, word: str) -> int:
        seen = see_word(word)
        self._scorer.learn(seen)
        if len(word) <= WORD_KEPT_MAX:
            self[word] = seen.name
        return seen.name


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
