"""Performance: from the workers' start to the last verdict, or until somebody has seen enough."""

from __future__ import annotations

import asyncio
import time

from consumer.dev.demo.screen.score import Score
from consumer.dev.demo.stage.crew import Crew
from consumer.dev.demo.stage.sender import Sender
from consumer.dev.demo.story import SECONDS_MIN, Story
from consumer.dev.demo.wishes import Wishes

SETTLE_S = 90.0
"""How long the last messages may take after the traffic has ended."""


class Performance:
    """Runs traffic and story side by side, and looks after the workers meanwhile."""

    def __init__(
        self, wishes: Wishes, crew: Crew, sender: Sender, score: Score, story: Story
    ) -> None:
        self._wishes, self.story = wishes, story
        self.crew, self.sender, self.score = crew, sender, score
        self.seconds = wishes.seconds / wishes.speed
        """How long traffic flows, at least."""
        self._started_s: float | None = None

    def __repr__(self) -> str:
        return f"<Performance {self.passed_s():.0f} s, {self.sender!r}>"

    @property
    def has_acts(self) -> bool:
        """Whether there is time for a story."""
        return self._wishes.seconds >= SECONDS_MIN

    def passed_s(self) -> float:
        """Since the first message."""
        return 0.0 if self._started_s is None else time.monotonic() - self._started_s

    async def run(self, stop: asyncio.Event) -> None:
        """
        Let it all happen; with `stop` no more is sent, and what is under way comes out.

        Raises:
            ConsumerError: a worker ended by itself, or what should have happened did not.
        """
        self.crew.start()
        watching = asyncio.create_task(self.crew.watch())
        playing = asyncio.create_task(self._play())
        stopping = asyncio.create_task(stop.wait())
        try:
            await _first_of(watching, playing, stopping)
            if stop.is_set() and not playing.done():
                playing.cancel()
                self.story.break_off()
                playing = asyncio.create_task(self._settle())
                await _first_of(watching, playing)
        finally:
            for task in (watching, playing, stopping):
                task.cancel()

    async def _play(self) -> None:
        await self.story.open()
        self._started_s = time.monotonic()
        acts = asyncio.create_task(self.story.play(self.seconds)) if self.has_acts else None
        try:
            await self.sender.flow(
                self._wishes.rate * self._wishes.speed,
                lambda passed_s: passed_s >= self.seconds and (acts is None or acts.done()),
            )
            if acts is not None:
                await acts
        finally:
            if acts is not None:
                acts.cancel()
        await self._settle()

    async def _settle(self) -> None:
        await self.sender.flush()
        until_s = time.monotonic() + SETTLE_S
        while self.score.total < self.sender.sent and time.monotonic() < until_s:
            await asyncio.sleep(0.05)


async def _first_of(*tasks: asyncio.Task[None] | asyncio.Task[bool]) -> None:
    """Until one of them has ended; raises what it raised."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
