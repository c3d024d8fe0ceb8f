"""SIGSTOP of a broker: its connections stand, nobody answers, and what it leads or copies waits."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import NODES, Storm


def strike(storm: Storm, fault: Fault) -> bool:
    """
    One at a time with those that are killed: two copies must be left of everything.

    Shorter than brokers take to notice, it holds up whatever it has a copy of; longer, others lead
    and it wakes up believing that it still does.
    """
    with storm.turn("brokers"):
        if not storm.is_in_sync():
            return False
        storm.tell(f"broker {fault.target} stalls for {fault.lasts_s:.1f} s")
        node = storm.kafka.node(fault.target)
        node.pause()
        try:
            storm.sleep(fault.lasts_s)
        finally:
            node.resume()
        storm.tell(f"broker {fault.target} goes on")
        storm.is_in_sync()
        return True


STALL = Kind(
    "stall",
    "SIGSTOP of a broker",
    (3.0, 14.0),
    strike,
    Rhythm(first_s=(14.0, 20.0), gap_s=(30.0, 50.0), targets=NODES),
)
