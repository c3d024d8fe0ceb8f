"""Flips are counted by direction, and by whether they made things right."""

from __future__ import annotations

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
        *[flip("A", "A", "A")] * 6,
    ):
        comparison.add(each)
    found = comparison.measures()
    assert (found.compared, found.flips) == (10, 4)
    assert (found.harsher, found.milder, found.same_outcome) == (2, 1, 1)
    assert (found.became_right, found.became_wrong) == (2, 1)
    assert found.mcnemar_p == 1.0
    assert found.by_policy == {"words": 4}
    assert found.by_change["words: A -> B"] == 2
    assert len(found.named) == 4
    assert found.flipped is not None
    assert found.flipped.value == 0.4
