"""
Lateness: how late the event loop runs what is due, which is the worker's own part in any latency.

A worker that is bound by its own processor hears of an answer long after it came. That looks like a
slow server, and is none.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

EVERY_S = 0.05
"""Between two looks: a timer that comes rarely beside the calls, and often beside a window."""
WEIGHT = 0.1
"""Of the last look in the mean: it follows within half a second."""


class Lateness:
    """Watches the loop while calls are measured, and rests while none are."""

    def __init__(self) -> None:
        self.mean_s = 0.0
        """Seconds by which timers have been late of late. Loops round to 1 ms, so that is noise."""
        self._due_s = 0.0
        self._is_wanted = False
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Lateness {self.mean_s * 1_000:.1f} ms>"

    @property
    def is_watching(self) -> bool:
        return self._timer is not None

    def watch(self) -> None:
        """Something is being measured: look on for a while."""
        self._is_wanted = True
        if self._timer is None:
            self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._due_s = perf_counter() + EVERY_S
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        late_s = max(0.0, perf_counter() - self._due_s)
        self.mean_s += WEIGHT * (late_s - self.mean_s)
        if self._is_wanted:
            self._is_wanted = False
            self._wait()
