"""Drain: waiting until what was taken is finished, within one budget for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from consumer.pipeline.flight import Stretch


async def until_empty(
    stretches: Iterable[Stretch], failure: asyncio.Future[None], budget_s: float
) -> None:
    """Wait until the stretches are empty, the budget is spent, or the service has failed."""
    left = {stretch for stretch in stretches if not stretch.is_empty}
    if not left:
        return
    emptied: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_empty(stretch: Stretch) -> None:
        left.discard(stretch)
        if not left and not emptied.done():
            emptied.set_result(None)

    for stretch in left:
        stretch.on_empty.append(on_empty)
    await asyncio.wait((emptied, failure), timeout=budget_s, return_when=asyncio.FIRST_COMPLETED)
