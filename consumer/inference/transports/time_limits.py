"""
Time limits of calls under way, looked after by one timer for all of them.

A timer for each call is a tenth of what the call costs, and hardly one of them ever fires.
"""

from __future__ import annotations

import asyncio
from typing import Any

SWEEP_S = 0.05
"""How often it is looked whose time is over: a call may outlive its limit by so much."""


class TimeLimits:
    """
    Cancels the task of a call that outlives its limit; a task has one call at a time.

    The call begins with `begin` and ends with `end`, and asks `was_over` when it is cancelled.
    """

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[Any], tuple[float, int]] = {}
        """When a task's call is over, and how often the task had been cancelled before it began."""
        self._over: dict[asyncio.Task[Any], int] = {}
        """Cancelled here, and not yet ended."""
        self._sweeping: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<TimeLimits of {len(self._ends)} calls, {len(self._over)} over>"

    def begin(self, seconds: float) -> asyncio.Task[Any]:
        """A call of the current task begins, and may take so long. Returns the task."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._ends[task] = (loop.time() + seconds, task.cancelling())
        if self._sweeping is None:
            self._sweeping = loop.call_later(SWEEP_S, self._sweep, loop)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        self._ends.pop(task, None)
        self._over.pop(task, None)

    def was_over(self, task: asyncio.Task[Any]) -> bool:
        """
        Whether a call that is being cancelled is so for its limit, and for nothing else.

        Then it is cancelled no longer, and its caller is told of the time that was over.
        """
        before = self._over.pop(task, None)
        return before is not None and task.uncancel() <= before

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = None
        now_s = loop.time()
        over = [(task, before) for task, (end_s, before) in self._ends.items() if end_s <= now_s]
        for task, before in over:
            del self._ends[task]
            self._over[task] = before
            task.cancel()
        if self._ends:
            self._sweeping = loop.call_later(SWEEP_S, self._sweep, loop)

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
