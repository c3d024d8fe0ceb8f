"""Telemetry: what the parts of one process tell of themselves with, and by which clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from consumer.interfaces import Clock
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One for a process, handed to whatever counts or measures."""

    clock: Clock = field(default_factory=SystemClock)
    metrics: Metrics = field(default_factory=Metrics)
