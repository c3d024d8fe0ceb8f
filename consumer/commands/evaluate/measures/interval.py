"""Figures and the ranges that hold the true ones in 95 of 100 samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

DEVIATIONS = 1.959964
"""Standard deviations of a normal distribution on either side that hold 95 % of it."""
RESAMPLES = 500
SEED = 2718
"""Of the bootstrap: the same counts have the same range each time."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the range that holds the true one in 95 of 100 samples."""

    value: float
    low: float
    high: float


def wilson(hits: int, total: int) -> Interval | None:
    """
    Wilson's score interval of a share; None of nothing.

    It keeps within 0 and 1 and is honest for few samples (E. B. Wilson, 1927), which is what
    labelled cases are.
    """
    if total == 0:
        return None
    share, square = hits / total, DEVIATIONS**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = math.sqrt(share * (1 - share) / total + square / (4 * total**2)) * DEVIATIONS
    spread /= 1 + square / total
    return Interval(share, max(0.0, middle - spread), min(1.0, middle + spread))


def f1_interval(right: int, wrong: int, missed: int) -> Interval | None:
    """
    The harmonic mean of precision and recall.

    Its interval is that of the share s = right / (right + wrong + missed), of which F1 is the
    rising function 2 s / (1 + s).
    """
    share = wilson(right, right + wrong + missed)
    if share is None:
        return None
    return Interval(*(2 * s / (1 + s) for s in (share.value, share.low, share.high)))


def mean_interval(total: float, squares: float, count: int) -> Interval | None:
    """A mean, from the sum and the sum of squares; its range by the central limit theorem."""
    if count == 0:
        return None
    mean = total / count
    variance = max(0.0, squares / count - mean**2) * count / max(1, count - 1)
    spread = DEVIATIONS * math.sqrt(variance / count)
    return Interval(mean, mean - spread, mean + spread)


def bootstrap(
    counts: Sequence[int], figure: Callable[[Sequence[int]], float | None]
) -> Interval | None:
    """
    The figure of some counts, and its range where no formula gives one.

    Each resample draws every count anew from a Poisson distribution around it: drawing the samples
    anew with replacement does about that to their counts (the Poisson bootstrap).
    """
    value = figure(counts)
    if value is None:
        return None
    random = Random(SEED)
    drawn = (figure([_poisson(random, count) for count in counts]) for _ in range(RESAMPLES))
    found = sorted(each for each in drawn if each is not None)
    if not found:
        return Interval(value, value, value)
    low, high = (found[round(share * (len(found) - 1))] for share in (0.025, 0.975))
    return Interval(value, min(low, value), max(high, value))


def mcnemar(one_way: int, other_way: int) -> float:
    """
    How likely so uneven a split is by chance: McNemar's exact test, two-sided (Q. McNemar, 1947).

    The counts are those of texts that only the one and only the other got right.
    """
    total = one_way + other_way
    # By logarithms, since the numbers themselves are soon past a float.
    ways = math.lgamma(total + 1) - total * math.log(2)
    splits = range(min(one_way, other_way) + 1)
    chances = (math.exp(ways - math.lgamma(n + 1) - math.lgamma(total - n + 1)) for n in splits)
    return min(1.0, 2 * sum(chances))


def _poisson(random: Random, mean: int) -> int:
    if mean == 0:
        return 0
    if mean > 40:
        return round(random.gauss(mean, math.sqrt(mean)))
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count
