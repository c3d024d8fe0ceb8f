"""SIGKILL of a broker, which is started again, and SIGSTOP of one, whose connections stand."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import NODES, Storm


def strike(storm: Storm, fault: Fault) -> bool:
    """
    Two copies must be left of everything, or the brokers themselves would refuse.

    One that stalls for less than the others take to notice holds up whatever it has a copy of; for
    longer, others lead, and it wakes up believing that it still does.
    """
    with storm.turn("brokers"):
        if not storm.is_in_sync():
            return False
        node = storm.kafka.node(fault.target)
        is_stall = fault.kind == STALL.name
        storm.tell(f"broker {fault.target} {'stalls' if is_stall else 'is killed'}")
        (node.pause if is_stall else node.kill)()
        storm.sleep(fault.lasts_s)
        (node.resume if is_stall else node.start)()
        storm.tell(f"broker {fault.target} is back")
        storm.is_in_sync()
        return True


BROKER = Kind(
    "broker",
    "SIGKILL of a broker",
    (2.0, 6.0),
    strike,
    Rhythm(first_s=(5.0, 9.0), gap_s=(12.0, 24.0), targets=NODES),
)
STALL = Kind(
    "stall",
    "SIGSTOP of a broker",
    (3.0, 14.0),
    strike,
    Rhythm(first_s=(14.0, 20.0), gap_s=(30.0, 50.0), targets=NODES),
)
