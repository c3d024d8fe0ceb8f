"""Lookout: what is looked at about once a second, whether anything comes or not."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.interfaces import Partition
from consumer.kafka.source.announcer import Announcer
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.troubles import Troubles

log = structlog.get_logger()

EVERY_S = 1.0
"""The lag is shown every few seconds, and ends cost no request: oftener tells nobody more."""
ASK_S = 1.0
"""
How long brokers that were away are given to answer, each time: meanwhile nothing is polled, and
while they are away nothing would come. Physics: far more than an answer takes, however far away.
"""


class Lookout:
    """Sees where the partitions end, and whether brokers that were away answer again."""

    def __init__(self, holdings: Holdings, announcer: Announcer, troubles: Troubles) -> None:
        self._holdings = holdings
        self._announcer = announcer
        self._troubles = troubles
        self._due_s = 0.0
        self.ends: dict[Partition, int] = {}
        """End offsets as the last fetch saw them, for the lag; negative where none has."""

    def __repr__(self) -> str:
        return f"<Lookout sees {len(self.ends)} ends>"

    def look_if_due(self, consumer: Consumer, topics: Sequence[str], now_s: float) -> None:
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        before, self.ends = self.ends, self._ends(consumer)
        if any(0 <= end < before.get(partition, 0) for partition, end in self.ends.items()):
            # No log becomes shorter by itself.
            self._announcer.doubt()
        if self._troubles.are_brokers_away:
            self._ask(consumer, topics)

    def _ends(self, consumer: Consumer) -> dict[Partition, int]:
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)[1]
            for partition in self._holdings.partitions
        }

    def _ask(self, consumer: Consumer, topics: Sequence[str]) -> None:
        """See whether a broker answers again: an idle topic would bring no sign of it."""
        try:
            consumer.list_topics(topics[0] if topics else None, timeout=ASK_S)
        except KafkaException as error:
            log.debug("the brokers are still away", error=str(error))
        else:
            self._troubles.answered()
