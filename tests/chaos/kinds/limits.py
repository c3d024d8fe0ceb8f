"""Outputs take less than before, under running workers, and as much again later."""

from __future__ import annotations

from tests.chaos import scene
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm

SMALL = 2_500
"""More than any one verdict here, and less than what a burst of them makes together."""
USUAL = 1_048_588
TRIES = 10
"""A broker may be away just then."""


def strike(storm: Storm, fault: Fault) -> bool:
    """No verdict is too large: each refusal is of a batch, and costs nobody anything but time."""
    # A topic that is made again has the usual limit.
    with storm.turn("topics"):
        storm.tell(f"outputs take {SMALL} bytes at once")
        is_lower = _limit(storm, SMALL)
        storm.sleep(fault.lasts_s if is_lower else 0.0)
        _limit(storm, USUAL)
        storm.tell("outputs take as much as before")
        return is_lower


def _limit(storm: Storm, bytes_max: int) -> bool:
    for _ in range(TRIES):
        if storm.cluster.limit(scene.OUTPUTS, bytes_max):
            return True
        storm.sleep(1.0)
    return False


LIMITS = Kind(
    "limits",
    "max.message.bytes of the outputs lowered",
    (6.0, 12.0),
    strike,
    Rhythm(first_s=(6.0, 10.0), gap_s=(25.0, 45.0)),
)
