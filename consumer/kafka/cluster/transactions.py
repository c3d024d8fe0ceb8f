"""
Transactions: partitions that end, for us, at a transaction which somebody has left open.

Only what is committed is read, so nothing behind an open transaction comes until its producer ends
it or the brokers give it up (transaction.max.timeout.ms, 15 minutes by default). A producer that is
gone for good can leave one open for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from confluent_kafka import TopicPartition

from consumer.interfaces import Partition
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import reading

CALL_S = 5.0
"""For each end; what is not answered is looked at the next time."""


class OpenTransactions:
    """Remembers where partitions stood, since a transaction that ends in time holds up nobody."""

    def __init__(self, config: KafkaConfig) -> None:
        self._properties = properties.reader(config, ignore)
        self._stood: Mapping[Partition, int] = {}

    def look(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """
        Those of the partitions that stand at an open transaction, as at the look before. Blocking.

        Returns for each the offset at which its committed records end.

        Raises:
            BrokerUnavailable: the ends cannot be read now.
        """
        if not partitions:
            self._stood = {}
            return {}
        stable = self._ends(partitions, "read_committed")
        ends = self._ends(partitions, "read_uncommitted")
        stand = {p: at for p, at in stable.items() if at < ends.get(p, at)}
        held = {p: at for p, at in stand.items() if self._stood.get(p) == at}
        self._stood = stand
        return held

    def _ends(self, partitions: Collection[Partition], level: str) -> dict[Partition, int]:
        """Where each partition ends for whoever reads at this isolation level."""
        with reading(self._properties | {"isolation.level": level}, "the inputs' ends") as consumer:
            return {
                partition: consumer.get_watermark_offsets(
                    TopicPartition(*partition), timeout=CALL_S
                )[1]
                for partition in partitions
            }
