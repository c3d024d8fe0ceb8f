"""
Batches: how large they may be, by what the outputs take.

A batch that is larger than its output takes is refused as a whole, so the smallest limit decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

import structlog

from consumer.errors import BrokerUnavailable
from consumer.kafka.config import KafkaConfig
from consumer.kafka.sink.probation import smaller_batch

log = structlog.get_logger()


class BatchSize:
    """
    Smaller after a refusal; larger again, where outputs take more by now than they did then. Pure.

    What the brokers said at a refusal may not be why they refused. So it is no reason to try a
    larger batch that they say the same again, only that they say more.
    """

    def __init__(self, bytes_max: int, ceiling: int) -> None:
        """It begins as large as outputs take now; `ceiling` is the largest that anybody wants."""
        self.bytes_max = bytes_max
        self._ceiling = ceiling
        self._said = bytes_max
        """What the smallest output took when it was asked last, as far as it was said."""

    def __repr__(self) -> str:
        return f"<BatchSize {self.bytes_max} of {self._ceiling}>"

    def refused(self, said: int | None) -> None:
        """An output refused a batch; `said` is what the brokers say that outputs take."""
        self.bytes_max = smaller_batch(self.bytes_max, said)
        if said is not None:
            self._said = said

    def looked(self, said: int) -> None:
        """The limits were read again, and this is the smallest."""
        if said > self._said:
            self._said = said
            self.bytes_max = max(self.bytes_max, min(said, self._ceiling))


class Batches:
    """The producer's properties with the size of batches in force."""

    def __init__(
        self,
        config: KafkaConfig,
        limits: Callable[[Sequence[str]], Mapping[str, int]],
        executor: Executor,
    ) -> None:
        self._config = config
        self._limits = limits
        """Asks the brokers how large a batch each topic takes, if they say. Blocking."""
        self._executor = executor
        self._size = BatchSize(config.batch_bytes_max, config.message_bytes_max)

    def __repr__(self) -> str:
        return f"<Batches {self._size!r}>"

    @property
    def bytes_max(self) -> int:
        return self._size.bytes_max

    @property
    def config(self) -> KafkaConfig:
        return self._config._replace(batch_bytes_max=self._size.bytes_max)

    async def make_smaller(self, topics: Sequence[str]) -> None:
        """An output takes less than we knew: ask how much, or go on more carefully."""
        loop = asyncio.get_running_loop()
        try:
            said = await loop.run_in_executor(self._executor, partial(self._limits, topics))
        except BrokerUnavailable:
            said = {}
        self._size.refused(min(said.values(), default=None))
        log.warning(
            "a batch was refused: its records go one at a time, and batches are smaller from now",
            outputs=topics,
            batch_bytes_max=self._size.bytes_max,
        )

    def look(self, limits: Mapping[str, int]) -> None:
        """The limits of outputs as they were read just now, where the brokers show them."""
        before = self._size.bytes_max
        if limits:
            self._size.looked(min(limits.values()))
        if self._size.bytes_max > before:
            log.info("outputs take more: batches are larger", batch_bytes_max=self._size.bytes_max)
