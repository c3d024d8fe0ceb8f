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

from consumer.screening.prefilter.features import WORDS_MAX, pair_places, see_word

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


class WordShare(NamedTuple):
    """A word or a pair of words, and what it adds."""

    words: str
    adds: float


class KnownWord(NamedTuple):
    """What is remembered of a word."""

    name: int
    adds: float
    """The weights of its features, summed up."""
    size: int
    """How many features it has."""
    is_familiar: bool
    """Whether training saw it, whatever marks stood at its edges."""


class Scorer:
    """Scores normalised texts. What it remembers of words is bounded."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model
        self._table = model.weights.__getitem__
        self._known = _KnownWords(model)

    def __repr__(self) -> str:
        return f"<Scorer of {len(self._known)} words known by now>"

    def score(self, normal: str) -> TextScore:
        words = normal.split()[:WORDS_MAX]
        if not words:
            return TextScore(self._probability(0.0), 0.0)
        # Without a loop of our own: this is what a settled message costs.
        names, adds, sizes, familiar = zip(*map(self._known.__getitem__, words), strict=True)
        pairs = pair_places(names)
        # In the order of the text: sums that differ in their last place would differ by worker.
        distinct = dict.fromkeys(words)
        if len(distinct) < len(words):
            known = map(self._known.__getitem__, distinct)
            _, adds, sizes, familiar = zip(*known, strict=True)
        total = sum(adds) + sum(map(self._table, pairs))
        size = sum(sizes) + len(pairs)
        return TextScore(self._probability(total / math.sqrt(size)), sum(familiar) / len(distinct))

    def explain(self, normal: str, count: int) -> list[WordShare]:
        """The words and pairs that add most, for or against, and what each adds to the sum."""
        words = normal.split()[:WORDS_MAX]
        known = {word: self._known[word] for word in words}
        names = [known[word].name for word in words]
        size = sum(word.size for word in known.values()) + len(pair_places(names))
        scale = self._model.slope / math.sqrt(max(1, size))
        adds = {word: of_word.adds * scale for word, of_word in known.items()}
        for at in range(len(words) - 1):
            (place,) = pair_places(names[at : at + 2])
            adds[f"{words[at]} {words[at + 1]}"] = self._table(place) * scale
        parts = sorted(adds.items(), key=lambda part: -abs(part[1]))[:count]
        return [WordShare(words, added) for words, added in parts]

    def _probability(self, total: float) -> float:
        model = self._model
        return logistic(model.slope * (total + model.bias) + model.offset)


def logistic(at: float) -> float:
    """The probability at a point of the curve; far out the nearest one that has a number."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, at))))


class _KnownWords(dict[str, KnownWord]):
    """Words by how they are written; all are forgotten at once when there are too many."""

    def __init__(self, model: LinearModel) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, word: str) -> KnownWord:
        name, places = see_word(word)
        adds = sum(map(self._model.weights.__getitem__, places))
        known = KnownWord(name, adds, len(places), is_familiar(self._model.familiar, name))
        if len(word) <= WORD_KEPT_MAX:
            if len(self) >= WORDS_KEPT_MAX:
                self.clear()
            self[word] = known
        return known


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
