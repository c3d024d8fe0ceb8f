"""Together: what many ask at the same time is asked once, for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from consumer.errors import BrokerUnavailable

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Enquiry(NamedTuple, Generic[Key, Answer]):
    """What somebody waits to be told of."""

    keys: Sequence[Key]
    told: asyncio.Future[Mapping[Key, Answer]]


class Together(Generic[Key, Answer]):
    """
    One question at a time to the brokers, for all who came while the one before was under way.

    Nobody is told what was asked before they came. A worker that is given a thousand partitions
    would else ask a thousand times about the same few topics.
    """

    def __init__(self, ask: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[Enquiry[Key, Answer]] = []
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Together {len(self._waiting)} waiting>"

    async def about(self, keys: Sequence[Key]) -> Mapping[Key, Answer]:
        """
        What is said of these now, among others.

        Raises:
            BrokerUnavailable: the question could not be answered.
        """
        told: asyncio.Future[Mapping[Key, Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Enquiry(keys, told))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await told

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._ask_for(asked)
        finally:
            self._asking = None

    async def _ask_for(self, asked: Sequence[Enquiry[Key, Answer]]) -> None:
        left = [told for _, told in asked]
        try:
            found = await self._ask(list(dict.fromkeys(key for keys, _ in asked for key in keys)))
        except BrokerUnavailable as error:
            for told in left:
                if not told.done():
                    told.set_exception(BrokerUnavailable(str(error)))
            return
        except BaseException:
            # Reading was given up, or something is wrong with us: nobody may wait for ever.
            for told in [*left, *(told for _, told in self._waiting)]:
                told.cancel()
            self._waiting.clear()
            raise
        for told in left:
            if not told.done():
                told.set_result(found)
