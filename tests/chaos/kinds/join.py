"""One more worker for a while."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    with storm.seat(fault.target, must_work=False) as seat:
        seat.start()
        storm.tell(f"join {seat.name} for {fault.lasts_s:.1f} s")
        storm.sleep(fault.lasts_s)
        seat.stop()
        return True


JOIN = Kind("join", "one more worker for a while", (8.0, 16.0), strike, is_for_spare=True)
