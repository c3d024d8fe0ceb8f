"""Stages: how long records took, each part of their way apart."""

from __future__ import annotations

from consumer.domain.messages.message import age_ms
from consumer.pipeline.assignment.assignment import Flight
from consumer.telemetry.telemetry import Telemetry


class StageTimes:
    """Observes what the broker has."""

    def __init__(self, telemetry: Telemetry) -> None:
        stages = telemetry.metrics.stage_seconds
        self._queued = stages.labels("queued").observe
        self._model = stages.labels("model").observe
        self._publish = stages.labels("publish").observe
        self._total = stages.labels("total").observe

    def finished(self, flight: Flight, now_s: float, wall_ms: int) -> None:
        verdict = flight.conclusion.verdict if flight.conclusion else None
        if verdict is not None and (verdict.queued_ms or verdict.model_ms):
            # What a stage settled at once has waited for nothing.
            self._queued(verdict.queued_ms / 1_000)
            self._model(verdict.model_ms / 1_000)
        self._publish(now_s - flight.sent_s)
        age = age_ms(flight.record.timestamp_ms, wall_ms)
        if age is not None:
            self._total(max(0, age) / 1_000)
