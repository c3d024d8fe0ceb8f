"""Gauges that are read off the state now and then, not counted as things happen."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping

from consumer.domain.message import age_ms
from consumer.interfaces import Clock, Partition
from consumer.pipeline.flight import Stretch
from consumer.pipeline.ledger import Ledger
from consumer.telemetry.metrics import Metrics


class Gauges:
    """In flight, withheld, recovering, and each partition's lag."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    def refresh(
        self, stretches: Collection[Stretch], ledger: Ledger, ends: Mapping[Partition, int]
    ) -> None:
        """`ends` are the inputs' end offsets, as the last fetch saw them."""
        metrics, wall_ms = self._metrics, self._clock.wall_ms()
        ledger.flush()
        metrics.in_flight.set(ledger.in_flight)
        metrics.ledger_difference.set(ledger.difference)
        metrics.recovering.set(sum(not stretch.is_established for stretch in stretches))
        metrics.withheld.set(sum(len(stretch.withheld) for stretch in stretches))
        for stretch in stretches:
            if stretch.tenure is None:
                continue
            labels = (stretch.partition.topic, str(stretch.partition.number))
            end = ends.get(stretch.partition)
            if end is not None and end >= 0:
                lag = max(0, end - stretch.tenure.tracker.committable)
                metrics.lag_records.labels(*labels).set(lag)
            oldest = next(iter(stretch.flights.values()), None)
            age = age_ms(oldest.record.timestamp_ms, wall_ms) if oldest else None
            metrics.lag_age_s.labels(*labels).set(max(0, age or 0) / 1_000)

    def drop(self, partition: Partition) -> None:
        """A partition that is somebody else's has no lag of ours."""
        for gauge in (self._metrics.lag_records, self._metrics.lag_age_s):
            with contextlib.suppress(KeyError):
                gauge.remove(partition.topic, str(partition.number))
