"""Small filters for tests, learned from words that are made up."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from consumer.screening.prefilter.artefact import FilterArtefact, decode, encode
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.features import TABLE, see_word
from consumer.screening.prefilter.head import Counts, FilterHead, RecallShown
from consumer.screening.prefilter.model import familiar_bits
from consumer.screening.prefilter.train import Purpose, train

PLAIN = [
    *("we", "meet", "today", "around", "noon", "near", "the", "old"),
    *("house", "and", "talk", "about", "our", "garden", "again"),
]
FOUL = ["vile", "rotten", "nasty"]


def head(**changes: Any) -> FilterHead:
    """Of a filter that has evidence."""
    whole = FilterHead(
        made_at="2026-11-30T00:00:00Z",
        topic="chat",
        version="chat@v1",
        version_digest="d1",
        model="m1",
        template="t1",
        since_ms=0,
        until_ms=9,
        certified_since_ms=5,
        learned=Counts(positives=100, negatives=900),
        certified=Counts(positives=60, negatives=500),
        recall=0.95,
        alpha=0.05,
        threshold=0.5,
        near_from=0.4,
        familiar_min=0.5,
        shown=RecallShown(positives=60, missed=0, recall=1.0, low=0.951, settled=0.8),
        bias=-1.0,
        slope=2.0,
        offset=0.0,
    )
    return whole.model_copy(update=changes)


def by_hand(**changes: Any) -> FilterArtefact:
    """A filter that knows the plain words and one foul one, which adds 8 to the sum."""
    return of_words(PLAIN, {"vile": 8.0}, **changes)


def of_words(plain: Sequence[str], adds: Mapping[str, float], **changes: Any) -> FilterArtefact:
    """A filter that knows the plain words and others, each place of which adds so much."""
    weights = array("f", bytes(4 * TABLE))
    for word, weight in adds.items():
        for place in see_word(word).places:
            weights[place] = weight
    names = [see_word(word).name for word in (*plain, *adds)]
    return decode(encode(head(**changes), weights, familiar_bits(names)), "by hand")


def examples(count: int, *, share: float = 0.2, seed: int = 1) -> list[FilterExample]:
    """Positives have a foul word among plain ones; one a second."""
    dice = Random(seed)
    found = []
    for at in range(count):
        words = dice.choices(PLAIN, k=8)
        is_positive = dice.random() < share
        if is_positive:
            words[dice.randrange(8)] = dice.choice(FOUL)
        found.append(
            FilterExample(" ".join(words), is_positive, 1.0, 1_000 * at, "en" if at % 3 else "de")
        )
    return found


def purpose(**changes: Any) -> Purpose:
    whole = Purpose("chat", "chat@v1", "d1", "m1", "t1", "2026-11-30T00:00:00Z", recall=0.9)
    return whole._replace(**changes)


@cache
def trained() -> FilterArtefact:
    return train(examples(1_500), purpose())
