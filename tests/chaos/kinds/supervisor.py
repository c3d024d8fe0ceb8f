"""SIGKILL of a supervisor, started again at once; its workers must end by themselves."""

from __future__ import annotations

from tests.chaos.crew import SUPERVISED_SEAT
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    """Two workers more for a while, then two others at the same ports, stopped in good order."""
    with storm.seat(SUPERVISED_SEAT, must_work=False) as seat:
        storm.tell(f"supervisor {seat.name} for {fault.lasts_s / 2:.1f} s")
        seat.start()
        storm.sleep(fault.lasts_s / 2)
        storm.tell(f"supervisor {seat.name} killed")
        left = seat.children
        seat.kill(None)
        seat.start()
        storm.sleep(fault.lasts_s / 2)
        seat.stop()
        storm.crew.note_orphans(left)
        return True


SUPERVISOR = Kind(
    "supervisor",
    "SIGKILL of the supervisor of two workers, started again at once",
    (12.0, 18.0),
    strike,
    Rhythm(first_s=(4.0, 6.0), gap_s=(30.0, 60.0)),
)
