"""
Scorer: how likely texts' verdicts are not allow.

A linear model over a text's features, divided by the square root of how many they are. What a word
adds is the same wherever it stands, and counts once; what a pair of neighbours adds likewise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy

from consumer.domain.value import Value
from consumer.screening.prefilter.features import pair_place, pair_places
from consumer.screening.prefilter.lexicon import (
    ADDS,
    FAMILIAR,
    NAME,
    SIZE,
    Lexicon,
    Numbers,
    sums_of,
)
from consumer.screening.prefilter.model import UNIT, LinearModel

_OF_TEXT = 32
"""Bits beside the number of a text, for what is in it: a row, or a place of the table."""
_IN_TEXT = (1 << _OF_TEXT) - 1


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


class Scorer:
    """Scores texts, given as the rows of their words."""

    def __init__(self, model: LinearModel, lexicon: Lexicon) -> None:
        self._model = model
        self._lexicon = lexicon
        weights = numpy.frombuffer(model.weights, numpy.float32).astype(numpy.float64)
        self._table = numpy.rint(weights * UNIT).astype(numpy.int64)

    def __repr__(self) -> str:
        return f"<Scorer by {self._lexicon!r}>"

    def score(self, words: Numbers, lengths: Numbers) -> list[TextScore]:
        """Of texts one after the other; `lengths` says how many of the words are of which."""
        count = len(lengths)
        texts = numpy.repeat(numpy.arange(count), lengths)
        known, distinct = _each_once(texts, words, count)
        parts = sums_of(self._lexicon.words.rows(known)[:, : FAMILIAR + 1], distinct)
        names = self._lexicon.words.rows(words)[:, NAME]
        follows = texts[1:] == texts[:-1]
        places = pair_place(names[:-1], names[1:])[follows]
        pairs, pair_count = _each_once(texts[1:][follows], places, count)
        totals = parts[:, ADDS] + sums_of(self._table.take(pairs), pair_count)
        sizes = parts[:, SIZE] + pair_count
        shares = numpy.maximum(parts[:, FAMILIAR], 0) / numpy.maximum(distinct, 1)
        return [
            TextScore(self._probability(total, size), share)
            for total, size, share in zip(
                totals.tolist(), sizes.tolist(), shares.tolist(), strict=True
            )
        ]

    def explain(self, words: Sequence[str], count: int) -> list[WordShare]:
        """The normalised words and the pairs that add most, for or against, and what each adds."""
        rows = self._lexicon.words.rows(self._lexicon.rows_of(words)).tolist()
        known = dict(zip(words, rows, strict=True))
        size = sum(row[SIZE] for row in known.values())
        size += len(pair_places([row[NAME] for row in rows]))
        scale = self._model.slope / math.sqrt(max(1, size)) / UNIT
        adds = {word: row[ADDS] * scale for word, row in known.items()}
        for one, other in pairwise(words):
            place = pair_place(known[one][NAME], known[other][NAME])
            adds[f"{one} {other}"] = int(self._table[place]) * scale
        parts = sorted(adds.items(), key=lambda part: -abs(part[1]))[:count]
        return [WordShare(words, added) for words, added in parts]

    def _probability(self, total: int, size: int) -> float:
        model = self._model
        mean = total / UNIT / math.sqrt(max(1, size))
        return logistic(model.slope * (mean + model.bias) + model.offset)


def logistic(at: float) -> float:
    """The probability at a point of the curve; far out the nearest one that has a number."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, at))))


def _each_once(texts: Numbers, found: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """
    What is found in each of so many texts, given for every time that it is found, once.

    Returns it one text after the other, and how many are of which.
    """
    if count == 1:
        once = numpy.unique(found)
        return once, numpy.array([len(once)])
    once = (texts << _OF_TEXT) | found
    once.sort()
    if len(once):
        once = once[numpy.concatenate(([True], once[1:] != once[:-1]))]
    bounds = numpy.searchsorted(once, numpy.arange(count + 1) << _OF_TEXT)
    return once & _IN_TEXT, numpy.diff(bounds)
