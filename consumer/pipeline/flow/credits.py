"""Credits: permissions to take a record, given to the source by handfuls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from consumer.interfaces import Source
from consumer.pipeline.flow.limiter import Limiter

GIVE_EVERY_S = 0.003
"""
How often credits are given, at most, where the source has few of them left.

Each gift wakes a thread, and this keeps gifts large. A place stands free for so long, which is a
small part of any answer.
"""


class Credits:
    """
    Gives the source what the limiter has room for.

    `before` is called each time first: what was taken long ago comes before what is to be taken.
    `is_awaited` says whether it has anything to do.
    """

    def __init__(
        self,
        source: Source,
        limiter: Limiter,
        before: Callable[[], None],
        is_awaited: Callable[[], bool],
    ) -> None:
        self._source = source
        self._limiter = limiter
        self._before = before
        self._is_awaited = is_awaited
        self._loop = asyncio.get_running_loop()
        self._is_due = False
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Credits {'over' if self._is_over else 'due' if self._is_due else 'given'}>"

    def give_soon(self) -> None:
        """
        By handfuls: each gift wakes the source's thread, which then takes as many at once.

        A source that has half of them left lacks nothing: on a quiet topic a gift for each message
        would be a wake-up that nobody needs.
        """
        if not self._is_due and (self._limiter.is_short_of_credits or self._is_awaited()):
            self._is_due = True
            self._loop.call_later(GIVE_EVERY_S, self.give)

    def give(self) -> None:
        """Now."""
        self._is_due = False
        if self._is_over:
            return
        self._before()
        more = self._limiter.credits_to_give()
        if more:
            self._source.give_credits(more)

    def stop(self) -> None:
        """Nothing more is to be taken."""
        self._is_over = True
