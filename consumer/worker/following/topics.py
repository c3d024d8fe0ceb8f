"""Topics: new ones that match a pattern, outputs that have grown, and any that were made again."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from consumer.errors import Fatal, Retryable
from consumer.kafka.sink.sink import KafkaSink
from consumer.kafka.source.source import KafkaSource
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.inputs import Inputs

log = structlog.get_logger()

DOUBT_S = 1.0
"""
Topics are looked at no more often, whatever the source doubts; the least that may be set as
kafka.topics_refresh_s.
"""


class TopicFollower:
    """Tells source and sink what has become of the topics."""

    def __init__(
        self,
        inputs: Inputs,
        source: KafkaSource,
        sink: KafkaSink,
        telemetry: Telemetry,
        refresh_s: float,
    ) -> None:
        self._inputs = inputs
        self._source = source
        self._sink = sink
        self._metrics = telemetry.metrics
        self._refresh_s = refresh_s

    def __repr__(self) -> str:
        return f"<TopicFollower of {self._inputs!r}>"

    async def run(self) -> None:
        """Look until cancelled; what cannot be looked at now stays as it was."""
        while True:
            await self._until_due()
            try:
                await self._look()
            except (Retryable, Fatal) as error:
                log.warning("topics not looked at", error=str(error))

    async def _until_due(self) -> None:
        """Regularly, and soon where the source meets what a topic made again would explain."""
        doubts = self._source.doubts
        doubts.clear()
        await asyncio.sleep(DOUBT_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(doubts.wait(), max(0.0, self._refresh_s - DOUBT_S))

    async def _look(self) -> None:
        before = list(self._inputs.topics)
        ends = await asyncio.to_thread(self._inputs.look)
        for output in self._sink.add_outputs(ends):
            self._metrics.topics_made_again.labels(output).inc()
            log.error("an output topic was made again: what was on it is gone", topic=output)
        self._sink.heed_limits(self._inputs.bytes_max)
        self._source.begin_again(self._inputs.ids)
        if self._inputs.topics != before:
            log.info("topics changed", topics=self._inputs.topics)
            self._source.subscribe(self._inputs.topics)
        self._source.look_again()
