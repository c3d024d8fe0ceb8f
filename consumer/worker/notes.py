"""
Notes: what this worker found of its filters, on its way to where all workers read it.

The note of a positive is stored before its verdict is published, so that whoever finds the verdict
after a crash need not look for the note; a repeated note is known by its position. While notes
cannot be stored no filter settles anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from consumer.interfaces import Clock
from consumer.screening.audits.note import AuditNote
from consumer.screening.filters import Filters

log = structlog.get_logger()

PAUSE_S = 1.0
"""Between two attempts to store what was not stored."""
HELD_S = 30.0
"""
A verdict waits for its note so long at most. Where brokers take verdicts and no notes, a right or
the topic is missing: then the filter is off, and people wait for their messages.
"""
NOTES_MAX = 10_000
"""Notes that wait; with the filter off none are added, so it is what was in flight by then."""
BATCH_MAX = 500
"""Notes written at once."""
COUNTS_S = 60.0
"""How often it is noted how many messages said nothing of the recall: a few notes a minute."""

Write = Callable[[Sequence[bytes]], list[str | None]]
"""Stores notes in their order and waits; for each, None or what went wrong. Blocking."""


class _Waiting(NamedTuple):
    value: bytes
    stored: asyncio.Future[None] | None
    """None where nobody waits for it."""


class NoteWriter:
    """Stores notes a batch at a time, and says whether that is possible."""

    def __init__(self, write: Write, filters: Filters, clock: Clock) -> None:
        self._write = write
        self._filters = filters
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._is_due = asyncio.Event()
        self._counted_s = clock.now_s()

    def __repr__(self) -> str:
        return f"<NoteWriter, {len(self._waiting)} wait>"

    async def post(self, note: AuditNote) -> None:
        """Returns once the note is stored, or has waited for longer than a person should."""
        if len(self._waiting) >= NOTES_MAX:
            log.error("a note of an audit is lost: too many wait", waiting=len(self._waiting))
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(note.encode(), stored))
        self._is_due.set()
        await asyncio.wait([stored], timeout=HELD_S)

    async def run(self) -> None:
        """Store until cancelled."""
        while True:
            while not self._waiting:
                self._is_due.clear()
                await self._is_due.wait()
            if not await self.store():
                await asyncio.sleep(PAUSE_S)

    def count(self) -> None:
        """To be called now and then: notes what was counted, once it is time."""
        if self._clock.now_s() - self._counted_s < COUNTS_S:
            return
        self._counted_s = self._clock.now_s()
        for filtering in self._filters.in_use():
            self._waiting += [_Waiting(n.encode(), None) for n in filtering.take_counts()]
        self._is_due.set()

    async def store(self) -> bool:
        """Store what waits, a batch of it; whether all of that was stored."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
        faults = await asyncio.to_thread(self._write, [each.value for each in batch])
        again = []
        for waiting, fault in zip(batch, faults, strict=True):
            if fault is not None:
                again.append(waiting)
            elif waiting.stored is not None and not waiting.stored.done():
                waiting.stored.set_result(None)
        # Those that came meanwhile stand behind.
        self._waiting.extendleft(reversed(again))
        said = next((fault for fault in faults if fault is not None), None)
        if said is not None:
            log.error("notes of audits are not stored: filters settle nothing", why=said)
        self._filters.heed_writing(is_possible=said is None)
        return said is None
