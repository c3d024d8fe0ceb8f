"""The filters of a worker: what it notes of them is written, what all note is read."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from consumer.kafka.cluster.audits import AuditLog, write_notes
from consumer.kafka.config import KafkaConfig
from consumer.screening.filters import Filters
from consumer.settings.decision import DecisionSettings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.audits import AuditFollower
from consumer.worker.model import WatchedModel
from consumer.worker.notes import NoteWriter
from consumer.worker.wiring import build_decision


class FollowedFilters:
    """The filters that the topics name, with the notes of their audits in both directions."""

    def __init__(
        self, kafka: KafkaConfig, decision: DecisionSettings, telemetry: Telemetry
    ) -> None:
        """
        Raises:
            InvalidSettings: the key of the decision endpoint cannot be read.
        """
        self._decision = build_decision(decision, telemetry.clock)
        self.filters = Filters(self._decision)
        self._notes = NoteWriter(partial(write_notes, kafka), self.filters, telemetry.clock)
        self.filters.post = self._notes.post
        self._audits = AuditFollower(self.filters, partial(AuditLog, kafka), telemetry)

    def __repr__(self) -> str:
        return f"<FollowedFilters {self.filters!r}>"

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the messages."""
        return [self._notes.run(), self._audits.run()]

    async def warm_up(self) -> None:
        """Find out whether the decision endpoint is there; the worker goes on without."""
        if self._decision is not None:
            await self._decision.probe()

    def heed(self, model: WatchedModel) -> None:
        """To be called often: which model answers now, and whether counts are to be noted."""
        if self._decision is not None:
            self._decision.look_after()
        self.filters.heed_voice(model.models, model.template)
        self._notes.count()

    async def close(self) -> None:
        if self._decision is not None:
            await self._decision.close()
        await self._audits.close()
