"""A loop that runs late is seen, and nobody looks while nothing is measured."""

from __future__ import annotations

import asyncio

import pytest

from consumer.inference.pacing import loop_lag
from consumer.inference.pacing.loop_lag import EVERY_S, Lateness


class Wall:
    """Seconds that pass as the test says."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(loop_lag, "perf_counter", wall)
    monkeypatch.setattr(loop_lag, "EVERY_S", 0.0)
    return wall


async def looks(watched: Lateness, wall: Wall, late_s: float, count: int) -> None:
    for _ in range(count):
        watched.watch()
        wall.now_s += late_s
        # One turn of the loop, in which the timer is looked at once.
        await asyncio.sleep(0)


async def test_the_mean_follows_how_late_timers_are(wall: Wall) -> None:
    watched = Lateness()
    await looks(watched, wall, 0.02, 60)
    assert watched.mean_s == pytest.approx(0.02, rel=0.05)

    await looks(watched, wall, 0.0, 60)
    assert watched.mean_s < 0.001
    watched.stop()


async def test_it_rests_while_nothing_is_measured(wall: Wall) -> None:
    """No timer is left once nobody has asked for a while; the next measurement starts it again."""
    watched = Lateness()
    watched.watch()
    await asyncio.sleep(0.02)
    wall.now_s += 60.0
    await asyncio.sleep(0.02)
    assert watched.mean_s == 0.0

    await looks(watched, wall, 0.02, 3)
    assert watched.mean_s > 0.0
    watched.stop()


def test_looks_are_rare() -> None:
    """A timer each time would cost what it is meant to spare."""
    assert EVERY_S >= 0.02
