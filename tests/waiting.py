"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], what: object, seconds: float = 30.0) -> None:
    """Wait until the condition holds; fail with `what` was waited for, as it is by then, if not."""
    until_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until_s:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        await asyncio.sleep(0.01)
