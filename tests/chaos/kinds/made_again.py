"""Topics deleted and made again under their names: an output, or the input itself."""

from __future__ import annotations

import time

from tests.chaos import scene
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.lives import Life
from tests.chaos.storm import Storm
from tests.records import Stored, read_all

READ_S = 60.0
REFUSED_S = 1.0
"""By then every broker knows that nothing more is to be stored, unless the machine is busy."""


def make_output_again(storm: Storm, fault: Fault) -> bool:
    """
    What lay on it is kept for the reckoning, all of it: nothing is stored there while it is read.

    Verdicts that went with it are nobody's fault, and what came while they lay there had to agree.
    """
    topic = scene.OUTPUTS[fault.target - 1]
    with storm.turn("topics"), storm.turn("brokers"):
        if not storm.is_in_sync():
            return False
        storm.cluster.refuse(topic)
        records = _last_of(storm, topic)
        storm.gone.append(Life(records, time.time() * 1_000))
        storm.tell(f"{topic} is deleted, with {len(records)} records")
        storm.cluster.delete(topic)
        storm.sleep(fault.lasts_s)
        storm.cluster.create(topic, storm.partitions, scene.STAMPED)
        storm.tell(f"{topic} is made again")
        return True


def _last_of(storm: Storm, topic: str) -> list[Stored]:
    """All that was ever on it: read again until nothing more has come since it was read before."""
    found: list[Stored] = []
    while True:
        storm.sleep(REFUSED_S)
        before, found = len(found), read_all(storm.kafka.bootstrap_servers, [topic], READ_S)
        if len(found) == before:
            return found


def make_input_again(storm: Storm, fault: Fault) -> bool:
    """
    What was not judged is gone; the messages that come from then on are the new topic's.

    The audit sees the last topic of the name alone, so that enough messages are left for it.
    """
    with storm.turn("topics"), storm.turn("brokers"):
        if not storm.is_in_sync():
            return False
        with storm.feeder.held():
            # Only now, since the turns and the copies may have taken minutes.
            if storm.feeder.share > WRITTEN_MAX:
                return False
            storm.earlier.append(storm.cluster.topic_id(scene.TOPIC))
            storm.tell(f"{scene.TOPIC} is deleted")
            storm.cluster.delete(scene.TOPIC)
            storm.sleep(fault.lasts_s)
            storm.cluster.create(scene.TOPIC, storm.partitions)
        storm.tell(f"{scene.TOPIC} is made again")
        return True


WRITTEN_MAX = 0.6
"""The input is made again only while no more than this share of the messages is written."""

OUTPUT = Kind(
    "output",
    "an output is deleted and made again",
    (0.2, 2.0),
    make_output_again,
    Rhythm(first_s=(12.0, 20.0), gap_s=(50.0, 90.0), targets=len(scene.OUTPUTS)),
    run_min_s=60.0,
)
INPUT = Kind(
    "input",
    "the input is deleted and made again",
    (0.2, 2.0),
    make_input_again,
    Rhythm(first_s=(30.0, 45.0), gap_s=(60.0, 90.0)),
    run_min_s=60.0,
)
