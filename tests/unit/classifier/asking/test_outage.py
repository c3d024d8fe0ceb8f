"""Outage or the message's own fault, and whose time the finding out is."""

from __future__ import annotations

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.classifier.asking.course import Course
from consumer.classifier.asking.outage import OutageJudge
from consumer.classifier.asking.patience import Patience
from consumer.errors import InferenceTimeout, InferenceUnavailable, Retryable
from consumer.inference.fleet.falls import Falls
from consumer.inference.fleet.standing import Condition
from tests.unit.classifier.confidence.test_looks import HandClock

SENT_S = 90.0
"""The clock stands at 100: a call took ten seconds, and a probe takes two."""
BROKEN, SLOW = InferenceUnavailable("gone"), InferenceTimeout()


class World:
    """A fleet of one endpoint, whose probe ends as the test says."""

    def __init__(self, found: Condition = Condition.WELL, *, judged_s: float = 0.0) -> None:
        self.clock = HandClock()
        self.found = found
        self.probed = self.soon = 0
        self.is_out = False
        self.last_judgement_s = judged_s
        endpoint: Any = SimpleNamespace(
            falls=Falls(), standing=SimpleNamespace(last_judgement_s=judged_s)
        )
        self.course = Course("ours")
        self.course.begin(SENT_S)
        self.course.endpoint = endpoint
        fleet: Any = self
        self.judge = OutageJudge(fleet, self.clock, Random(1))

    async def condition(self, of: object = None) -> Condition:
        self.probed += 1
        self.clock.time_s += 2.0
        self.is_out = False
        return self.found

    def probe_soon(self) -> None:
        self.soon += 1

    def check(self) -> None: ...

    async def is_own(self, error: Retryable, patience: Patience) -> bool:
        return await self.judge.is_own_fault(error, self.course, patience)


def waiting() -> Patience:
    """Two minutes, from which no outage takes any."""
    return Patience(220.0, True)


def impatient() -> Patience:
    return Patience(220.0, False)


def left_s(patience: Patience, world: World) -> float | None:
    return patience.left_s(world.clock.now_s())


@pytest.mark.parametrize(
    ("error", "judged_s", "probed"),
    [(SLOW, SENT_S + 1, 0), (SLOW, SENT_S, 1), (BROKEN, SENT_S + 1, 1)],
)
async def test_who_judged_others_since_then_is_well(
    error: Retryable, judged_s: float, probed: int
) -> None:
    """Of one that broke off nobody knows whether it still is, and so it is probed."""
    world = World(judged_s=judged_s)
    assert await world.is_own(error, waiting())
    assert world.probed == probed


@pytest.mark.parametrize("found", [Condition.OUT, Condition.BUSY])
async def test_an_outage_takes_no_time_from_a_message_that_waits(found: Condition) -> None:
    """Neither the call nor the probe; from another one both do."""
    world, patience = World(found), waiting()
    assert not await world.is_own(SLOW, patience)
    assert left_s(patience, world) == 130.0
    world, patience = World(found), impatient()
    assert not await world.is_own(SLOW, patience)
    assert left_s(patience, world) == 118.0


async def test_a_call_that_hangs_at_one_that_is_well_is_the_messages_own_time() -> None:
    world, patience = World(), waiting()
    assert await world.is_own(SLOW, patience)
    assert left_s(patience, world) == 120.0


async def test_calls_that_broke_off_together_blame_nobody_but_a_suspect_alone() -> None:
    """That is one that saw it twice before; and only where the server is back."""
    for falls, found, is_own in (
        (0, Condition.WELL, False),
        (1, Condition.WELL, False),
        (2, Condition.WELL, True),
        (2, Condition.OUT, False),
    ):
        world = World(found)
        world.course.falls = falls
        assert world.course.endpoint is not None
        world.course.endpoint.falls.note(99.5, "another's")
        assert await world.is_own(BROKEN, waiting()) is is_own
        assert world.course.falls == falls + 1


async def test_a_call_that_broke_off_by_itself_is_noted_for_the_others() -> None:
    world = World()
    assert await world.is_own(BROKEN, waiting())
    assert world.course.falls == 0
    assert world.course.endpoint is not None
    assert world.course.endpoint.falls.of_others(100.0, "another's")
    # One that was only slow did not fall, and where there was no place nobody did.
    slow = World()
    await slow.is_own(SLOW, waiting())
    assert slow.course.endpoint is not None
    assert not slow.course.endpoint.falls.of_others(0.0, "another's")
    slow.course.endpoint = None
    assert await slow.is_own(BROKEN, waiting())


@pytest.mark.parametrize(
    ("found", "judged_s", "takes_nothing"),
    [
        (Condition.OUT, 0.0, True),
        (Condition.OUT, SENT_S, True),
        (Condition.OUT, SENT_S + 1, False),
        (Condition.BUSY, 0.0, False),
        (Condition.WELL, 0.0, False),
    ],
)
async def test_a_text_is_too_long_where_shorter_ones_are_taken(
    found: Condition, judged_s: float, takes_nothing: bool
) -> None:
    """Where none are, it is an outage, and no time of a message that waits."""
    world, patience = World(found, judged_s=judged_s), waiting()
    assert await world.judge.takes_nothing(world.course, patience) is takes_nothing
    assert left_s(patience, world) == (130.0 if takes_nothing else 120.0)
    world, patience = World(found, judged_s=judged_s), impatient()
    assert await world.judge.takes_nothing(world.course, patience) is takes_nothing
    assert left_s(patience, world) == (120.0 if judged_s > SENT_S else 118.0)


async def test_an_outage_is_waited_out_or_gone_on_without() -> None:
    """Somebody looks after it in either case."""
    world, patience = World(), waiting()
    world.is_out = True
    assert await world.judge.is_over(patience)
    assert (world.probed, world.soon, left_s(patience, world)) == (1, 0, 120.0)
    world.is_out = True
    assert not await world.judge.is_over(impatient())
    assert (world.probed, world.soon) == (1, 1)


async def test_load_that_lets_nobody_through_is_an_outage_until_a_probe_is_judged_twice() -> None:
    """One that judges by now may have begun to just now."""
    world, patience = World(Condition.WELL), waiting()
    world.course.refused_since_s = 60.0
    assert await world.judge.was_refused_with_all(world.course, patience)
    assert world.course.refused_since_s == 102.0
    assert left_s(patience, world) == 120.0 + 40.0
    assert not await world.judge.was_refused_with_all(world.course, patience)
    busy = World(Condition.BUSY)
    busy.course.refused_since_s = 60.0
    for _ in range(3):
        assert await busy.judge.was_refused_with_all(busy.course, patience)


@pytest.mark.parametrize(
    ("since_s", "judged_s", "waits"),
    [(None, 0.0, True), (60.0, 0.0, False), (60.0, 60.0, True), (60.0, 61.0, True)],
)
async def test_load_that_somebody_gets_through_is_the_messages_own_time(
    since_s: float | None, judged_s: float, waits: bool
) -> None:
    world = World(judged_s=judged_s)
    world.course.refused_since_s = since_s
    patience = waiting() if waits else impatient()
    assert await world.judge.was_refused_with_all(world.course, patience) is False
    assert world.probed == 0


async def test_a_probe_for_which_there_is_no_time_blames_nobody() -> None:
    world = World()

    async def never(of: object = None) -> Condition:
        await asyncio.Event().wait()
        raise AssertionError

    world.condition = never  # type: ignore[method-assign]
    patience = Patience(100.01, False)
    assert await world.judge._probed(world.course, patience) is Condition.BUSY
    assert not await world.is_own(SLOW, patience)
