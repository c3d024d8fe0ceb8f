"""Transactions: partitions that stand at one which somebody has left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog

from consumer.errors import Retryable
from consumer.interfaces import Partition
from consumer.kafka.cluster.transactions import OpenTransactions
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

TRANSACTIONS_S = 5.0
"""
How often partitions at rest are looked at; two looks in a row say that one is held up. Brokers give
a transaction 15 minutes by default, so it is early enough for anybody, and it costs two requests.
"""


class TransactionFollower:
    """Says which partitions are held up, once each."""

    def __init__(
        self,
        transactions: OpenTransactions,
        at_rest: Callable[[], Collection[Partition]],
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._at_rest = at_rest
        """Those that wait for nothing but records, though the brokers say that there are more."""
        self._metrics = telemetry.metrics
        self.held: Mapping[Partition, int] = {}
        """Partition -> the offset at which what can be read of it ends."""

    def __repr__(self) -> str:
        return f"<TransactionFollower, held up: {', '.join(map(str, self.held)) or 'nothing'}>"

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(TRANSACTIONS_S)
            try:
                held = await asyncio.to_thread(self._transactions.look, self._at_rest())
            except Retryable as error:
                log.warning("open transactions not looked for", error=str(error))
                continue
            self.note(held)

    def note(self, held: Mapping[Partition, int]) -> None:
        """Take up what is held up now."""
        for partition in sorted(held.keys() - self.held.keys()):
            log.error(
                "a partition stands at an open transaction, and what comes after it waits: "
                "`kafka-transactions.sh find-hanging` names its producer",
                partition=str(partition),
                offset=held[partition],
            )
        self.held = held
        self._metrics.partitions_held_by_transactions.set(len(held))
