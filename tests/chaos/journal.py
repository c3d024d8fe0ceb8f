"""Journal: what a worker wrote to its log, as events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any


def events(log: Path) -> Iterator[dict[str, Any]]:
    """The events of a log; the last line of a killed worker may be half a line."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("{"):
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


def terms_held(log: Path) -> dict[int, int]:
    """Partition number -> term, of what the worker had recovered and not given back by its end."""
    held: dict[int, int] = {}
    for event in events(log):
        if event.get("event") == "recovered":
            held[_number(event)] = int(event["term"])
        elif event.get("event") == "assignment ended":
            held.pop(_number(event), None)
    return held


def assignments(log: Path) -> int:
    """How often the worker was given partitions."""
    return sum(event.get("event") == "assigned" for event in events(log))


def children(log: Path) -> list[int]:
    """The processes that a supervisor has started first; none in the log of a worker."""
    found = (event["processes"] for event in events(log) if event.get("event") == "workers started")
    return [int(pid) for pid in next(found, [])]


def health_address(log: Path) -> str | None:
    """Where the worker is asked for its health, once it has started."""
    started = [event for event in events(log) if event.get("event") == "started"]
    return str(started[-1]["health"]) if started else None


class Recoveries:
    """When owners of partitions had found out what was done before them."""

    def __init__(self, logs: Iterable[Path]) -> None:
        self._at_ms: dict[tuple[int, int], list[float]] = {}
        """By partition and term; terms begin anew with an input that is made again."""
        for log in logs:
            for event in events(log):
                if event.get("event") == "recovered":
                    moment = datetime.fromisoformat(event["timestamp"]).timestamp() * 1_000
                    of = self._at_ms.setdefault((_number(event), int(event["term"])), [])
                    of.append(moment)

    def __repr__(self) -> str:
        return f"<Recoveries {sum(map(len, self._at_ms.values()))}>"

    def before(self, partition: int, term: int, before_ms: float) -> float | None:
        """When the last owner with that term had, before a moment; None where none had."""
        found = [at for at in self._at_ms.get((partition, term), ()) if at <= before_ms]
        return max(found, default=None)


def _number(event: dict[str, Any]) -> int:
    return int(str(event["partition"]).rpartition("/")[2])
