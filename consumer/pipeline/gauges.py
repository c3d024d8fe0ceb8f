"""Gauges that are read off the state now and then, not counted as things happen."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping

from consumer.domain.messages.message import age_ms
from consumer.interfaces import Partition
from consumer.pipeline.assignment.assignment import Assignment
from consumer.pipeline.ledger import Ledger
from consumer.telemetry.telemetry import Telemetry


class Gauges:
    """In flight, withheld, recovering, and each partition's lag."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._clock = telemetry.clock
        self._ends: Mapping[Partition, int] = {}
        self._committable: dict[Partition, tuple[int, int]] = {}
        """By partition: the number of its assignment, and how far it was when last looked at."""
        self.beyond_end: tuple[Partition, ...] = ()
        """Those whose end lies before what we have done of them: made again, or cut off."""

    def refresh(
        self, assignments: Collection[Assignment], ledger: Ledger, ends: Mapping[Partition, int]
    ) -> None:
        """`ends` are the inputs' end offsets, as the last fetch saw them."""
        metrics, wall_ms = self._metrics, self._clock.wall_ms()
        ledger.flush()
        metrics.in_flight.set(ledger.in_flight)
        metrics.ledger_difference.set(ledger.difference)
        metrics.recovering_partitions.set(sum(not each.is_established for each in assignments))
        metrics.withheld.set(sum(len(each.unfinished.withheld) for each in assignments))
        if ends is not self._ends:
            self._look_beyond(assignments, ends)
        for assignment in assignments:
            partition, committable = assignment.partition, assignment.committable
            if committable is None:
                continue
            self._committable[partition] = (assignment.number, committable)
            labels = (partition.topic, str(partition.number))
            end = ends.get(partition)
            if end is not None and end >= 0:
                # An end that is a second old may lie before what has come since.
                lag = float("nan") if partition in self.beyond_end else max(0, end - committable)
                metrics.lag_records.labels(*labels).set(lag)
            oldest = assignment.unfinished.oldest
            age = age_ms(oldest.record.timestamp_ms, wall_ms) if oldest else None
            metrics.lag_age_seconds.labels(*labels).set(max(0, age or 0) / 1_000)

    def _look_beyond(
        self, assignments: Collection[Assignment], ends: Mapping[Partition, int]
    ) -> None:
        """These ends were seen after how far we were when last looked at: they cannot be less."""
        self._ends = ends
        numbers = {assignment.partition: assignment.number for assignment in assignments}
        self.beyond_end = tuple(
            partition
            for partition, (number, committable) in self._committable.items()
            if numbers.get(partition) == number and 0 <= ends.get(partition, -1) < committable
        )
        self._metrics.partitions_beyond_end.set(len(self.beyond_end))

    def drop(self, partition: Partition) -> None:
        """A partition that is somebody else's has no lag of ours."""
        self._committable.pop(partition, None)
        for gauge in (self._metrics.lag_records, self._metrics.lag_age_seconds):
            with contextlib.suppress(KeyError):
                gauge.remove(partition.topic, str(partition.number))
