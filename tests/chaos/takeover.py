"""Takeover: how long after a worker's end its partitions have verdicts again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from tests.chaos.crew import Death
from tests.records import Stored


def takeovers_s(deaths: Iterable[Death], verdicts: Sequence[Stored]) -> list[float]:
    """
    For each partition that a killed or frozen worker held: from that moment to the first verdict
    on it under a later term, by the time at which the broker stored it.

    A partition that nothing came to any more is left out.
    """
    first_ms: dict[tuple[int, int], int] = {}
    for verdict in verdicts:
        term = int(verdict.header("safeguard-term") or 0)
        lane = (verdict.partition, term)
        first_ms[lane] = min(verdict.timestamp_ms, first_ms.get(lane, verdict.timestamp_ms))
    found: list[float] = []
    for death in deaths:
        for partition, term in death.held.items():
            later = [
                at_ms
                for (number, other), at_ms in first_ms.items()
                if number == partition and other > term
            ]
            if later:
                found.append(round(max(0, min(later) - death.wall_ms) / 1_000, 3))
    return found


def summed_up(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """How many, the median and the longest."""
    return {
        "count": len(seconds),
        "p50": round(median(seconds), 2) if seconds else None,
        "max": round(max(seconds), 2) if seconds else None,
    }
