"""SIGKILL of a worker; another one takes its seat."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    with storm.seat(fault.target) as seat:
        storm.tell(f"kill {seat.name}")
        seat.kill()
        storm.sleep(fault.lasts_s)
        seat.start()
        return True


KILL = Kind("kill", "SIGKILL of a worker", (1.0, 6.0), strike, often=2, is_early=True)
