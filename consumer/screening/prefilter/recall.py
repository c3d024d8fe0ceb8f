"""Recall: what a sample shows of it, what threshold it asks for, and what is lacking. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

STAKES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Shares of the highest stake that can never lose all, for weighted samples."""
HALVES = 40
"""How often the range of a bound is halved: to twelve digits."""
CERTAIN = 0.8
"""The threshold is chosen so that the certifying part shows the demanded recall so probably."""


GIVEN_UP = 0.002
"""Share of the harmless messages that a lower threshold may leave to the model, for more recall."""


class Positive(NamedTuple):
    """A positive of the sample."""

    is_missed: bool
    """The filter would have kept it from the model."""
    weight: float = 1.0


def recall_of(positives: Sequence[Positive]) -> float:
    """Share of the weight that reaches the model; 0 of nothing."""
    total = sum(positive.weight for positive in positives)
    reached = sum(positive.weight for positive in positives if not positive.is_missed)
    return reached / total if total else 0.0


def recall_low(positives: Sequence[Positive], alpha: float) -> float:
    """
    The highest recall that the sample shows with confidence 1 - alpha, read once.

    Clopper and Pearson's bound where all weigh the same; else a test by betting, which needs no
    more than that weights are bounded (Waudby-Smith and Ramdas, 2023).
    """
    if not positives:
        return 0.0
    if len({positive.weight for positive in positives}) == 1:
        missed = sum(positive.is_missed for positive in positives)
        return _exact_low(missed, len(positives), alpha)
    # Wealth falls as the recall that is doubted rises, so the highest one shown is found by halves.
    return _highest(lambda recall: _wealth(positives, recall) >= 1.0 / alpha)


def _exact_low(missed: int, count: int, alpha: float) -> float:
    return _highest(lambda recall: at_most(missed, count, 1.0 - recall) <= alpha)


def _highest(is_shown: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVES):
        middle = (low + high) / 2
        low, high = (middle, high) if is_shown(middle) else (low, middle)
    return low


def at_most(hits: int, count: int, chance: float) -> float:
    """Probability of at most `hits` among `count`, each with the chance."""
    if hits >= count or chance <= 0.0:
        return 1.0
    if chance >= 1.0:
        return 0.0
    return math.fsum(
        math.exp(
            math.lgamma(count + 1)
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(chance)
            + (count - k) * math.log1p(-chance)
        )
        for k in range(hits + 1)
    )


def _wealth(positives: Sequence[Positive], recall: float) -> float:
    """Of a gambler against "the recall is lower", as in `audits/certificate.py`."""
    heaviest = max(positive.weight for positive in positives)
    total = 0.0
    for share in STAKES:
        stake = share / (recall * heaviest)
        grown = sum(
            math.log1p(-stake * positive.weight * (recall if positive.is_missed else recall - 1.0))
            for positive in positives
        )
        total += math.exp(min(grown, 500.0))
    return total / len(STAKES)


def missed_max(count: int, recall: float, alpha: float) -> int:
    """Of `count` positives so many may be missed and the recall is still shown; -1: not even 0."""
    missed = -1
    while missed < count and at_most(missed + 1, count, 1.0 - recall) <= alpha:
        missed += 1
    return missed


def recall_to_aim_at(count: int, recall: float, alpha: float, certain: float = CERTAIN) -> float:
    """
    True recall at which `count` positives will show the demanded one with that probability.

    Where no number of them could be missed, the demanded recall itself: then evidence is lacking,
    which is said apart.
    """
    allowed = missed_max(count, recall, alpha)
    if allowed < 0:
        return recall
    low, high = recall, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        is_enough = at_most(allowed, count, 1.0 - middle) >= certain
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def threshold_for(
    scores: Sequence[float], positives: Sequence[bool], weights: Sequence[float], recall: float
) -> float:
    """
    The highest threshold below which at most 1 - recall of the positives' weight lies.

    A message is settled below it. Without any positive nothing is known, and it is 0.
    """
    found = sorted(
        (score, weight)
        for score, is_positive, weight in zip(scores, positives, weights, strict=True)
        if is_positive
    )
    left = (1.0 - recall) * sum(weight for _, weight in found) * (1.0 + 1e-9)
    for score, weight in found:
        if weight > left:
            return score
        left -= weight
    return 0.0


def lowered(
    threshold: float,
    scores: Sequence[float],
    positives: Sequence[bool],
    weights: Sequence[float],
    given_up: float = GIVEN_UP,
) -> float:
    """
    The lowest threshold that settles hardly fewer harmless messages than this one.

    Where few of them lie just below it, as between two well-parted kinds, recall costs nothing.
    """
    harmless = sorted(
        (score, weight)
        for score, is_positive, weight in zip(scores, positives, weights, strict=True)
        if not is_positive
    )
    left = given_up * sum(weight for _, weight in harmless)
    for score, weight in reversed([each for each in harmless if each[0] < threshold]):
        if weight > left:
            return min(threshold, math.nextafter(score, 1.0))
        left -= weight
    return threshold


class Shortage(NamedTuple):
    """Evidence that is lacking."""

    positives: int
    """So many more are needed in the certifying part, if none of them is missed."""
    messages: float
    """So many more messages of the topic bring them, all parts together."""
    seconds: float
    """So long that takes at the topic's rate; infinity where it has none."""


def shortage(
    certifying: int, recall: float, alpha: float, *, prevalence: float, share: float, rate: float
) -> Shortage | None:
    """
    What is lacking to show the recall at all; None where the positives are enough.

    `prevalence` is the share of positives among messages, `share` that of the certifying part, and
    `rate` the topic's messages a second.
    """
    needed = math.ceil(math.log(alpha) / math.log(recall))
    if certifying >= needed:
        return None
    missing = needed - certifying
    messages = missing / (prevalence * share) if prevalence and share else math.inf
    return Shortage(missing, messages, messages / rate if rate else math.inf)
