"""Ranges hold the true figure about as often as they say, and tests are exact."""

from __future__ import annotations

import math
from random import Random

import pytest
from scipy.stats import binomtest

from consumer.commands.evaluate.measures.interval import (
    Interval,
    bootstrap,
    f1_interval,
    mcnemar,
    mean_interval,
    wilson,
)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (1, 7), (5, 10), (99, 100), (700, 1_000)])
def test_wilson_is_scipys(hits: int, total: int) -> None:
    """The same range as an implementation that others wrote."""
    found = wilson(hits, total)
    theirs = binomtest(hits, total).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@pytest.mark.parametrize(
    ("one", "other"), [(0, 0), (1, 0), (5, 5), (10, 2), (300, 250), (900, 800), (5_000, 5_200)]
)
def test_mcnemar_is_the_binomial_test(one: int, other: int) -> None:
    """Exactly, for few changes as for many."""
    theirs = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(theirs, rel=1e-9)


def test_the_bootstrap_holds_a_share_as_often_as_it_says() -> None:
    """Over a hundred samples of a known share nearly all ranges hold it."""
    random = Random(5)
    held = 0
    for _ in range(100):
        hits = sum(random.random() < 0.7 for _ in range(120))
        found = bootstrap([hits, 120 - hits], lambda c: c[0] / sum(c) if sum(c) else None)
        assert found is not None
        held += found.low <= 0.7 <= found.high
    assert 88 <= held <= 100


def test_the_bootstrap_of_nothing_and_of_the_same_counts() -> None:
    """No figure has no range, and the same counts have the same range."""
    assert bootstrap([], lambda counts: None) is None
    twice = [bootstrap([50, 3], lambda counts: counts[0] / 53) for _ in range(2)]
    assert twice[0] == twice[1]


def test_the_same_counts_have_the_same_range_in_every_release() -> None:
    """Else two reports of one run would differ for no reason; counts are large, small and none."""
    found = bootstrap([40, 3, 0, 41, 700], lambda c: (c[0] + 9 * c[1] + 99 * c[2] + c[3]) / c[4])
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.11080711354309165, 0.2144927536231884))


def test_a_range_holds_its_figure_whatever_the_samples_say() -> None:
    """Where no sample has a figure, or all lie on one side, it still does."""

    def figure(of_others: float | None) -> Interval | None:
        counts = [900, 900]
        return bootstrap(counts, lambda drawn: 3.0 if list(drawn) == counts else of_others)

    assert figure(None) == Interval(3, 3, 3)
    assert figure(2.0) == Interval(3, 2, 3)
    assert figure(5.0) == Interval(3, 3, 5)


def test_a_mean_and_its_range() -> None:
    """By the textbook."""
    numbers = [3.0, 4.0, 5.0, 8.0]
    found = mean_interval(sum(numbers), sum(n * n for n in numbers), len(numbers))
    deviation = math.sqrt(sum((n - 5) ** 2 for n in numbers) / 3)
    assert found is not None
    assert found.value == 5
    assert found.high - 5 == pytest.approx(1.959964 * deviation / 2)
    assert found.low + found.high == pytest.approx(2 * found.value)
    assert mean_interval(0, 0, 0) is None
    assert mean_interval(9.0, 27.0, 3) == Interval(3, 3, 3)
    assert mean_interval(3.0, 9.0, 1) == Interval(3, 3, 3)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    """And has the range of the share that it rises with."""
    found, share = f1_interval(6, 2, 3), wilson(6, 11)
    assert found is not None
    assert share is not None
    precision, recall = 6 / 8, 6 / 9
    assert found.value == pytest.approx(2 * precision * recall / (precision + recall))
    for ours, theirs in ((found.low, share.low), (found.high, share.high)):
        assert ours == pytest.approx(2 * theirs / (1 + theirs))
    assert f1_interval(0, 0, 0) is None
