"""Cost: CPU time of a text, normalised and looked at, beside the plain baseline in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import fmean, quantiles
from typing import Any, NamedTuple, TypeVar

from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import filter_for, learn
from consumer.screening.texts.disguise import disguise
from consumer.screening.texts.normalise import normalised
from tests.screening.avoided import TESTED, Demand, purpose
from tests.screening.public_sets import lines_of, stream_of

WARMING = 8_000
"""Texts before: a worker that has run for a minute knows its topic's words."""
TIMED = 10_000
"""Texts that are timed, each seen for the first time."""
TIMED_AT_ONCE = 250
"""Texts of a batch: some milliseconds, which the machine often leaves undisturbed."""
TOGETHER = 125
"""Texts that a worker looks at at once where messages wait: half of what it may have in flight."""
BASELINE = 2_000
"""Texts of the baseline, which is slow and remembers nothing."""


class Cost(NamedTuple):
    """Microseconds of CPU a text, of about 80 characters."""

    characters: float
    screen: float
    """All of it, as a worker does it where messages wait: normalised, scored and looked at for
    disguises, `TOGETHER` at a time."""
    alone: float
    """The same of texts that come one by one."""
    normalise: float
    disguise: float
    baseline: float
    """Hashed character 2- to 5-grams by scikit-learn, and a product with the weights."""
    unit: float
    """`json.dumps` of the same text: of how fast the machine is now."""


def cost() -> Cost:
    """Of Davidson's texts, which are as long as chat messages."""
    examples = stream_of([line for line in lines_of("pooled") if len(line.text) < 400], 0)
    prefilter = Prefilter(filter_for(learn(examples[-4_000:], TESTED), purpose(Demand(0.95, 0.0))))
    texts = [example.text for example in examples[: WARMING + TIMED]]
    for text in texts[:WARMING]:
        prefilter.look(text)
        disguise(text)
    timed = texts[WARMING:]
    return Cost(
        characters=fmean(map(len, timed)),
        screen=_microseconds(
            prefilter.looks,
            [timed[at : at + TOGETHER] for at in range(0, len(timed), TOGETHER)],
            TOGETHER,
        ),
        alone=_microseconds(prefilter.look, timed),
        normalise=_microseconds(normalised, timed),
        disguise=_microseconds(disguise, timed),
        baseline=_microseconds(_baseline(), timed[:BASELINE]),
        unit=_microseconds(_dumps(), timed),
    )


def _baseline() -> Callable[[str], object]:
    import numpy
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(2, 5), n_features=1 << 18)
    weights = numpy.zeros(1 << 18)

    def score(text: str) -> object:
        found: Any = vectorizer.transform([text]) @ weights
        return found

    return score


def _dumps() -> Callable[[str], object]:
    import json

    return json.dumps


Given = TypeVar("Given")


def _microseconds(call: Callable[[Given], object], given: list[Given], texts: int = 1) -> float:
    """
    Of a text, where so many are given at a time.

    The lower quartile over batches: what else runs on the machine disturbs the others more.
    """
    found = []
    at_once = TIMED_AT_ONCE // texts
    for at in range(0, len(given), at_once):
        batch = given[at : at + at_once]
        start_s = time.process_time()
        for each in batch:
            call(each)
        found.append((time.process_time() - start_s) / len(batch) / texts * 1e6)
    return quantiles(found, n=4)[0]
