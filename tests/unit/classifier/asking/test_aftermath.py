"""What each failed call means for its message, whoever else is asked about it."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from consumer.classifier.asking.aftermath import Aftermath, Crowded, Gone
from consumer.classifier.asking.course import Course
from consumer.classifier.asking.patience import Patience
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import InferenceTimeout, InferenceUnavailable, Overloaded, Retryable
from consumer.inference.pacing.retry import RetryLimits
from consumer.telemetry.telemetry import Telemetry
from tests.unit.classifier.confidence.test_looks import HandClock

NOW_S = 100.0


class World:
    """An aftermath that is told whose fault it is, and does not really pause."""

    def __init__(self, *, is_own: bool = False) -> None:
        self.is_own = is_own
        self.probed: list[str] = []
        self.slept: list[float] = []
        fleet: Any = self.probed_by("fleet")
        endpoint: Any = SimpleNamespace(
            watch=self.probed_by("endpoint"), breaker=SimpleNamespace(is_open=False)
        )
        outages: Any = SimpleNamespace(is_own_fault=self.is_own_fault)
        retries = RetryLimits(4, wait_initial_s=2.0)
        telemetry = Telemetry(HandClock())
        self.aftermath = Aftermath(fleet, outages, retries, telemetry, Random(1))
        self.course = Course("user")
        self.course.begin(NOW_S - 3)
        self.course.endpoint = endpoint

    def probed_by(self, name: str) -> Any:
        return SimpleNamespace(probe_soon=lambda: self.probed.append(name))

    async def is_own_fault(self, *_: object) -> bool:
        return self.is_own

    async def after(
        self, error: Retryable, *, left_s: float | None = None, waits: bool = True
    ) -> UnjudgedReason | None:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        patience = Patience(None if left_s is None else NOW_S + left_s, waits)
        with patch("consumer.classifier.asking.aftermath.asyncio.sleep", sleep):
            return await self.aftermath.of(error, self.course, patience)


@pytest.mark.parametrize("error", [InferenceTimeout(), Crowded()])
async def test_our_own_deadline_ends_a_message_and_has_the_endpoint_looked_at(
    error: Retryable,
) -> None:
    """Or all of them, where there was no place."""
    world = World()
    assert await world.after(error, left_s=0, waits=False) is UnjudgedReason.DEADLINE
    world.course.endpoint = None
    assert await world.after(error, left_s=0, waits=False) is UnjudgedReason.DEADLINE
    assert world.probed == ["endpoint", "fleet"]


@pytest.mark.parametrize("is_own", [True, False])
async def test_where_outages_are_waited_out_a_deadline_ends_what_is_its_own_fault(
    is_own: bool,
) -> None:
    world = World(is_own=is_own)
    found = await world.after(InferenceTimeout(), left_s=0)
    assert found is (UnjudgedReason.DEADLINE if is_own else None)
    assert world.probed == []


async def test_load_counts_from_the_first_refusal_to_the_first_other_end() -> None:
    world = World()
    await world.after(Overloaded())
    assert world.course.refused_since_s == NOW_S - 3
    world.course.begin(NOW_S - 1)
    await world.after(Overloaded())
    assert world.course.refused_since_s == NOW_S - 3
    await world.after(InferenceUnavailable("gone"))
    assert world.course.refused_since_s is None


@pytest.mark.parametrize("error", [Overloaded(), InferenceUnavailable("gone")])
async def test_what_is_nobodys_fault_pauses_and_is_asked_again(error: Retryable) -> None:
    """Unless the endpoint is out, which is waited for anyway."""
    world = World()
    assert await world.after(error) is None
    (seconds,) = world.slept
    assert 1.0 <= seconds <= 2.0
    breaker: Any = SimpleNamespace(is_open=True)
    assert world.course.endpoint is not None
    world.course.endpoint.breaker = breaker
    assert await world.after(error) is None
    assert len(world.slept) == 1


@pytest.mark.parametrize(("left_s", "slept"), [(0.5, [0.5]), (0.0, []), (-1.0, [])])
async def test_a_pause_is_no_longer_than_the_message_has_time(
    left_s: float, slept: list[float]
) -> None:
    world = World()
    assert await world.after(Overloaded(), left_s=left_s) is None
    assert world.slept == slept


def test_neither_crowds_nor_a_place_that_is_gone_hint_at_an_outage() -> None:
    assert not Crowded.is_systemic
    assert not Gone.is_systemic
