"""
Collecting: when the client is asked for its reports.

While reports are due the event loop itself asks, every few milliseconds: a thread that waits for
them would be woken for each, and wrest the interpreter from the loop each time. Now and then it
asks in any case, since the client tells of errors then, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

REPORTS_S = 0.008
"""How often the client is asked while any report is due. Who reads the output waits for no report;
only what follows on another output in its key's order does, and asking is a wake-up each time."""
WATCH_S = 0.1
"""How often it is asked in any case, and it is looked whether a report is late: a small part of
`kafka.message_timeout_s`, which is a second or more."""


class Collecting:
    """Calls `collect` soon after something was sent until nothing is due, and `watch` regularly."""

    def __init__(
        self,
        collect: Callable[[], None],
        watch: Callable[[], None],
        is_due: Callable[[], bool],
    ) -> None:
        self._collect = collect
        self._watch = watch
        self._is_due = is_due
        self._loop: asyncio.AbstractEventLoop
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """On the running loop."""
        self._loop = asyncio.get_running_loop()
        self._watching = self._loop.create_task(self._watch_regularly())

    def soon(self) -> None:
        """Something was sent."""
        if self._timer is None:
            self._timer = self._loop.call_later(REPORTS_S, self._collect_due)

    def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _collect_due(self) -> None:
        self._timer = None
        self._collect()
        if self._is_due():
            self.soon()

    async def _watch_regularly(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            self._watch()
