"""
Stored finder: which of the publications that have failed were stored all the same.

What can have been stored lies at or above the floor that was noted before the first attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Output
from consumer.kafka.reader.tail import Identity, TailReader, identity
from consumer.kafka.sink.floors import lowest
from consumer.kafka.sink.under_way import Sending

Answer = TypeVar("Answer")


class StoredFinder:
    """Reads outputs from the floors on, in threads beside the event loop."""

    def __init__(
        self,
        tail: TailReader,
        identify: Callable[[Sequence[str]], Mapping[str, str]],
        executor: Executor,
    ) -> None:
        self._tail = tail
        self._identify = identify
        """The broker's ids of topics, where it gives them. Blocking."""
        self._executor = executor

    async def are_brokers_there(self) -> bool:
        return await self._run(self._tail.is_there)

    async def readable(self, outputs: Sequence[Output]) -> list[Output]:
        """Those that can be read now: one may be without its leader while others are not."""
        answers = await asyncio.gather(*(self._is_readable(output) for output in outputs))
        return [output for output, is_so in zip(outputs, answers, strict=True) if is_so]

    async def among(self, output: Output, failed: Sequence[Sending]) -> list[bool]:
        """
        Whether each of what has failed on this output is stored.

        Raises:
            BrokerUnavailable: nobody knows yet.
        """
        ids = await self._run(partial(self._identify, [output.topic]))
        floor = lowest((sending.floor for sending in failed), ids.get(output.topic, ""))
        stored = await self._run(partial(self._tail.identities, *output, floor))
        return [_identity(sending) in stored for sending in failed]

    def stop(self) -> None:
        """Give up what is being read."""
        self._tail.stop()

    async def _is_readable(self, output: Output) -> bool:
        try:
            return output in await self._run(partial(self._tail.ends, [output]))
        except BrokerUnavailable:
            return False

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _identity(sending: Sending) -> Identity:
    return identity(dict(sending.publication.headers))
