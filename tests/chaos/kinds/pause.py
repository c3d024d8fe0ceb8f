"""SIGSTOP of a worker, for less than its session or for longer."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    with storm.seat(fault.target) as seat:
        storm.tell(f"{fault.kind} {seat.name} for {fault.lasts_s:.1f} s")
        if not seat.freeze(fault.kind == FREEZE.name):
            return False
        storm.sleep(fault.lasts_s)
        seat.thaw()
        return True


FREEZE = Kind(
    "freeze", "SIGSTOP of a worker for longer than its session", (15.0, 20.0), strike, is_early=True
)
NAP = Kind(
    "nap",
    "SIGSTOP of a worker for less than its session",
    (1.0, 5.0),
    strike,
    often=2,
    is_early=True,
)
