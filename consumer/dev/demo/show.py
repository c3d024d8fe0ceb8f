"""The demo itself: set the stage, let traffic flow, count what came out, say whether it adds up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from consumer.dev.demo.performance import Performance
from consumer.dev.demo.reckoning import Reckoning, next_commands, reckoned
from consumer.dev.demo.screen.audience import Audience
from consumer.dev.demo.screen.keyboard import TypedLine, typed
from consumer.dev.demo.screen.panes import Panes, fits
from consumer.dev.demo.screen.row import Told
from consumer.dev.demo.screen.score import Score
from consumer.dev.demo.screen.screen import PlainLines
from consumer.dev.demo.stage.crew import Crew
from consumer.dev.demo.stage.edit import PolicyEdit
from consumer.dev.demo.stage.outputs import OutputFollower, stored
from consumer.dev.demo.stage.sender import Sender
from consumer.dev.demo.stage.stage import Stage, policies_folder, set_up
from consumer.dev.demo.story import Story
from consumer.dev.demo.visit import keep_open
from consumer.dev.demo.wishes import Wishes
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import ConsumerError
from consumer.inference.nearby import find_nearby
from consumer.telemetry.clock import SystemClock

INTERRUPTED = 130
PICTURE = (110, 32)
"""Cells of the picture that can be asked for."""


class Demo:
    """A minute of traffic through real workers."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        # Piped output may be wide; a terminal has the width it has.
        is_plain = wishes.is_plain
        self._console = Console(
            highlight=False, force_terminal=False if is_plain else None, no_color=is_plain or None
        )
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Returns 0 if every message that went in came out once, else 1."""
        with self._interruptible(), ExitStack() as stack:
            policies, has_office = self._wishes.policies or policies_folder(), self._has_office()
            stage = stack.enter_context(set_up(policies, is_reviewed=has_office))
            crew = Crew("AB", stage.settings(*await self._choose(stack)), stage.folder)
            stack.callback(crew.end_now)
            sender, score = Sender(stage.bootstrap_servers, self._wishes.seed), Score()
            audience = Audience(stage, sender)
            story = Story(
                crew,
                sender,
                PolicyEdit(stage.policies),
                audience.tell,
                lambda seconds: seconds / self._wishes.speed,
            )
            audience.listeners += (score.add, story.saw)
            performance = Performance(self._wishes, crew, sender, score, story)
            error = None
            try:
                await self._perform(stage, audience, performance)
            except ConsumerError as found:
                error = found
            await crew.stop()
            on_topics = await asyncio.to_thread(stored, stage.bootstrap_servers)
            if error is not None:
                self._console.print(f"the demo failed: {error}", style="red", soft_wrap=True)
            code = self._sum_up(reckoned(sender.sent, on_topics), score, story) or int(bool(error))
            if has_office and not (code or self._stop.is_set()):
                await keep_open(stage, self._console, self._stop)
        return code

    async def _perform(self, stage: Stage, audience: Audience, performance: Performance) -> None:
        """
        Raises:
            ConsumerError: as `Performance.run` does.
        """
        line = TypedLine(lambda text: performance.sender.say(text, "you"))
        with ExitStack() as stack:
            has_panes = fits(self._console)
            can_type = has_panes and stack.enter_context(typed(line.feed))
            title = f"embedded Kafka broker, {self._wishes.who_judges}"
            panes = Panes(
                self._console, performance, title, lambda: line.text if can_type else None
            )
            if has_panes or self._wishes.picture is not None:
                audience.screens.append(panes)
            if has_panes:
                stack.enter_context(panes)
            else:
                audience.screens.append(PlainLines(self._console, performance.passed_s))
            stack.enter_context(_reading(stage, audience))
            performance.story.at_its_height = lambda: self._draw(panes)
            await performance.run(self._stop)
            if not performance.has_acts:
                self._draw(panes)

    def _draw(self, panes: Panes) -> None:
        if self._wishes.picture is not None:
            self._wishes.picture.write_text(panes.picture(*PICTURE))

    def _has_office(self) -> bool:
        """Whether somebody sits before it who could review what was flagged, and press a key."""
        is_watched = self._console.is_terminal and sys.stdin.isatty()
        return is_watched and not self._wishes.is_plain and os.environ.get("CI") != "true"

    async def _choose(self, stack: ExitStack) -> tuple[str, str]:
        """The inference server: the one asked for, else the stand-in and an offer of a real one."""
        endpoint, model = self._wishes.endpoint, self._wishes.model
        if endpoint is not None and model is not None:
            self._console.print(f"judging with {model} at {endpoint}")
            return endpoint, model
        behaviour = Behaviour(latency_lognormal=(0.12, 0.35), seed=self._wishes.seed)
        server = stack.enter_context(StandInSafeguard.in_thread(behaviour))
        self._console.print(
            "judging with a STAND-IN, no model: it looks for the terms and examples that the "
            "policies themselves quote"
        )
        for found in await find_nearby():
            if found.fitting is None or found.is_stand_in:
                continue
            self._console.print(
                f"{found.kind} runs here; for real judgements: safeguard demo "
                f"--endpoint {found.endpoint} --model {found.fitting}"
            )
        return server.base_url, "stand-in-safeguard"

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first Ctrl-C is a wish to see the count; the second one ends it all at once."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        is_told = False

        def end() -> None:
            nonlocal is_told
            is_told = True
            task.cancel()

        def stop() -> None:
            if self._stop.is_set():
                end()
            self._stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        # Nobody looks on any more.
        loop.add_signal_handler(signal.SIGHUP, end)
        try:
            yield
        except asyncio.CancelledError:
            # A reader that is gone, as of `| head`, cancels too: that is no wish of anybody's here.
            if is_told:
                raise KeyboardInterrupt from None
            raise
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _sum_up(self, count: Reckoning, score: Score, story: Story) -> int:
        def say(text: str = "", style: str = "") -> None:
            self._console.print(text, style=style, soft_wrap=not self._console.is_terminal)

        if not count.sent:
            # Where nobody has stopped it, why it failed is said already: nothing is to be counted.
            if self._stop.is_set():
                say("stopped before the first message")
            return INTERRUPTED if self._stop.is_set() else 1
        say()
        for line in story.summary:
            say(line)
        say(str(count))
        say(
            f"latency from record to a verdict that a reader has: p50 {score.percentile_ms(0.5)} "
            f"ms, p95 {score.percentile_ms(0.95)} ms"
        )
        if not count.adds_up:
            say("the count does NOT add up: this is a bug, please report it", "red")
            return 1
        say("every message in came out exactly once", "green")
        say()
        say("go on with:")
        for command in next_commands():
            say(f"  {command}")
        return 0


@contextmanager
def _reading(stage: Stage, audience: Audience) -> Iterator[None]:
    """Show what comes to lie on the outputs."""
    loop = asyncio.get_running_loop()

    def take(told: Told) -> None:
        loop.call_soon_threadsafe(audience.show, told)

    reader = OutputFollower(stage.bootstrap_servers, take, SystemClock().wall_ms)
    try:
        yield
    finally:
        reader.close()
