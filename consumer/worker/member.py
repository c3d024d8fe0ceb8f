"""Member: a worker that has joined its group: it takes, judges, publishes and commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Output
from consumer.kafka.reader.tails import KafkaTails
from consumer.kafka.sink.sink import KafkaSink
from consumer.kafka.source.source import KafkaSource
from consumer.pipeline.intake import Intake
from consumer.worker.following.pauses import PauseFollower
from consumer.worker.following.topics import TopicFollower
from consumer.worker.following.transactions import TransactionFollower
from consumer.worker.patience import LEAVE_S, within


class Member:
    """What moves records, and what follows the world outside meanwhile."""

    def __init__(
        self,
        source: KafkaSource,
        sink: KafkaSink,
        intake: Intake,
        tails: KafkaTails,
        topics: TopicFollower,
        pauses: PauseFollower,
        transactions: TransactionFollower,
    ) -> None:
        self.source = source
        self.sink = sink
        self.intake = intake
        self._tails = tails
        self._topics = topics
        self.pauses = pauses
        self.transactions = transactions
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<Member {self.intake!r} {self.source!r} {self.sink!r}>"

    def start(
        self, ends: Mapping[Output, Floor], loops: Sequence[Coroutine[Any, Any, None]]
    ) -> None:
        """Join; `ends` are those of the outputs, and `loops` run until it leaves."""
        self.sink.start(self.intake, ends)
        self.source.start(self.intake)
        followers = (self._topics, self.pauses, self.transactions)
        works = [*loops, *(follower.run() for follower in followers)]
        self._tasks = [asyncio.create_task(work) for work in works]

    async def until(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, or until something makes it impossible to carry on."""
        stopping = asyncio.create_task(stop.wait())
        try:
            ends: list[asyncio.Future[Any]] = [stopping, self.intake.failure, *self._tasks]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    def raise_failure(self) -> None:
        """Raise what made it impossible to carry on, before the end or during it."""
        for each in (self.intake.failure, *self._tasks):
            if each.done() and not each.cancelled():
                each.result()

    async def leave(self, drain_s: float) -> None:
        """
        Take nothing more, finish what is in flight, commit, leave the group.

        All of it together takes the drain budget and a little: what is not done by then is left to
        the next owner, who finds out.
        """
        until_s = time.monotonic() + drain_s
        await self.source.quiesce(drain_s)
        await within(until_s - time.monotonic() + LEAVE_S, "draining", self.intake.drain())
        for task in self._tasks:
            if not task.done():
                task.cancel()
        await self.source.close(LEAVE_S)
        left_s = max(0.0, until_s - time.monotonic())
        await within(left_s + LEAVE_S, "ending the producer", self.sink.close(left_s))
        self._tails.close()


async def every(seconds: float, do: Callable[[], object]) -> None:
    """Do it now and every so often, on the event loop, until cancelled."""
    while True:
        do()
        await asyncio.sleep(seconds)
