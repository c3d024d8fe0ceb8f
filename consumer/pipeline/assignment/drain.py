"""Drain: waiting until what was taken is finished, within one budget for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.assignment.unfinished import Unfinished


async def until_empty(
    assignments: Iterable[Assignment], failure: asyncio.Future[None], budget_s: float
) -> None:
    """Wait until nothing of them is unfinished, the budget is spent, or the service has failed."""
    left = {each.unfinished for each in assignments if not each.unfinished.is_empty}
    if not left:
        return
    emptied: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_empty(unfinished: Unfinished[Flight]) -> None:
        left.discard(unfinished)
        if not left and not emptied.done():
            emptied.set_result(None)

    for unfinished in left:
        unfinished.on_empty.append(on_empty)
    await asyncio.wait((emptied, failure), timeout=budget_s, return_when=asyncio.FIRST_COMPLETED)
