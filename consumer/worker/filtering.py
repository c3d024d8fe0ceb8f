"""The filters of a worker: what it notes of them is written, what all note is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

from consumer.domain.binding import Binding
from consumer.inference.decision.endpoint import DecisionEndpoint
from consumer.kafka.cluster.audits import AuditLog, AuditWriter
from consumer.kafka.config import KafkaConfig
from consumer.screening.filters import Filters
from consumer.settings.decision import DecisionSettings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.audits import AuditFollower, OpenLog
from consumer.worker.notes import NoteWriter
from consumer.worker.wiring import build_decision


class NoteStore(Protocol):
    """Where notes are kept, as `kafka/cluster/audits.py` writes them. Blocking."""

    def write(self, values: Sequence[bytes]) -> list[str | None]:
        """Store notes in their order and wait; for each, None or what went wrong."""
        ...

    def close(self) -> None: ...


class FollowedFilters:
    """The filters that the topics name, with the notes of their audits in both directions."""

    def __init__(
        self,
        store: NoteStore,
        open_log: OpenLog,
        telemetry: Telemetry,
        decision: DecisionEndpoint | None = None,
    ) -> None:
        """`decision` is the endpoint of the decision stage, where there is one."""
        self._decision = decision
        self.filters = Filters(decision, telemetry.metrics)
        self._store = store
        self._notes = NoteWriter(store.write, self.filters, telemetry.clock)
        self.filters.post = self._notes.post
        self._audits = AuditFollower(self.filters, open_log, telemetry)

    def __repr__(self) -> str:
        return f"<FollowedFilters {self.filters!r}>"

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the messages."""
        return [self._notes.run(), self._audits.run()]

    async def warm_up(self) -> None:
        """Find out whether the decision endpoint is there; the worker goes on without."""
        if self._decision is not None:
            await self._decision.probe()

    def heed(self, models: Sequence[str], template: Callable[[Binding], str]) -> None:
        """To be called often: which models answer now and how they are asked; counts are noted."""
        if self._decision is not None:
            self._decision.look_after()
        self.filters.heed_voice(models, template)
        self._notes.count()

    async def close(self) -> None:
        if self._decision is not None:
            await self._decision.close()
        await self._audits.close()
        await asyncio.to_thread(self._store.close)


def filters_on(
    kafka: KafkaConfig, decision: DecisionSettings, telemetry: Telemetry
) -> FollowedFilters:
    """
    Those of a worker, with its notes on the brokers.

    Raises:
        InvalidSettings: the key of the decision endpoint cannot be read.
    """
    endpoint = build_decision(decision, telemetry.clock)
    return FollowedFilters(AuditWriter(kafka), partial(AuditLog, kafka), telemetry, endpoint)
