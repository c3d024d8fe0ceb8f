"""Tails for the pipeline: the blocking reads, each in a thread, so that the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from consumer.interfaces import Output, Partition
from consumer.kafka.tail import TailReader


class KafkaTails:
    """Reads topics outside any group; every method raises BrokerUnavailable."""

    def __init__(
        self, reader: TailReader, identify: Callable[[Sequence[str]], Mapping[str, str]]
    ) -> None:
        self._reader = reader
        self._identify = identify

    async def ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        return await asyncio.to_thread(self._identify, topics)

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        return await asyncio.to_thread(self._reader.ends, outputs)

    async def offsets_at(
        self, outputs: Sequence[Output], timestamp_ms: int
    ) -> Mapping[Output, int]:
        return await asyncio.to_thread(self._reader.offsets_at, outputs, timestamp_ms)

    async def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        return await asyncio.to_thread(self._reader.timestamp_ms, partition, offset)

    async def positions(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        return await asyncio.to_thread(self._reader.offsets_of, output, floor, end, of, source)
