"""
Scorer: how likely a text's verdict is not allow, by a few look-ups a word.

A linear model over the text's features, divided by the square root of how many they are. What a
word adds is the same wherever it stands, so it is added up once.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from consumer.domain.value import Value
from consumer.screening.prefilter.features import WORDS_MAX, is_link, pair_places, see_word

WORDS_KEPT_MAX = 65_536
"""Words whose sums are remembered: about 20 MB; all are forgotten when there are more."""
WORD_KEPT_MAX = 40
"""Characters of a word that is remembered; longer ones hardly come twice."""
FAMILIAR = 1 << 24
"""More than all features of a text, and small enough for sums of it to be exact."""
UNSEEN_LINK = -FAMILIAR * WORDS_MAX
"""As much less familiar as all words of a text together can be: where it leads nobody has seen."""
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


class TextScore(Value, frozen=True):
    """What the model says of one text."""

    probability: float
    """That its verdict is not allow, 0 to 1."""
    familiar: float
    """
    Share of its words that training saw, 0 to 1; 0 of a text without words, or with a link that
    training did not see.
    """


class WordShare(NamedTuple):
    """A word or a pair of words, and what it adds."""

    words: str
    adds: float


class KnownWord(NamedTuple):
    """What is remembered of a word."""

    name: int
    parts: complex
    """
    What it is to a text, so that one sum over the text's words says all. The real part is the
    weights of its features, summed up. The imaginary part is how many they are, and `FAMILIAR` more
    where training saw the word, whatever marks stood at its edges; `UNSEEN_LINK` for a link that
    it did not.
    """


class Scorer:
    """Scores normalised texts. What it remembers of words is bounded."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model
        self._table = model.weights.__getitem__
        self._known = _KnownWords(model)

    def __repr__(self) -> str:
        return f"<Scorer of {len(self._known)} words known by now>"

    def score(self, words: list[str]) -> TextScore:
        """Of a text, given as its normalised words."""
        words = words[:WORDS_MAX]
        if not words:
            return TextScore(self._probability(0.0), 0.0)
        # Without a loop of our own: this is what a settled message costs.
        known = [*map(self._known.__getitem__, words)]
        pairs = pair_places([*map(_NAME, known)])
        distinct = len({*words})
        if distinct < len(words):
            # In the order of the text: sums that differ in their last place would differ by worker.
            known = [*map(self._known.__getitem__, dict.fromkeys(words))]
        parts = sum(map(_PARTS, known), 0j)
        familiar, size = divmod(int(parts.imag), FAMILIAR)
        total = parts.real + sum(map(self._table, pairs))
        probability = self._probability(total / math.sqrt(size + len(pairs)))
        return TextScore(probability, max(0, familiar) / distinct)

    def explain(self, words: list[str], count: int) -> list[WordShare]:
        """The words and pairs that add most, for or against, and what each adds to the sum."""
        words = words[:WORDS_MAX]
        known = {word: self._known[word] for word in words}
        names = [known[word].name for word in words]
        size = sum(int(word.parts.imag) % FAMILIAR for word in known.values())
        scale = self._model.slope / math.sqrt(max(1, size + len(pair_places(names))))
        adds = {word: of_word.parts.real * scale for word, of_word in known.items()}
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


_NAME, _PARTS = itemgetter(0), itemgetter(1)
"""Of a known word."""


class _KnownWords(dict[str, KnownWord]):
    """Words by how they are written; all are forgotten at once when there are too many."""

    def __init__(self, model: LinearModel) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, word: str) -> KnownWord:
        name, places = see_word(word)
        adds = sum(map(self._model.weights.__getitem__, places))
        seen = FAMILIAR * is_familiar(self._model.familiar, name)
        if not seen and is_link(word):
            seen = UNSEEN_LINK
        known = KnownWord(name, complex(adds, len(places) + seen))
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
