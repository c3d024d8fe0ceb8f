"""Seams: what the pipeline works between, handed to its parts together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consumer.interfaces import Policies, Sink, Source
from consumer.telemetry.telemetry import Telemetry


class Seams(NamedTuple):
    """The world around a pipeline; `interfaces.py` says what each part of it promises."""

    source: Source
    sink: Sink
    policies: Policies
    telemetry: Telemetry
    is_model_well: Callable[[], bool] = lambda: True
    """Whether it is known to answer: only then may a record be what ends a worker."""
    partitions_of: Callable[[str], int] | None = None
    """How many partitions an input has, with its retry topic's; None where all are ours."""
