"""
Slots: how many calls may be under way, and a queue for the rest that respects their deadlines.

A semaphore with a time-out for each waiter costs two timers a message; here one sweep looks after
all that wait.
"""

from __future__ import annotations

import asyncio
from collections import deque

SWEEP_S = 0.02


class Slots:
    """First come, first served; who has run out of time leaves the queue empty-handed."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[tuple[float | None, asyncio.Future[bool]]] = deque()
        self._sweeping: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Slots free {self._free}, waiting {len(self._waiting)}>"

    async def take(self, until_s: float | None) -> bool:
        """Take a slot; False where none came free until then, on the loop's own clock."""
        if self._free:
            self._free -= 1
            return True
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((until_s, turn))
        if until_s is not None and self._sweeping is None:
            self._sweeping = loop.call_later(SWEEP_S, self._sweep)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give_back()
            raise

    def give_back(self) -> bool:
        """The next in the queue has it (True), or it is free (False)."""
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return True
        self._free += 1
        return False

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for until_s, turn in self._waiting:
            if until_s is not None and until_s <= now_s and not turn.done():
                turn.set_result(False)
        self._waiting = deque(waiter for waiter in self._waiting if not waiter[1].done())
        has_deadlines = any(until_s is not None for until_s, _ in self._waiting)
        self._sweeping = loop.call_later(SWEEP_S, self._sweep) if has_deadlines else None
