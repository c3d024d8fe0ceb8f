"""Ranges hold the true figure about as often as they say, and tests are exact."""

from __future__ import annotations

import math
from random import Random

import pytest
from scipy.stats import binomtest

from consumer.commands.evaluate.measures.interval import (
    bootstrap,
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
    """Exact for few changes, near it for many."""
    theirs = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(theirs, abs=2e-3)


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


def test_a_mean_and_its_range() -> None:
    """By the textbook."""
    numbers = [3.0, 4.0, 5.0, 8.0]
    found = mean_interval(sum(numbers), sum(n * n for n in numbers), len(numbers))
    deviation = math.sqrt(sum((n - 5) ** 2 for n in numbers) / 3)
    assert found is not None
    assert found.value == 5
    assert found.high - 5 == pytest.approx(1.959964 * deviation / 2)
    assert mean_interval(0, 0, 0) is None
