"""Visit: the reviewers' pages after the story, open until a key is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.console import Console

from consumer.dev.demo.screen.keyboard import typed
from consumer.dev.demo.stage.office import LOOK_S, VISITOR, ReviewOffice
from consumer.dev.demo.stage.stage import Stage
from consumer.errors import ConsumerError

END_KEY = "q"
"""Not just any: somebody may still be typing when the story is over."""


async def keep_open(stage: Stage, console: Console, stop: asyncio.Event) -> None:
    """
    Open the reviewers' pages, say where they are, and wait for the key or a stop.

    That they cannot be had spoils nothing: it is said in a line.
    """
    ending = asyncio.Event()

    def press(keys: bytes) -> None:
        if END_KEY.encode() in keys.lower():
            ending.set()

    def is_over() -> bool:
        return ending.is_set() or stop.is_set()

    office = ReviewOffice(stage)
    with typed(press) as can_press:
        try:
            if can_press:
                await _receive(office, console, is_over)
        except (ConsumerError, OSError) as error:
            console.print(f"no reviewers' console: {error}", style="yellow", soft_wrap=True)
        finally:
            office.end_now()


async def _receive(office: ReviewOffice, console: Console, is_over: Callable[[], bool]) -> None:
    """
    Raises:
        ConsumerError: feed or console did not start, or ended by itself.
    """
    console.print()
    console.print(f"opening the reviewers' console ({END_KEY} ends) ...")
    opening = asyncio.create_task(office.open())
    try:
        while not opening.done() and not is_over():
            await asyncio.sleep(LOOK_S)
        if is_over():
            return
        for line in (
            f"what was flagged is at {opening.result()}",
            f"the link signs you in once, as {VISITOR}; press {END_KEY} here to end it all",
        ):
            console.print(line, style="bold", soft_wrap=True)
        while not is_over():
            office.check()
            await asyncio.sleep(LOOK_S)
    finally:
        opening.cancel()
