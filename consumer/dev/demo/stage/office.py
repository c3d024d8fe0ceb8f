"""Office: where people review what the demo flagged: the feed and the console, as processes."""

from __future__ import annotations

import asyncio
import re
import time

from consumer.dev.demo.stage.child import Lifeline, StageChild
from consumer.dev.demo.stage.stage import Stage
from consumer.errors import ConsumerError

VISITOR = "demo"
"""Who the sign-in is for, by name."""
ROLES = ("reviewer", "lead", "policy-author", "auditor")
"""All of them: there is most to see."""
OPEN_S = 60.0
"""Beyond this it did not start, on however slow a machine."""
LOOK_S = 0.1
"""How soon it is seen that a key was pressed, or that a process has ended."""
_SERVING = re.compile(rb'"address":"http://127\.0\.0\.1:(\d+)"')
_LINK = re.compile(rb'"link": "([^"]+)"')


class ReviewOffice:
    """Opened once the story is over, so that what people decide is no part of its count."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lifeline = Lifeline()
        self._settings = stage.review_settings()
        self._feed = self._child("review", "feed")
        self._console = self._child("console", port=0)
        self._children = [self._feed, self._console]

    def __repr__(self) -> str:
        return f"<ReviewOffice {self._children!r}>"

    async def open(self) -> str:
        """
        Start both; the address that signs one visitor in, once.

        Raises:
            ConsumerError: one of them did not start, with its last words.
        """
        for child in self._children:
            child.start()
        until_s = time.monotonic() + OPEN_S
        while (found := _SERVING.search(self._console.said())) is None:
            self.check()
            if time.monotonic() > until_s:
                raise ConsumerError(f"nothing was served within {OPEN_S:.0f} s")
            await asyncio.sleep(LOOK_S)
        return await self._link(int(found[1]))

    def check(self) -> None:
        """
        See that both run.

        Raises:
            ConsumerError: one has ended by itself, with its last words.
        """
        for child in (self._feed, self._console):
            if child.has_ended:
                raise ConsumerError(child.last_words())

    def end_now(self) -> None:
        """At once: what they keep goes with the demo, so there is nothing to lose."""
        for child in self._children:
            child.kill()
        self._lifeline.cut()

    async def _link(self, port: int) -> str:
        roles = [word for role in ROLES for word in ("--role", role)]
        child = self._child("console", "link", VISITOR, *roles, "--json", port=port)
        self._children.append(child)
        child.start()
        if not await child.ended(OPEN_S):
            raise ConsumerError(f"no sign-in was made within {OPEN_S:.0f} s")
        printed = _LINK.search(child.said())
        if printed is None:
            raise ConsumerError(child.last_words())
        return printed[1].decode()

    def _child(self, *words: str, port: int | None = None) -> StageChild:
        settings = dict(self._settings)
        if port is not None:
            settings["review.console.port"] = str(port)
        log = self._stage.folder / f"{'-'.join(words[:2])}.log"
        return StageChild(words, settings, log, self._lifeline)
