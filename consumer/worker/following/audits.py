"""Audits: what all workers noted of the filters, shown to each filter's watch in the one order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from consumer.errors import Fatal, Retryable
from consumer.screening.audited import UNREAD, AuditedStage
from consumer.screening.audits.note import read_note
from consumer.screening.audits.watch import FilterWatch
from consumer.screening.filters import Filters
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.figures import FilterFigures

log = structlog.get_logger()

AUDITS_S = 0.5
"""How often notes are taken over: an alarm acts so much later than the note that raised it."""
NO_TOPIC = "safeguard.audits is missing or not ours to read: `safeguard topics apply` makes it"


class NoteLog(Protocol):
    """The notes in their order, as `kafka/cluster/audits.py` reads them. Blocking."""

    def read(self) -> bool:
        """Take all that is new; whether there is such a topic."""
        ...

    def close(self) -> None: ...


OpenLog = Callable[[Callable[[bytes | None], None], Callable[[], None]], NoteLog]
"""A reading from the beginning, which gives each note to the first function, and tells the second
before any that earlier ones were deleted."""


class AuditFollower:
    """Shows notes to the filters in force; until all are read, and while none can be, bars them."""

    def __init__(
        self,
        filters: Filters,
        open_log: OpenLog,
        telemetry: Telemetry,
    ) -> None:
        self._filters = filters
        self._open_log = open_log
        self._metrics = telemetry.metrics
        self._figures = FilterFigures(telemetry)
        self._log: NoteLog | None = None
        self._filterings: list[AuditedStage] = []
        self._watches: list[FilterWatch] = []
        """Of these filters, in that order; a filter has its own once all notes were read."""
        self._told: dict[str, str | None] = {}
        """What was last said of each policy set's filter."""

    def __repr__(self) -> str:
        return f"<AuditFollower of {self._filterings!r}>"

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(AUDITS_S)

    async def look(self) -> None:
        """Take over what was noted since the last time, and say which filters are on."""
        filterings = self._filters.in_use()
        if filterings != self._filterings:
            # A filter that was not in force before has missed what was said of it.
            self._filters.heed_notes(filterings, UNREAD)
            await self.close()
            self._filterings = filterings
            self._watches = [filtering.watch_anew() for filtering in filterings]
        if filterings:
            self._filters.heed_notes(filterings, await self._read())
        self._tell()

    async def _read(self) -> str | None:
        """Why not all notes are known; None where they are."""
        if self._log is None:
            self._log = self._open_log(self._take, self._missed)
        try:
            is_there = await asyncio.to_thread(self._log.read)
        except (Retryable, Fatal) as error:
            # The service does without a filter; that is no reason to end.
            return f"{UNREAD}: {error}"
        if not is_there:
            # A topic made anew is read from its beginning, and a watch that goes on counts twice.
            self._watches = [filtering.watch_anew() for filtering in self._filterings]
            return NO_TOPIC
        for filtering, watch in zip(self._filterings, self._watches, strict=True):
            filtering.watch = watch
        return None

    def _take(self, value: bytes | None) -> None:
        note = read_note(value)
        if note is not None:
            for watch in self._watches:
                watch.add(note)

    def _missed(self) -> None:
        for watch in self._watches:
            watch.miss_some()

    def _tell(self) -> None:
        """Log what has changed since the last time, and keep the gauges."""
        standing = self._filters.standing()
        for name, off in standing.items():
            self._metrics.filter_on.labels(name).set(off is None)
            if name in self._told and self._told[name] == off:
                continue
            if off is None:
                log.info("filter on: it settles messages before the model", set=name)
            elif off != UNREAD:
                log.error("filter off: the model is asked for everything", set=name, why=off)
        for name in self._told.keys() - standing.keys():
            self._metrics.filter_on.remove(name)
        self._told = standing
        self._figures.show(self._filters.watches())

    async def close(self) -> None:
        """Read nothing more; the next look begins anew."""
        if self._log is not None:
            closing, self._log = self._log, None
            await asyncio.to_thread(closing.close)
