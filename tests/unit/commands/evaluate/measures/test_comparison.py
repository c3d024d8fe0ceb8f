"""Flips are counted by direction, and by whether they made things right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.commands.evaluate.measures.comparison import Comparison, Flip, direction_of
from consumer.domain.policy import Outcome


def flip(before: str, after: str, due: str) -> Flip:
    outcomes = {"A": Outcome.ALLOW, "B": Outcome.BLOCK, "C": Outcome.BLOCK}
    direction = direction_of(outcomes[before], outcomes[after])
    return Flip(1, "c1", "words", due, before, after, direction)


def test_flips_by_direction_and_by_right() -> None:
    """What did not change counts as compared."""
    comparison = Comparison("v2", "v1")
    for each in (
        flip("A", "B", "B"),
        flip("A", "B", "A"),
        flip("B", "A", "A"),
        flip("B", "C", "A"),
        flip("B", "C", "C"),
        *[flip("A", "A", "A")] * 5,
    ):
        comparison.add(each, "a text", 0.9, is_calibrated=True)
    found = comparison.measures()
    assert (found.compared, found.flips) == (10, 5)
    assert (found.harsher, found.milder, found.same_outcome) == (2, 1, 2)
    assert (found.became_right, found.became_wrong) == (3, 1)
    assert found.mcnemar_p == pytest.approx(0.625)
    assert found.by_policy == {"words": 5}
    assert found.by_change["words: A -> B"] == 2
    assert len(found.named) == 5
    assert {each.alike for each in found.named} == {1}
    assert found.flipped is not None
    assert found.flipped.value == 0.5


def test_scores_promise_that_asking_again_gives_the_same() -> None:
    """Held against a rerun they are measured, against another version they are not."""
    again = Comparison("v1 again", "v1", is_rerun=True)
    other = Comparison("v2", "v1")
    for comparison in (again, other):
        comparison.add(flip("A", "A", "B"), "a text", 0.95, is_calibrated=True)
        comparison.add(flip("A", "B", "B"), "a text", 0.55, is_calibrated=False)
    found = again.measures().calibration
    assert found is not None
    assert found.expected_error is not None
    assert round(found.expected_error.value, 6) == round((0.05 + 0.55) / 2, 6)
    assert found.calibrated_share == 0.5
    assert other.measures().calibration is None


def test_the_named_flips_are_bounded() -> None:
    """Two hundred, and fifty kinds of them, the most frequent first; all are counted."""
    comparison = Comparison("v2", "v1")
    for number in range(250):
        comparison.add(flip("A", "B", "B"), f"text {number}", None, is_calibrated=False)
    found = comparison.measures()
    assert (found.flips, len(found.named)) == (250, 200)
    kinds = Comparison("v2", "v1")
    for number in (*range(60), 59):
        each = replace(flip("A", "B", "B"), policy=f"p{number}")
        kinds.add(each, "a text", None, is_calibrated=False)
    assert len(kinds.measures().by_change) == 50
    assert next(iter(kinds.measures().by_change.items())) == ("p59: A -> B", 2)
    assert len(kinds.measures().by_policy) == 60
