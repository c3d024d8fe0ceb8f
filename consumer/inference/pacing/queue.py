"""
Queue: calls that wait for a place at a server, by lane, within their deadlines.

Who is in an earlier lane goes first, and within a lane who came first; every so many turns the last
lane that waits has one, so that none is starved. A timer for each waiter would cost two timers a
message: one sweep looks after all that wait, when the first of them may have run out of time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Generic, NamedTuple, TypeVar

from consumer.domain.lane import LANES, Lane

SWEEP_S = 0.02
"""Between two looks whose time is over: far below any deadline that people notice."""
FAIR_EVERY = 16
"""Of so many places that are given, one goes to the last lane that waits."""

Wish = TypeVar("Wish")
Place = TypeVar("Place")


class Waiter(NamedTuple, Generic[Wish, Place]):
    """A call that waits."""

    wish: Wish
    """What it waits for."""
    until_s: float | None
    """On the loop's own clock."""
    turn: asyncio.Future[Place | None]
    """Its place, or None where its time ran out first."""


class LaneQueue(Generic[Wish, Place]):
    """Waiting calls."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Waiter[Wish, Place]], ...] = tuple(deque() for _ in LANES)
        self._turns = count(1)
        self._sweeping: asyncio.TimerHandle | None = None
        """Due no later than anybody's time runs out."""

    def __repr__(self) -> str:
        waiting = ", ".join(f"{lane.word} {self.waiting(lane)}" for lane in LANES)
        return f"<LaneQueue waiting: {waiting}>"

    def waiting(self, lane: Lane) -> int:
        """How many wait; also asked from another thread, for the metrics, so it counts a copy."""
        return sum(not waiter.turn.done() for waiter in tuple(self._lanes[lane]))

    def has_waiting(self, up_to: Lane = Lane.REPLAY) -> bool:
        """Whether anybody waits in this lane or an earlier one."""
        lanes = self._lanes[: up_to + 1]
        # Mostly none has anybody, which is found out without a step for each.
        return any(lanes) and any(map(_has_first, lanes))

    def add(self, wish: Wish, lane: Lane, within_s: float | None) -> asyncio.Future[Place | None]:
        """Wait behind all of the lane that came before, so long at most."""
        loop = asyncio.get_running_loop()
        until_s = None if within_s is None else loop.time() + within_s
        waiter: Waiter[Wish, Place] = Waiter(wish, until_s, loop.create_future())
        self._lanes[lane].append(waiter)
        if until_s is not None:
            self._sweep_by(loop, until_s)
        return waiter.turn

    def next(self, may: Callable[[Lane], bool]) -> Waiter[Wish, Place] | None:
        """Whose turn it is, among the lanes that may have a place; it leaves the queue."""
        if not any(self._lanes):
            return None
        lanes = [lane for lane in LANES if self._lanes[lane] and _has_first(self._lanes[lane])]
        lanes = [lane for lane in lanes if may(lane)]
        if not lanes:
            return None
        lane = lanes[-1] if next(self._turns) % FAIR_EVERY == 0 else lanes[0]
        return self._lanes[lane].popleft()

    def _sweep_by(self, loop: asyncio.AbstractEventLoop, until_s: float) -> None:
        """See to it that somebody looks once this moment has come."""
        if self._sweeping is not None:
            if self._sweeping.when() <= until_s:
                return
            self._sweeping.cancel()
        self._sweeping = loop.call_at(max(until_s, loop.time() + SWEEP_S), self._sweep)

    def _sweep(self) -> None:
        """Send away those whose time has run out."""
        self._sweeping = None
        loop = asyncio.get_running_loop()
        now_s, next_s = loop.time(), inf
        for waiters in self._lanes:
            for _, until_s, turn in waiters:
                if until_s is None or turn.done():
                    continue
                if until_s <= now_s:
                    turn.set_result(None)
                else:
                    next_s = min(next_s, until_s)
        if next_s < inf:
            self._sweep_by(loop, next_s)


def _has_first(waiters: deque[Waiter[Wish, Place]]) -> bool:
    """Whether one of a lane still waits; those before it that have left are forgotten."""
    while waiters and waiters[0].turn.done():
        waiters.popleft()
    return bool(waiters)
