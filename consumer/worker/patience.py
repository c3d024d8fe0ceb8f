"""Patience: how long a worker waits for brokers at its start, and for each step of its stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from consumer.errors import BrokerUnavailable

log = structlog.get_logger()

START_PATIENCE_S = 20.0
"""
Longer than an election of leaders takes. Where brokers stay away for longer the process ends, and
whoever started it starts it again: the supervisor at once, an orchestrator as it was told.
"""
AGAIN_S = 1.0
"""How soon they are asked again, until START_PATIENCE_S has passed."""
LEAVE_S = 2.0
"""
Beyond the drain budget, for each step that asks brokers, which may be away. Nothing is owed by
then, so nobody gains by waiting longer; who wants to finish more sets pipeline.drain_s.
"""

Answer = TypeVar("Answer")


async def patiently(ask: Callable[[], Answer]) -> Answer:
    """
    Ask brokers that have let us in something; a leader that moves is no reason to end.

    Raises:
        BrokerUnavailable: they have not answered for START_PATIENCE_S.
    """
    until_s = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            return await asyncio.to_thread(ask)
        except BrokerUnavailable as error:
            if time.monotonic() > until_s:
                raise
            log.warning("the brokers are asked again", error=str(error))
            await asyncio.sleep(AGAIN_S)


async def within(seconds: float, what: str, work: Coroutine[Any, Any, None]) -> None:
    """A step of the stop; what takes too long is left behind, as a crash would leave it."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        log.warning("the stop goes on without waiting any longer", step=what)
