"""Content: what the parts of a message say, however hosts nest them."""

from __future__ import annotations

import pytest

from consumer.inference.wires.content import said_in


def thought(levels: int) -> dict[str, object]:
    """A part whose text lies so many levels deep."""
    part: object = "deep"
    for _ in range(levels):
        part = {"type": "reasoning", "content": part}
    assert isinstance(part, dict)
    return part


@pytest.mark.parametrize(("levels", "expected"), [(1, "deep"), (4, "deep"), (5, "")])
def test_thoughts_are_looked_for_in_so_many_levels(levels: int, expected: str) -> None:
    """Hosts nest two or three; what is deeper was made to cost time."""
    assert said_in([thought(levels)]).reasoning == expected


def test_more_parts_than_any_answer_has_are_no_answer() -> None:
    """What was not read might say something else: a mark in its place matches no label."""
    part = {"type": "text", "text": ""}
    answer = {"type": "text", "text": "HH0"}
    assert said_in([answer, *[part] * 63]).answer.strip() == "HH0"
    assert said_in([answer, *[part] * 64]).answer.strip() != "HH0"
