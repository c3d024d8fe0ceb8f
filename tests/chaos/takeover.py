"""Takeover: how long after a worker's end its partitions have verdicts again."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from tests.chaos.crew import Death
from tests.records import Stored


def takeovers_s(deaths: Iterable[Death], verdicts: Iterable[Stored]) -> list[float]:
    """
    For each partition that a killed or frozen worker held: from that moment to the first verdict
    on it under another term, by the time at which the broker stored it.

    Another, and not a later one: an input that was made again counts its owners anew. For the same
    reason what lay on outputs that are gone belongs to `verdicts`. A partition that nothing came to
    any more is left out.
    """
    stored: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for verdict in verdicts:
        term = int(verdict.header("safeguard-term") or 0)
        stored[verdict.partition].append((verdict.timestamp_ms, term))
    for of_partition in stored.values():
        of_partition.sort()
    found: list[float] = []
    for death in deaths:
        for partition, term in death.held.items():
            after = stored[partition]
            since = bisect_right(after, death.wall_ms, key=lambda each: each[0])
            first_ms = next((at_ms for at_ms, other in after[since:] if other != term), None)
            if first_ms is not None:
                found.append(round((first_ms - death.wall_ms) / 1_000, 3))
    return found


def summed_up(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """How many, the median and the longest."""
    return {
        "count": len(seconds),
        "p50": round(median(seconds), 2) if seconds else None,
        "max": round(max(seconds), 2) if seconds else None,
    }
