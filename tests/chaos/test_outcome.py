"""What a run found: when it may be called clean."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tests.chaos.outcome import FAULTS, Outcome


def an_outcome(**found: Any) -> Outcome:
    """Of a run with 100 messages that found nothing but what is given."""
    nothing: dict[str, Any] = dict.fromkeys((field.name for field in fields(Outcome)), 0)
    enough = {"written": 100, "messages": 100, "causes": {"model": 100}, "compared": 100}
    judged = {"classic": 60, "consumer": 40}
    return Outcome(**nothing | enough | {"settled": True, "judged": judged} | found)


def test_a_run_without_a_fault_is_clean() -> None:
    assert an_outcome().is_clean


@pytest.mark.parametrize("fault", FAULTS)
def test_any_fault_counts(fault: str) -> None:
    assert not an_outcome(**{fault: 1}).is_clean


@pytest.mark.parametrize("messages", [0, 29])
def test_a_run_that_looked_at_next_to_nothing_is_not_clean(messages: int) -> None:
    """The input was made again too late: what lies on the last one is no evidence."""
    assert not an_outcome(messages=messages).is_clean
    assert an_outcome(messages=30).is_clean


def test_a_run_that_compared_few_of_its_verdicts_is_not_clean() -> None:
    """That none of them contradicts another then says nothing of the others."""
    assert not an_outcome(compared=89).is_clean
    assert an_outcome(compared=90).is_clean


def test_a_run_in_which_a_protocol_found_nothing_to_do_is_not_clean() -> None:
    """Whatever struck its workers struck them idle."""
    assert not an_outcome(judged={"classic": 86, "consumer": 14}).is_clean
    assert an_outcome(judged={"classic": 85, "consumer": 15}).is_clean
