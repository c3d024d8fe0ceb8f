"""Which answers are looked at twice, and what two looks make of a judgement."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.confidence.second_look import LookBudget, combined, without_look
from consumer.domain.policy import Look, Outcome
from consumer.domain.verdicts.certainty import Certainty, SecondLook, Sign
from consumer.domain.verdicts.verdict import Judgement, Tokens
from tests.builders import a_judgement

SCORES = st.lists(st.floats(0, 1), max_size=300)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 1_000), SCORES)
def test_looks_never_exceed_the_share_of_the_answers_so_far(
    share: int, scores: list[float]
) -> None:
    """Exactly, after every answer, whatever the scores."""
    budget = LookBudget(share / 1_000)
    looks = 0
    for answers, score in enumerate(scores, start=1):
        looks += budget.wants(score)
        assert looks <= Fraction(share, 1_000) * answers
    assert budget.looks == looks


@pytest.mark.parametrize("share", [0.07, 0.29, 0.05, 0.001, 1 / 3])
def test_the_whole_share_is_used_where_doubts_differ(share: float) -> None:
    budget, dice = LookBudget(share), Random(1)
    for _ in range(20_000):
        budget.wants(dice.random())
    assert budget.looks == pytest.approx(20_000 * share, abs=11)


@pytest.mark.parametrize("share", [0.001, 0.1])
def test_the_whole_share_is_used_where_all_doubts_are_the_same(share: float) -> None:
    """As where a server tells nothing of its reasoning."""
    budget = LookBudget(share)
    for _ in range(40_000):
        budget.wants(0.9)
    assert budget.looks == pytest.approx(40_000 * share, abs=11)


def test_where_all_doubts_are_the_same_looks_are_saved_until_half_are_unsure_enough() -> None:
    """One in eight is; each look beyond the first one doubles that, so that it takes three."""
    budget = LookBudget(1 / 8)
    assert [budget.wants(0.9) for _ in range(24)] == [False] * 23 + [True]
    assert [budget.wants(0.9) for _ in range(8)] == [False] * 7 + [True]


def test_with_a_share_of_one_every_answer_is_looked_at() -> None:
    budget, dice = LookBudget(1.0), Random(1)
    assert all(budget.wants(dice.random()) for _ in range(200))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 1_000), SCORES, st.integers(0, 300))
def test_what_calm_answers_leave_over_makes_no_large_burst(
    share: int, scores: list[float], begin: int
) -> None:
    """From whatever answer on, no more looks than were saved and are earned."""
    budget = LookBudget(share / 1_000)
    for score in scores[:begin]:
        budget.wants(score)
    before = budget.looks
    for _ in range(200):
        budget.wants(0.01)
    assert budget.looks - before <= 200 * share / 1_000 + 1 + math.log2(1_000 / share)


def test_the_least_sure_are_looked_at_and_one_in_ten_whatever_comes() -> None:
    budget, dice = LookBudget(0.05), Random(1)
    taken: list[float] = []
    for _ in range(20_000):
        score = dice.random()
        if budget.wants(score):
            taken.append(score)
    doubtful = [score for score in taken if score < 0.15]
    assert len(doubtful) / len(taken) == pytest.approx(0.915, abs=0.02)
    assert max(taken) > 0.9


def look(label: str, score: float | None = None) -> Judgement:
    outcomes = {"OK": Outcome.ALLOW, "FINE": Outcome.ALLOW, "RUDE": Outcome.FLAG}
    judgement = a_judgement()._replace(label=label, outcome=outcomes.get(label, Outcome.BLOCK))
    certainty = None if score is None else Certainty(score, True, (Sign.REPAIR,))
    return judgement._replace(certainty=certainty)


def test_agreement_keeps_the_label_and_raises_the_score() -> None:
    found = combined(look("OK", 0.7), [look("OK")], Look.EFFORT)
    assert (found.label, found.outcome) == ("OK", Outcome.ALLOW)
    assert found.second_look == SecondLook(Look.EFFORT, True, ("OK", "OK"))
    signs = (Sign.REPAIR, Sign.SECOND_LOOK)
    assert found.certainty == Certainty((2 * 0.7 + 1) / 3, True, signs)


@pytest.mark.parametrize(
    ("first", "others", "label", "outcome"),
    [
        ("OK", ["FINE"], "OK", Outcome.FLAG),
        ("OK", ["RUDE"], "RUDE", Outcome.FLAG),
        ("OK", ["BAD"], "BAD", Outcome.BLOCK),
        ("BAD", ["OK"], "BAD", Outcome.BLOCK),
        ("RUDE", ["OK"], "RUDE", Outcome.FLAG),
        ("RUDE", ["BAD", "OK"], "BAD", Outcome.BLOCK),
        ("BAD", ["WORSE"], "BAD", Outcome.BLOCK),
        ("OK", ["OK", "OK", "FINE"], "OK", Outcome.FLAG),
    ],
)
def test_disagreement_is_never_an_allow_nor_milder_than_the_most_severe_look(
    first: str, others: list[str], label: str, outcome: Outcome
) -> None:
    found = combined(look(first, 0.7), [look(other) for other in others], Look.SAMPLES)
    assert (found.label, found.outcome) == (label, outcome)
    assert found.second_look == SecondLook(Look.SAMPLES, False, (first, *others))


def test_the_score_is_the_share_of_looks_for_the_label_that_stands() -> None:
    def score(first: str, *others: str) -> float:
        found = combined(look(first, 0.8), [look(other) for other in others], Look.SAMPLES)
        assert found.certainty is not None
        return found.certainty.score

    assert score("OK", "OK", "OK", "OK") == pytest.approx((1.6 + 3) / 5)
    assert score("BAD", "OK", "BAD", "BAD") == pytest.approx((1.6 + 2) / 5)
    assert score("OK", "BAD", "BAD", "BAD") == pytest.approx((0.4 + 3) / 5)
    assert score("OK", "BAD") == pytest.approx((0.4 + 1) / 3)


def test_the_tokens_of_all_looks_are_counted() -> None:
    found = combined(look("OK", 0.7), [look("BAD"), look("BAD")], Look.SAMPLES)
    assert found.tokens == Tokens(1_200, 960, 180, 240)


def test_a_look_that_did_not_come_leaves_the_first_judgement_and_says_so() -> None:
    first = look("OK", 0.7)
    found = without_look(first)
    assert found.certainty == Certainty(0.7, True, (Sign.REPAIR, Sign.SECOND_LOOK_MISSING))
    assert found._replace(certainty=first.certainty) == first
