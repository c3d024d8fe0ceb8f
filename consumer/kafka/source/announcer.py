"""Announcer: what the source's thread lets others know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from consumer.domain.messages.message import Record
from consumer.errors import Fatal
from consumer.interfaces import Assigned, CommitPoint, Committed, Partition, SourceListener


class Announcer:
    """
    Tells the listener on its event loop, in the order things happened, and waits for nobody.

    An assignment is told before its records, and records before the revocation.
    """

    def __init__(self) -> None:
        self.doubts = asyncio.Event()
        """Set where the consumer meets what a topic made again would explain; the owner clears."""
        self.polled_s = time.monotonic()
        """When the thread last went round, or waited for brokers or a drain."""
        self._loop: asyncio.AbstractEventLoop
        self._listener: SourceListener

    def __repr__(self) -> str:
        return f"<Announcer last went round at {self.polled_s:.1f} s>"

    def begin(self, listener: SourceListener) -> None:
        """From the running loop on."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener

    def went_round(self) -> None:
        self.polled_s = time.monotonic()

    def doubt(self) -> None:
        """Somebody should look whether a topic is another one by now."""
        self._loop.call_soon_threadsafe(self.doubts.set)

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        self._loop.call_soon_threadsafe(self._listener.assigned, assignments)

    def taken(self, records: Sequence[Record]) -> None:
        self._loop.call_soon_threadsafe(self._listener.taken, records)

    def committed(self, results: Sequence[Committed]) -> None:
        self._loop.call_soon_threadsafe(self._listener.committed, results)

    def lost(self, partitions: Sequence[Partition]) -> None:
        self._loop.call_soon_threadsafe(self._listener.lost, partitions)

    def failed(self, error: BaseException) -> None:
        wrapped = error if isinstance(error, Exception) else Fatal(repr(error))
        self._loop.call_soon_threadsafe(self._listener.failed, wrapped)

    def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Future[Mapping[Partition, CommitPoint]]:
        """The drain that the listener begins; its result is what may be committed."""

        async def drain() -> Mapping[Partition, CommitPoint]:
            return await self._listener.revoked(assignments)

        return asyncio.run_coroutine_threadsafe(drain(), self._loop)
