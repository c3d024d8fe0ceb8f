"""Recall shown by a sample, the threshold for a demand, and what is lacking: all by hand."""

from __future__ import annotations

import math
from random import Random

import pytest

from consumer.screening.prefilter.example import FilterExample, split_by_time
from consumer.screening.prefilter.recall import (
    Positive,
    at_most,
    lowered,
    missed_max,
    recall_low,
    recall_of,
    recall_to_aim_at,
    shortage,
    threshold_for,
)

FOUND, MISSED = Positive(False), Positive(True)


@pytest.mark.parametrize(("recall", "needed"), [(0.95, 59), (0.99, 299)])
def test_so_many_positives_without_a_miss_show_a_recall(recall: float, needed: int) -> None:
    """The figures of the table that everybody knows."""
    assert recall_low([FOUND] * needed, 0.05) >= recall
    assert recall_low([FOUND] * (needed - 1), 0.05) < recall
    assert missed_max(needed, recall, 0.05) == 0
    assert missed_max(needed - 1, recall, 0.05) == -1


def test_misses_lower_what_is_shown() -> None:
    assert missed_max(93, 0.95, 0.05) == 1
    assert recall_low([FOUND] * 92 + [MISSED], 0.05) >= 0.95
    assert recall_low([FOUND] * 91 + [MISSED], 0.05) < 0.95
    assert recall_low([], 0.05) == 0.0
    assert recall_low([MISSED] * 5, 0.05) == pytest.approx(0.0)


def test_a_weighted_sample_shows_less_and_errs_as_seldom() -> None:
    """Betting, since an exact bound knows no weights."""
    light, heavy = Positive(False, 1.0), Positive(False, 4.0)
    shown = recall_low([light] * 80 + [heavy] * 20, 0.05)
    assert 0.85 < shown < recall_low([light] * 100, 0.05)
    assert recall_low([light] * 80 + [Positive(True, 4.0)] * 20, 0.05) < 0.6

    dice, wrong = Random(3), 0
    for _ in range(200):
        sample = [
            Positive(dice.random() < 0.1, 4.0 if dice.random() < 0.2 else 1.0) for _ in range(150)
        ]
        wrong += recall_low(sample, 0.05) > 0.9
    assert wrong <= 0.05 * 200


def test_recall_is_weighted() -> None:
    assert recall_of([]) == 0.0
    assert recall_of([Positive(False, 3.0), Positive(True, 1.0)]) == 0.75


def test_the_chance_of_few_is_that_of_the_binomial_distribution() -> None:
    assert at_most(0, 3, 0.5) == pytest.approx(0.125)
    assert at_most(1, 3, 0.5) == pytest.approx(0.5)
    assert at_most(3, 3, 0.5) == 1.0
    assert at_most(2, 3, 0.0) == 1.0
    assert at_most(2, 3, 1.0) == 0.0


def test_what_is_aimed_at_shows_the_demand_as_often_as_meant() -> None:
    aim = recall_to_aim_at(130, 0.95, 0.05)
    assert 0.95 < aim < 1.0
    assert at_most(missed_max(130, 0.95, 0.05), 130, 1 - aim) == pytest.approx(0.8)
    assert recall_to_aim_at(58, 0.95, 0.05) == 0.95


def test_the_threshold_leaves_just_so_much_weight_below() -> None:
    """Of ten positives one may be missed; what is harmless does not count."""
    scores = [0.1 * at for at in range(1, 11)]
    ones = [1.0] * 10
    assert threshold_for(scores, [True] * 10, ones, 0.9) == scores[1]
    assert threshold_for(scores, [True] * 10, ones, 0.91) == scores[0]
    assert threshold_for(scores, [True] * 10, ones, 0.8) == scores[2]
    assert threshold_for([*scores, 0.01], [True] * 10 + [False], [*ones, 1.0], 0.9) == scores[1]
    heavy = [5.0, *[1.0] * 9]
    assert threshold_for(scores, [True] * 10, heavy, 0.9) == scores[0]
    assert threshold_for(scores, [False] * 10, ones, 0.9) == 0.0
    assert threshold_for([], [], [], 0.9) == 0.0


def test_a_threshold_is_lowered_where_that_costs_hardly_anything() -> None:
    """Ten harmless messages far below, one near, and a positive between them."""
    scores = [0.1] * 9 + [0.2, 0.45, 0.4, 0.5]
    labels = [False] * 11 + [True, True]
    ones = [1.0] * 13
    just_above = math.nextafter(0.2, 1.0)
    assert lowered(0.5, scores, labels, ones, given_up=1 / 11 + 1e-9) == just_above
    assert lowered(0.5, scores, labels, ones, given_up=0.0) == math.nextafter(0.45, 1.0)
    assert lowered(0.3, scores, labels, ones, given_up=0.0) == just_above
    # Whoever weighs more than may be given up stays settled; where nothing is left, so does all.
    heavy = [*[1.0] * 10, 5.0, 1.0, 1.0]
    assert lowered(0.5, scores, labels, heavy, given_up=0.1) == math.nextafter(0.45, 1.0)
    assert lowered(0.05, scores, labels, ones) == 0.05
    assert lowered(0.5, [0.4], [True], [1.0]) == 0.5


def test_what_is_lacking_is_said_in_numbers() -> None:
    """39 positives of the 59 that are needed; 2 % of messages, and a fifth of them certify."""
    found = shortage(39, 0.95, 0.05, prevalence=0.02, share=0.2, rate=10.0)
    assert found is not None
    assert found.positives == 20
    assert found.messages == pytest.approx(5_000)
    assert found.seconds == pytest.approx(500)
    assert shortage(59, 0.95, 0.05, prevalence=0.02, share=0.2, rate=10.0) is None
    silent = shortage(0, 0.95, 0.05, prevalence=0.0, share=0.2, rate=0.0)
    assert silent is not None
    assert math.isinf(silent.messages)
    assert math.isinf(silent.seconds)


def test_examples_are_split_by_time_and_never_within_a_moment() -> None:
    """The last third of the positives; those of one moment stay together."""
    made = [FilterExample(str(at), at % 2 == 0, timestamp_ms=at) for at in range(12)]
    learned, certifying = split_by_time(made[::-1], 1 / 3)
    assert [example.timestamp_ms for example in learned] == list(range(8))
    assert [example.timestamp_ms for example in certifying] == list(range(8, 12))

    flood = [example._replace(timestamp_ms=min(example.timestamp_ms, 6)) for example in made]
    learned, certifying = split_by_time(flood, 1 / 3)
    assert {example.timestamp_ms for example in certifying} == {6}
    assert split_by_time([FilterExample("a", False)], 0.5).certifying == []
    assert split_by_time(made, 0.0).certifying[0].timestamp_ms == 10
