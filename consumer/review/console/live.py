"""
Live: what changes, as server-sent events: counts of the queues, and the case under one's eyes.

The store is asked once for all who listen, and only while somebody does; whoever lost the
connection asks anew, and misses nothing, for each event says how things stand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

import orjson
import structlog

from consumer.errors import ConsumerError
from consumer.review.store.survey import CaseStanding

log = structlog.get_logger()

EVERY_S = 2.0
"""How often the store is asked while somebody listens."""
BEAT_S = 15.0
"""A word after so much silence keeps proxies from closing the connection."""
LISTENERS_MAX = 500
"""So many listen at once; others see the counts when they load a page."""
LISTENERS_EACH_MAX = 8
"""So many pages of one person do: each holds a connection of their browser."""


class Listener(NamedTuple):
    """A page that listens."""

    person: str
    case_id: str | None
    """The case that it shows."""


class Live:
    """Tells pages what changes. Lives on the loop of the server."""

    def __init__(
        self,
        ask: Callable[[list[str]], Awaitable[tuple[str, dict[str, CaseStanding]]]],
        every_s: float = EVERY_S,
        beat_s: float = BEAT_S,
    ) -> None:
        """`ask` says, of some cases, how they stand, and something of the queues that changes."""
        self._ask = ask
        self._every_s = every_s
        self._beat_s = beat_s
        self._listeners: dict[int, Listener] = {}
        self._next = 0
        self._queues = ""
        self._cases: dict[str, CaseStanding] = {}
        self._told = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Live {len(self._listeners)} pages listen>"

    def has_room(self, person: str) -> bool:
        """Whether one more page of somebody may listen."""
        each = Counter(listener.person for listener in self._listeners.values())
        return len(self._listeners) < LISTENERS_MAX and each[person] < LISTENERS_EACH_MAX

    async def events(
        self, listener: Listener, may_go_on: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[str, None]:
        """What happens, until whoever listens goes away or is signed in no longer."""
        number = self._next = self._next + 1
        self._listeners[number] = listener
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_on())
        queues, standing = self._queues, None
        told = self._told
        try:
            yield "retry: 3000\n\n"
            while True:
                try:
                    await asyncio.wait_for(told.wait(), self._beat_s)
                except TimeoutError:
                    if not await may_go_on():
                        yield event("over", {})
                        return
                    yield ": still here\n\n"
                    continue
                told = self._told
                if self._queues != queues:
                    queues = self._queues
                    yield event("queues", {})
                now = self._cases.get(listener.case_id or "")
                if now is not None and now != standing:
                    standing = now
                    yield event("case", now._asdict())
        finally:
            del self._listeners[number]

    async def rest(self) -> None:
        """Wait until nothing is asked any more, which is soon after the last has gone."""
        if self._asking is not None:
            await self._asking

    async def _ask_on(self) -> None:
        while self._listeners:
            wanted = {each.case_id for each in self._listeners.values() if each.case_id}
            try:
                self._queues, self._cases = await self._ask(sorted(wanted))
            except ConsumerError as error:
                # The store is away: whoever listens hears when it is back.
                log.warning("nothing to tell", reason=str(error))
            else:
                told, self._told = self._told, asyncio.Event()
                told.set()
            await asyncio.sleep(self._every_s)


def event(name: str, fields: dict[str, object]) -> str:
    """One event as it goes over the wire."""
    return f"event: {name}\ndata: {orjson.dumps(fields).decode()}\n\n"
