"""The learned filters of a worker: what it notes of them is written, what all note is read."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from consumer.kafka.cluster.audits import AuditLog, write_notes
from consumer.kafka.config import KafkaConfig
from consumer.screening.filters import Filters
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.audits import AuditFollower
from consumer.worker.model import WatchedModel
from consumer.worker.notes import NoteWriter


class FollowedFilters:
    """The filters that the topics name, with the notes of their audits in both directions."""

    def __init__(self, kafka: KafkaConfig, telemetry: Telemetry) -> None:
        self.filters = Filters()
        self._notes = NoteWriter(partial(write_notes, kafka), self.filters, telemetry.clock)
        self.filters.post = self._notes.post
        self._audits = AuditFollower(self.filters, partial(AuditLog, kafka), telemetry)

    def __repr__(self) -> str:
        return f"<FollowedFilters {self.filters!r}>"

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the messages."""
        return [self._notes.run(), self._audits.run()]

    def heed(self, model: WatchedModel) -> None:
        """To be called often: which model answers now, and whether counts are to be noted."""
        self.filters.heed_voice(model.models, model.template)
        self._notes.count()

    async def close(self) -> None:
        await self._audits.close()
