"""SIGKILL of the inference server, which is started again."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm


def strike(storm: Storm, fault: Fault) -> bool:
    with storm.turn("model"):
        storm.tell("inference server killed")
        storm.model.kill()
        storm.sleep(fault.lasts_s)
        storm.model.start()
        return True


SERVER = Kind(
    "server",
    "SIGKILL of the inference server",
    (1.5, 4.0),
    strike,
    Rhythm(first_s=(9.0, 14.0), gap_s=(25.0, 50.0)),
)
