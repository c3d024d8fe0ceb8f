"""The model is out for long, and meanwhile workers are killed over and over."""

from __future__ import annotations

from contextlib import ExitStack

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm

LIFE_S = 11.0
"""Within this a worker waits out the lease of the one before it, and begins."""


def strike(storm: Storm, fault: Fault) -> bool:
    """As many deaths at one offset as would make its records suspect, and then poison."""
    with storm.turn("model"), ExitStack() as turns:
        for seat in storm.crew.seats:
            turns.enter_context(seat.turn)
        seats = [seat for seat in storm.crew.seats if seat.is_alive]
        storm.tell(f"inference server killed for {fault.lasts_s:.0f} s, and workers with it")
        storm.model.kill()
        left_s = fault.lasts_s
        while left_s > 0:
            storm.sleep(min(LIFE_S, left_s))
            left_s -= LIFE_S
            for seat in seats:
                seat.kill("outage")
                seat.start()
        storm.model.start()
        storm.tell("inference server is back")
        return True


OUTAGE = Kind(
    "outage",
    "the model out while workers are killed",
    (56.0, 67.0),
    strike,
    Rhythm(first_s=(5.0, 12.0), gap_s=(60.0, 90.0)),
    run_min_s=100.0,
)
