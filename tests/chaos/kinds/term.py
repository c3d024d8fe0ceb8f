"""SIGTERM of a worker, which must end with 0; another one takes its seat."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    with storm.seat(fault.target) as seat:
        storm.tell(f"term {seat.name}")
        seat.stop()
        storm.sleep(fault.lasts_s)
        seat.start()
        return True


TERM = Kind("term", "SIGTERM of a worker", (0.5, 3.0), strike, is_early=True)
