"""Offsets reset by an operator while no worker holds the group."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.chaos import scene
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm

BACK = 300
"""So many records are to be looked at once more, in each partition."""
EMPTY_S = 2.0 * scene.SESSION_S
"""By then the group has given up whoever was killed."""


def strike(storm: Storm, fault: Fault) -> bool:
    """All are told to stop; commits go back and lose what they said; all are started again."""
    with ExitStack() as turns:
        turns.enter_context(storm.turn("brokers"))
        seats = [seat for seat in storm.crew.seats if turns.enter_context(seat.turn)]
        if not storm.is_in_sync():
            return False
        working = [seat for seat in seats if seat.is_alive]
        for seat in working:
            seat.stop()
        until_s = time.monotonic() + EMPTY_S
        while not (is_reset := storm.cluster.go_back(scene.GROUP, BACK)):
            if time.monotonic() > until_s:
                break
            storm.sleep(0.5)
        storm.tell("offsets are reset" if is_reset else "the group did not get empty")
        storm.sleep(fault.lasts_s)
        for seat in working:
            seat.start()
        return is_reset


RESET = Kind(
    "reset",
    "offsets are reset in an empty group",
    (0.2, 2.0),
    strike,
    Rhythm(first_s=(50.0, 60.0), gap_s=(80.0, 120.0)),
    run_min_s=70.0,
)
