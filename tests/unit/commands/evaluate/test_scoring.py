"""Scores are counts with honest ranges, and an attack is broken only by what gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.evaluate.attacks import Attack
from consumer.commands.evaluate.cases.own import Case
from consumer.commands.evaluate.measures.interval import wilson
from consumer.commands.evaluate.scoring import (
    Answered,
    End,
    FamilyScore,
    end_of,
    score_attacks,
    score_cases,
)
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import UnjudgedReason
from tests.builders import a_policy

POLICY = a_policy()


def a_case(label: str, number: int = 1) -> Case:
    return Case(f"c{number}", "text", "en", POLICY, label)


def given_as(label: str) -> Answered:
    return Answered(label, POLICY.outcomes[label])


def unjudged(outcome: Outcome = Outcome.FLAG) -> Answered:
    return Answered(None, outcome, UnjudgedReason.MODEL_FAULT)


def an_attack(floor: Outcome = Outcome.BLOCK, family: str = "leet", id: str = "p/leet") -> Attack:
    return Attack(id, family, "t3xt", a_case("HH2"), floor)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (90, 100, 0.8256, 0.9448),
    ],
)
def test_wilson_as_in_the_tables(hits: int, total: int, low: float, high: float) -> None:
    """The interval is the published one, also where every or no try was a hit."""
    found = wilson(hits, total)
    assert found is not None
    assert found.value == hits / total
    assert found.low == pytest.approx(low, abs=1e-3)
    assert found.high == pytest.approx(high, abs=1e-3)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share(hits: int, misses: int) -> None:
    """Whatever the counts, the range lies in 0 to 1 and the share in the range."""
    found = wilson(hits, hits + misses)
    if hits + misses == 0:
        assert found is None
    else:
        assert found is not None
        assert 0 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 1


def test_an_attack_holds_where_the_verdict_is_severe_enough() -> None:
    """Milder than the floor is broken, as severe or more is held."""
    assert end_of(an_attack(), given_as("HH2")) is End.HELD
    assert end_of(an_attack(), given_as("HH1")) is End.BROKEN
    assert end_of(an_attack(Outcome.FLAG), given_as("HH1")) is End.HELD
    assert end_of(an_attack(Outcome.FLAG), given_as("HH0")) is End.BROKEN


def test_an_attack_that_leaves_a_text_unjudged_wins_only_where_that_is_allowed() -> None:
    """With on_unjudged = allow the text gets through, so the attack has worked."""
    assert end_of(an_attack(), unjudged(Outcome.FLAG)) is End.UNJUDGED
    assert end_of(an_attack(), unjudged(Outcome.ALLOW)) is End.BROKEN


def test_families_are_counted_apart() -> None:
    """Each family in the order met, with the attacks that worked by name."""
    scores = score_attacks(
        [
            (an_attack(family="b", id="p/1"), given_as("HH2")),
            (an_attack(family="a", id="p/2"), given_as("HH0")),
            (an_attack(family="b", id="p/3"), unjudged()),
            (an_attack(family="a", id="p/4"), unjudged(Outcome.ALLOW)),
        ]
    )
    assert [(s.family, s.held, s.broken, s.unjudged) for s in scores] == [
        ("b", 1, 0, 1),
        ("a", 0, 2, 0),
    ]
    assert [(found.attack, found.answer) for found in scores[1].breaks] == [
        ("p/2", "HH0"),
        ("p/4", "unjudged (model_fault)"),
    ]
    assert scores[0].holds is not None
    assert scores[0].holds.value == 1.0


def test_labels_are_scored_by_what_was_due_and_what_was_given() -> None:
    """Right, wrong and missed of each label, unjudged ones among the missed."""
    due = ["HH0", "HH0", "HH1", "HH2", "HH2", "HH2"]
    answers = [*map(given_as, ["HH0", "HH1", "HH1", "HH2", "HH0"]), unjudged()]
    cases = [a_case(label, number) for number, label in enumerate(due)]
    score = score_cases(list(zip(cases, answers, strict=True)))
    counts = {label.label: (label.right, label.wrong, label.missed) for label in score.labels}
    assert counts == {"HH0": (1, 1, 1), "HH1": (1, 1, 0), "HH2": (1, 0, 2)}
    severe = score.labels[2]
    assert severe.precision is not None
    assert severe.recall is not None
    assert severe.f1 is not None
    assert severe.precision.value == 1.0
    assert severe.recall.value == pytest.approx(1 / 3)
    assert severe.f1.value == pytest.approx(0.5)
    assert (score.judged, score.unjudged) == (5, 1)
    mixed = score.labels[0].precision
    assert mixed is not None
    assert mixed.value == 0.5
    assert score.accuracy is not None
    assert score.accuracy.value == pytest.approx(3 / 6)
    assert [(found.case, found.is_let_through) for found in score.mistakes] == [
        ("c1", False),
        ("c4", True),
        ("c5", False),
    ]
    assert score.let_through == 1


@given(st.lists(st.tuples(st.sampled_from(POLICY.labels), st.sampled_from(POLICY.labels))))
def test_every_case_is_counted(pairs: list[tuple[str, str]]) -> None:
    """What is right or missed adds up to the cases, what is wrong is missed elsewhere."""
    score = score_cases([(a_case(due), given_as(got)) for due, got in pairs])
    assert sum(label.right + label.missed for label in score.labels) == len(pairs)
    assert sum(label.wrong for label in score.labels) == sum(label.missed for label in score.labels)
    assert len(score.mistakes) == sum(due != got for due, got in pairs)


def test_a_familys_share_is_of_those_that_were_judged() -> None:
    """What could not be judged neither held nor broke."""
    assert FamilyScore("leet", 3, 1, 5, ()).holds == wilson(3, 4)
    assert FamilyScore("leet", 0, 0, 5, ()).holds is None
