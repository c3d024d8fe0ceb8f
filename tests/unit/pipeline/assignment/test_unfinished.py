"""What one assignment has taken and not ended, and who is told when nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.pipeline.assignment.unfinished import Unfinished
from tests.unit.pipeline.staging import record


def unfinished(admitted: int, waiting: int) -> tuple[Unfinished[Any], list[Unfinished[Any]]]:
    """So many of each, and who was told."""
    made: Unfinished[Any] = Unfinished()
    made.admitted = {offset: f"flight {offset}" for offset in range(5, 5 + admitted)}
    made.waiting.extend(record(offset) for offset in range(waiting))
    told: list[Unfinished[Any]] = []
    made.on_empty.append(told.append)
    return made, told


@pytest.mark.parametrize(
    ("admitted", "waiting", "is_empty"),
    [(0, 0, True), (1, 0, False), (0, 1, False), (2, 2, False)],
)
def test_whoever_drains_is_told_once_when_nothing_is_left(
    admitted: int, waiting: int, is_empty: bool
) -> None:
    """Neither what was admitted nor what waits may be left."""
    made, told = unfinished(admitted, waiting)
    assert made.is_empty == is_empty
    for _ in range(2):
        made.tell_if_empty()
    assert told == ([made] if is_empty else [])


def test_what_is_forgotten_is_counted_and_told_of() -> None:
    """Each was consumed, so that each must be booked as discarded."""
    made, told = unfinished(admitted=2, waiting=3)
    made.withheld.append("flight 5")
    assert made.oldest == "flight 5"
    assert made.forget() == 5
    assert made.is_empty
    assert not made.withheld
    assert made.oldest is None
    assert told == [made]
