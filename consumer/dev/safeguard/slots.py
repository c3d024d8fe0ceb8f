"""Room for generations: what is running, what waits, what is turned away."""

from __future__ import annotations

import asyncio


class Slots:
    """So many generations at one time, and so many requests that may wait for one."""

    def __init__(self, slots: int | None, queue_max: int | None) -> None:
        self._semaphore = None if slots is None else asyncio.Semaphore(slots)
        self._queue_max = queue_max
        self.waiting = 0
        self._running = 0
        self._busy_s = 0.0
        self._counted_s = 0.0

    @property
    def busy_s(self) -> float:
        """Seconds that slots were in use, summed over the slots."""
        self._count(0)
        return self._busy_s

    def _count(self, more: int) -> None:
        now_s = asyncio.get_running_loop().time()
        self._busy_s += self._running * (now_s - self._counted_s)
        self._counted_s = now_s
        self._running += more

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
        self._count(1)

    async def __aexit__(self, *error: object) -> None:
        self._count(-1)
        if self._semaphore is not None:
            self._semaphore.release()
