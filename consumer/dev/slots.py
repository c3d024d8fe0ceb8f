"""Room for generations: what is running, what waits, what is turned away."""

from __future__ import annotations

import asyncio


class Slots:
    """So many generations at one time, and so many requests that may wait for one."""

    def __init__(self, slots: int | None, queue_max: int | None) -> None:
        self._semaphore = None if slots is None else asyncio.Semaphore(slots)
        self._queue_max = queue_max
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        if self._semaphore is None or self._queue_max is None or not self._semaphore.locked():
            return False
        return self.waiting >= self._queue_max

    async def __aenter__(self) -> None:
        if self._semaphore is not None:
            self.waiting += 1
            try:
                await self._semaphore.acquire()
            finally:
                self.waiting -= 1

    async def __aexit__(self, *error: object) -> None:
        if self._semaphore is not None:
            self._semaphore.release()
