"""SIGKILL of a static member, which is started again at once, under the same name."""

from __future__ import annotations

from tests.chaos.crew import STATIC_SEAT
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    """With KIP-848 the brokers hold its name for as long as the session of the last one lasts."""
    with storm.seat(STATIC_SEAT) as seat:
        storm.tell(f"{fault.kind} member {seat.name} killed")
        seat.kill()
        storm.sleep(fault.lasts_s)
        seat.start()
        return True


STATIC = Kind(
    "static",
    "SIGKILL of a static member, started again at once",
    (0.0, 0.5),
    strike,
    Rhythm(first_s=(7.0, 9.0), gap_s=(25.0, 50.0)),
)
