"""A partition takes nothing new while there is any reason against it, and goes on without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from consumer.interfaces import Partition
from consumer.pipeline.flow.gate import Gate
from consumer.pipeline.flow.limiter import FlowLimits, Limiter

ZERO = Partition("in", 0)


class Calls:
    """A source that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[Partition, int]]] = []

    def pause(self, assignments: dict[Partition, int]) -> None:
        self.said.append(("pause", assignments))

    def resume(self, assignments: dict[Partition, int]) -> None:
        self.said.append(("resume", assignments))


def a_gate(*paused: str) -> tuple[Gate, Calls]:
    source: Any = Calls()
    gate = Gate(source, Limiter(FlowLimits(pending_max=100)))
    gate.hold(frozenset(paused))
    return gate, source


def an_assignment(pending: int = 0, *, is_paused: bool = False, **changes: Any) -> Any:
    waiting = changes.pop("waiting", ())
    return SimpleNamespace(
        **{
            "partition": ZERO,
            "number": 1,
            "is_paused": is_paused,
            "is_established": True,
            "is_held": False,
        }
        | changes,
        unfinished=SimpleNamespace(waiting=waiting),
        commits=SimpleNamespace(offsets=SimpleNamespace(pending=pending)),
    )


REASONS: list[tuple[str, dict[str, Any]]] = [
    ("", {"pending": 100}),
    ("", {"waiting": (1,)}),
    ("", {"is_held": True}),
    ("in", {}),
]


@pytest.mark.parametrize(("paused", "changes"), REASONS)
def test_each_reason_pauses_a_partition_once_and_keeps_it_from_going_on(
    paused: str, changes: dict[str, Any]
) -> None:
    """Nor does it go on while the reason stays."""
    gate, source = a_gate(paused)
    assignment = an_assignment(**changes)
    for _ in range(2):
        gate.pause_if_full(assignment)
        gate.resume_if_it_may(assignment)
    assert assignment.is_paused
    assert source.said == [("pause", {ZERO: 1})]


def test_without_a_reason_it_goes_on() -> None:
    """It is resumed once, and one that was never paused is left alone."""
    gate, source = a_gate("another")
    assignment = an_assignment(is_paused=True)
    for _ in range(2):
        gate.resume_if_it_may(assignment)
        gate.pause_if_full(assignment)
    assert not assignment.is_paused
    assert source.said == [("resume", {ZERO: 1})]


def test_one_that_is_not_established_has_taken_nothing_that_could_be_too_much() -> None:
    """It is paused already, by whoever recovers it."""
    gate, source = a_gate("in")
    assignment = an_assignment(100, is_established=False)
    gate.pause_if_full(assignment)
    assert not assignment.is_paused
    assert source.said == []
