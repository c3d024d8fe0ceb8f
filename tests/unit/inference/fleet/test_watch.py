"""One probe at a time, when it is due, given up where a call proves as much."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from consumer.errors import InferenceTimeout, Overloaded, Retryable
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.standing import Condition, Standing
from consumer.inference.fleet.watch import Watch
from consumer.telemetry.telemetry import Telemetry
from tests.unit.classifier.confidence.test_looks import HandClock


class World:
    """A probe that ends as the test says."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.breaker = Breaker(5.0)
        telemetry = Telemetry(self.clock)
        self.standing = Standing("s", self.breaker, telemetry)
        self.watch = Watch(self.standing, self.breaker, self.probe, self.clock)
        self.answer: asyncio.Future[Retryable | None] = asyncio.Future()
        self.asked = self.given_up = 0

    async def probe(self) -> Retryable | None:
        self.asked += 1
        try:
            return await self.answer
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    async def begin(self) -> asyncio.Task[Condition]:
        condition = asyncio.create_task(self.watch.condition())
        for _ in range(5):
            await asyncio.sleep(0)
        return condition


@pytest.mark.parametrize(
    ("error", "expected", "is_out"),
    [
        (None, Condition.WELL, False),
        (Overloaded(), Condition.BUSY, False),
        (InferenceTimeout(), Condition.OUT, True),
    ],
)
async def test_a_probe_says_how_it_stands(
    error: Retryable | None, expected: Condition, is_out: bool
) -> None:
    """A server that is full is there, and so it is out no more."""
    world = World()
    world.breaker.trip(-100.0)
    world.answer.set_result(error)
    assert await world.watch.condition() is expected
    assert world.breaker.is_open is is_out
    await world.watch.close()


async def test_a_call_that_was_sent_after_the_probe_proves_as_much() -> None:
    """Then the probe is given up; what was sent before it, or with it, proves nothing."""
    world = World()
    condition = await world.begin()
    world.watch.heard(world.clock.now_s())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not condition.done()
    for _ in range(2):
        world.watch.heard(world.clock.now_s() + 1)
    assert await condition is Condition.WELL
    await asyncio.sleep(0)
    assert (world.asked, world.given_up) == (1, 1)
    world.watch.heard(world.clock.now_s() + 1)


async def test_an_endpoint_that_is_out_is_probed_when_that_is_due() -> None:
    """One that is not is probed at once."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    world = World()
    world.answer.set_result(None)
    with patch("consumer.inference.fleet.watch.asyncio.sleep", sleep):
        await world.watch.condition()
        assert slept == []
        world.breaker.trip(world.clock.now_s() - 2.0)
        await world.watch.condition()
    assert slept == [3.0]
