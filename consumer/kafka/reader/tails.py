"""Tails for the pipeline: the blocking reads, in threads of their own beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from consumer.interfaces import Output, Partition
from consumer.kafka.reader.tail import TailReader
from consumer.kafka.reader.together import Together

THREADS = 3
"""Long reads must not take the threads that the sink and the topics' look-up need. Several
partitions are read at once; each read has a client with four threads of its own and holds a
megabyte or two, and a worker is to have 40 threads at most."""

Answer = TypeVar("Answer")


class KafkaTails:
    """Reads topics outside any group; every method raises BrokerUnavailable."""

    def __init__(
        self, reader: TailReader, identify: Callable[[Sequence[str]], Mapping[str, str]]
    ) -> None:
        self._reader = reader
        self._identify = identify
        self._executor = ThreadPoolExecutor(THREADS, "tails")
        # By the topics that are asked about: one that cannot be seen keeps nobody else waiting.
        self._ids: dict[tuple[str, ...], Together[str, str]] = {}
        self._ends: dict[frozenset[str], Together[Output, int]] = {}

    async def _run(self, read: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._executor, read)

    async def ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        of = tuple(topics)
        together = self._ids.get(of)
        if together is None:
            together = self._ids[of] = Together(self._identified)
        return await together.about(topics)

    async def _identified(self, topics: Sequence[str]) -> Mapping[str, str]:
        return await self._run(partial(self._identify, topics))

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        of = frozenset(output.topic for output in outputs)
        together = self._ends.get(of)
        if together is None:
            together = self._ends[of] = Together(self._ended)
        found = await together.about(outputs)
        return {output: found[output] for output in outputs if output in found}

    async def _ended(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        return await self._run(partial(self._reader.ends, outputs))

    async def offsets_at(
        self, outputs: Sequence[Output], timestamp_ms: int
    ) -> Mapping[Output, int]:
        return await self._run(partial(self._reader.offsets_at, outputs, timestamp_ms))

    async def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        return await self._run(partial(self._reader.timestamp_ms, partition, offset))

    async def positions(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        return await self._run(partial(self._reader.offsets_of, output, floor, end, of, source))

    def close(self) -> None:
        """Give up what is being read."""
        self._reader.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)
