"""Stuck: workers that say they are ready while what they should judge is not judged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.chaos import journal
from tests.chaos.crew import Crew

CALL_S = 2.0


def stuck_workers(crew: Crew, behind: Iterable[int]) -> list[str]:
    """
    The workers that are alive, ready, and behind.

    `behind` are partitions that were not committed to their ends in time, though all is healed. A
    worker that holds one of them is stuck, and where nobody holds one, so is every ready worker.
    """
    ready = {
        seat.name: set(journal.terms_held(seat.log))
        for seat in crew.seats
        if seat.is_alive and seat.log is not None and is_ready(seat.log)
    }
    held = set().union(*ready.values())
    wanted = set(behind)
    return sorted(
        name for name, theirs in ready.items() if theirs & wanted or (wanted and not wanted <= held)
    )


def is_ready(log: Path) -> bool:
    """Whether the worker that writes this log says so itself."""
    address = journal.health_address(log)
    if address is None:
        return False
    try:
        with urlopen(f"{address}/readyz", timeout=CALL_S) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
