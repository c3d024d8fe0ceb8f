"""Decisions: what people decide against the model is shared with no other message any more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.decided import Decided, read_decided
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Position, Record
from consumer.errors import Fatal, Rejected, Retryable
from consumer.interfaces import Policies
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.news import TopicNews
from consumer.kafka.reader.reader import TopicReader
from consumer.screening.screener import Screener
from consumer.worker.inputs import Inputs

log = structlog.get_logger()

DECISIONS_S = 1.0
"""How often decisions are taken over: a person took longer to come to one."""
AT_ONCE = 50
"""Messages whose text is read before decisions are looked at again: each costs some questions."""
WAITING_MAX = 2_000
"""Decisions that wait for that: more than one query decides. Beyond it the oldest are passed over:
what they are against is forgotten by itself within minutes."""


class DecisionNews(Protocol):
    """Decisions from now on, as `kafka/reader/news.py` reads them. Blocking."""

    def follow(self, partitions: Mapping[str, int]) -> None: ...

    def read(self) -> list[Record]: ...

    def close(self) -> None: ...


class DecisionFollower:
    """Reads decisions about the inputs that people review, and tells the screener of each."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        partitions: Callable[[], Mapping[str, int]],
        news: DecisionNews,
        record_at: Callable[[Position], Record | None],
        screener: Screener,
    ) -> None:
        self._catalogue = catalogue
        self._partitions = partitions
        """Of every topic, as the brokers' topics were looked at last."""
        self._news = news
        self._record_at = record_at
        """The record there, if it is left. Blocking."""
        self._screener = screener
        self._waiting: deque[Decided] = deque(maxlen=WAITING_MAX)
        self._fault = ""

    def __repr__(self) -> str:
        return f"<DecisionFollower, {len(self._waiting)} wait>"

    async def run(self) -> None:
        """Look until cancelled; nothing that happens here keeps a message from being judged."""
        while True:
            await self.look()
            await asyncio.sleep(DECISIONS_S)

    async def look(self) -> None:
        """Take over what was decided since the last time."""
        try:
            await self._look()
        except (Retryable, Fatal) as error:
            if str(error) != self._fault:
                log.warning("decisions of people not looked at", error=str(error))
            self._fault = str(error)
        else:
            self._fault = ""

    async def _look(self) -> None:
        catalogue = self._catalogue()
        sources = followed(catalogue, self._partitions())
        partitions = {topic: self._partitions()[topic] for topic in sources}
        await asyncio.to_thread(self._news.follow, partitions)
        while records := await asyncio.to_thread(self._news.read) if sources else []:
            found = ((record.position.topic, read_decided(record)) for record in records)
            self._waiting += [d for topic, d in found if d and sources.get(topic) == d.topic]
        for _ in range(min(AT_ONCE, len(self._waiting))):
            await self._heed(self._waiting.popleft(), catalogue)

    async def _heed(self, decided: Decided, catalogue: Catalogue) -> None:
        binding = catalogue.binding_for(decided.topic)
        if binding is None or not self._screener.remembers(binding):
            return
        record = await asyncio.to_thread(self._record_at, decided.position)
        text = _text_of(record, binding)
        if text is None:
            return
        forgotten = self._screener.decided(text, decided.outcome, binding)
        if forgotten:
            log.info(
                "a person decided otherwise: what was said of such messages is forgotten",
                topic=decided.topic,
                outcome=decided.outcome,
                forgotten=forgotten,
            )

    async def close(self) -> None:
        """Read nothing more."""
        await asyncio.to_thread(self._news.close)


def follow_decisions(
    kafka: KafkaConfig, inputs: Inputs, policies: Policies, screener: Screener
) -> DecisionFollower:
    """A follower of what lies on the brokers; no client is opened before there is a topic."""
    return DecisionFollower(
        lambda: policies.catalogue,
        lambda: inputs.partitions,
        TopicNews(kafka),
        TopicReader(kafka).record,
        screener,
    )


def followed(catalogue: Catalogue, partitions: Mapping[str, int]) -> dict[str, str]:
    """Topics of decisions that are there, each with its input, where something is remembered."""
    found = {}
    for source in catalogue.inputs_among(list(partitions)):
        binding = catalogue.binding_for(source)
        if binding is None or binding.review is None or binding.origin_of(source) != source:
            continue
        topic = binding.review.topics(source).decisions
        if binding.screening.shares and topic in partitions:
            found[topic] = source
    return found


def _text_of(record: Record | None, binding: Binding) -> str | None:
    """What the message says; None where its record is gone, or says nothing by now."""
    if record is None:
        return None
    try:
        return decode(record, binding.reading).text
    except Rejected:
        return None
