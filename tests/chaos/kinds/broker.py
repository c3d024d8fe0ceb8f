"""SIGKILL of a broker, which is started again."""

from __future__ import annotations

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import NODES, Storm


def strike(storm: Storm, fault: Fault) -> bool:
    """Two copies must be left of everything, or the brokers themselves would refuse."""
    with storm.turn("brokers"):
        if not storm.is_in_sync():
            return False
        storm.tell(f"broker {fault.target} killed")
        node = storm.kafka.node(fault.target)
        node.kill()
        storm.sleep(fault.lasts_s)
        node.start()
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
