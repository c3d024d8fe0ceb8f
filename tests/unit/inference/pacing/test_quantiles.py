"""Quantiles: close to the sorted list, in fixed memory, and forgetful."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.inference.pacing.quantiles import GROWTH, Quantiles

NUMBERS = st.lists(st.floats(0.01, 1_000), min_size=1, max_size=300)


@given(NUMBERS, st.floats(0.0, 1.0))
def test_a_quantile_lies_within_a_bucket_of_one_of_its_neighbours_in_the_sorted_list(
    numbers: list[float], share: float
) -> None:
    quantiles = Quantiles(0.01, 1_000)
    for number in numbers:
        quantiles.add(number)
    ordered = sorted(numbers)
    at = share * len(ordered)
    low, high = ordered[max(0, int(at) - 1)], ordered[min(len(ordered) - 1, int(at))]
    assert low / GROWTH <= quantiles.at(share) <= high * GROWTH


@given(NUMBERS, st.floats(0.01, 1_000))
def test_the_share_below_counts_all_that_are_clearly_smaller_and_none_that_are_clearly_larger(
    numbers: list[float], number: float
) -> None:
    quantiles = Quantiles(0.01, 1_000)
    for each in numbers:
        quantiles.add(each)
    at_least = sum(each < number / GROWTH for each in numbers) / len(numbers)
    at_most = sum(each <= number * GROWTH for each in numbers) / len(numbers)
    assert at_least - 1e-9 <= quantiles.share_below(number) <= at_most + 1e-9


def test_what_was_long_ago_fades() -> None:
    quantiles = Quantiles(1, 10_000, memory=1_000)
    dice = random.Random(1)
    for _ in range(5_000):
        quantiles.add(dice.uniform(90, 110))
    for _ in range(3_000):
        quantiles.add(dice.uniform(900, 1_100))
    assert quantiles.at(0.5) == pytest.approx(1_000, rel=0.15)
    assert quantiles.seen == 8_000


@given(st.integers(1, 100))
def test_what_fades_takes_nothing_from_the_whole(count: int) -> None:
    """All that is remembered lies below what is above it, however often the old half was halved."""
    quantiles = Quantiles(1, 10_000, memory=8)
    for _ in range(count):
        quantiles.add(10)
    assert quantiles.share_below(1_000) == pytest.approx(1.0)
    assert quantiles.at(1.0) == pytest.approx(10, rel=0.1)


def test_the_older_half_fades_when_there_are_as_many_as_are_remembered() -> None:
    """Eight become four, so that four others are as many."""
    quantiles = Quantiles(1, 10_000, memory=8)
    for number in [10.0] * 8 + [1_000.0] * 3:
        quantiles.add(number)
    assert quantiles.share_below(100) == pytest.approx(4 / 7)


def test_four_thousand_are_remembered_where_nothing_else_is_asked_for() -> None:
    quantiles = Quantiles(1, 10_000)
    for number in [10.0] * 4_000 + [1_000.0] * 1_000:
        quantiles.add(number)
    assert quantiles.share_below(100) == pytest.approx(2 / 3)


def test_the_largest_has_a_bucket_of_its_own() -> None:
    most = 1.1**9.99
    quantiles = Quantiles(1, most)
    quantiles.add(most)
    assert quantiles.at(0.5) == pytest.approx(most, rel=0.05)


def test_a_number_has_its_place_among_those_before_it() -> None:
    """Half of those that are much the same are below; then it is one of them."""
    quantiles = Quantiles(1, 100)
    assert [quantiles.place(number) for number in (10, 10, 50, 5)] == [0.5, 0.5, 1.0, 0.0]
    assert quantiles.place(10) == pytest.approx((1 + 2 / 2) / 4)
    assert quantiles.seen == 5


def test_nothing_seen_is_neither_high_nor_low() -> None:
    assert Quantiles(1, 100).share_below(50) == 0.5
    assert Quantiles(1, 100).at(0.5) == 1


@pytest.mark.parametrize(("number", "expected"), [(1e9, 100), (101, 100), (0.5, 1), (1e-9, 1)])
def test_what_lies_outside_counts_as_the_nearest_inside(number: float, expected: float) -> None:
    quantiles = Quantiles(1, 100)
    quantiles.add(number)
    assert quantiles.at(0.5) == pytest.approx(expected, rel=0.1)
