"""
Watch: one probe at a time for all who ask about an endpoint, and on until it is back.

What a probe asks is the endpoint's own; here is when it goes out, and who hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from consumer.errors import Overloaded, Retryable
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.standing import Condition, Standing
from consumer.interfaces import Clock


class Watch:
    """Probes one endpoint when its condition is asked for, and while it is out."""

    def __init__(
        self,
        standing: Standing,
        breaker: Breaker,
        probe: Callable[[], Coroutine[Any, Any, Retryable | None]],
        clock: Clock,
    ) -> None:
        """`probe` asks until there is a judgement (None) or a proof that there will be none."""
        self._standing = standing
        self._breaker = breaker
        self._probe = probe
        self._clock = clock
        self._probing: asyncio.Task[Condition] | None = None
        self._reviving: asyncio.Task[None] | None = None
        self._heard: tuple[float, asyncio.Future[None]] | None = None
        """
        When the probe that is under way went out, and what is done when a call that went out after
        it gives a judgement; that says as much.
        """

    def __repr__(self) -> str:
        is_probing = self._probing is not None and not self._probing.done()
        return f"<Watch {'probing' if is_probing else 'at rest'}, {self._breaker!r}>"

    async def condition(self) -> Condition:
        """
        Probe the endpoint with a request that any healthy server judges; trips the breaker if not.

        Callers at the same time share one probe.
        """
        self.probe_soon()
        assert self._probing is not None
        return await asyncio.shield(self._probing)

    def probe_soon(self) -> None:
        """Start a probe where none is under way, for callers that do not wait for it."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_once())

    def heard(self, sent_s: float) -> None:
        """A call that was sent then gave a judgement: a probe that is under way can end."""
        if self._heard is not None and sent_s > self._heard[0]:
            self._heard[1].set_result(None)
            self._heard = None

    async def _probe_once(self) -> Condition:
        wait_s = self._breaker.probe_in_s(self._clock.now_s())
        if wait_s:
            await asyncio.sleep(wait_s)
        heard = asyncio.get_running_loop().create_future()
        self._heard = self._clock.now_s(), heard
        probing = asyncio.create_task(self._probe())
        try:
            await asyncio.wait([probing, heard], return_when=asyncio.FIRST_COMPLETED)
            error = None if heard.done() else probing.result()
        finally:
            self._heard = None
            probing.cancel()
        if error is None:
            # Also where it judged in labels of its own.
            self._standing.is_there(self._clock.now_s())
            return Condition.WELL
        if isinstance(error, Overloaded):
            # It is there, and says so.
            self._standing.is_there(self._clock.now_s())
            return Condition.BUSY
        if self._standing.is_out(self._clock.now_s(), error):
            self._reviving = asyncio.create_task(self._revive())
        return Condition.OUT

    async def _revive(self) -> None:
        """Probe until it is back: where others judge meanwhile, no call asks whether it is."""
        while self._breaker.is_open:
            await self.condition()

    async def close(self) -> None:
        for task in (self._reviving, self._probing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
