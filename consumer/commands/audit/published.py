"""What one record of an output topic says: of which input record, and what became of it. Pure."""

from __future__ import annotations

from enum import Enum, IntEnum, auto, unique
from typing import NamedTuple

from consumer.domain.messages.message import Headers, Position
from consumer.domain.messages.retry import SUPERSEDES
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.headers import percent
from consumer.domain.verdicts.provenance import is_of_topic

OFFSET_MAX = 2**63 - 1
"""Kafka's offsets are 64 bits wide, and so are the index's numbers."""


@unique
class RecordFate(IntEnum):
    """What became of a record; the numbers are those of the index."""

    DEAD_LETTER = 0
    ALLOW = auto()
    FLAG = auto()
    BLOCK = auto()


_FATES = {
    Outcome.ALLOW.encode(): RecordFate.ALLOW,
    Outcome.FLAG.encode(): RecordFate.FLAG,
    Outcome.BLOCK.encode(): RecordFate.BLOCK,
}


class Published(NamedTuple):
    """A first verdict or a dead letter of the group, and the input record that it names."""

    partition: int
    offset: int
    fate: RecordFate


class Other(Enum):
    """Why a record of an output is neither a first verdict nor a dead letter of the group."""

    FOREIGN = "foreign"
    """Another group's, another input's on a shared output, or not from a worker at all."""
    SUPERSEDED = "superseded"
    """It replaces an earlier verdict, so it is no second one."""
    EARLIER = "earlier"
    """The group's own, on a record of a topic that was deleted and made again under this name."""
    UNREADABLE = "unreadable"
    """The group's own, but it names no position or no outcome: it proves nothing."""


class OutputReader:
    """Reads the headers of output records for one input topic and one group."""

    def __init__(self, topic: str, group: str, source: str = "") -> None:
        """`source` is the topic's id where the broker gives one; else its name stands in."""
        self._topic = topic
        self._source = source or topic
        self._group_name = group
        self._group = percent(group)

    def read(self, headers: Headers) -> Published | Other:
        """Of several headers of one name the last counts: a worker's own are appended last."""
        last = dict(headers)
        if last.get("safeguard-group") != self._group:
            return Other.FOREIGN
        found = Position.parse((last.get("safeguard-position") or b"").decode("ascii", "replace"))
        if found is None or found.offset > OFFSET_MAX:
            return Other.UNREADABLE
        if found.topic != self._topic:
            return Other.FOREIGN
        if not is_of_topic(last, found, self._source, self._group_name):
            # A second judgement is the first verdict on its own record, whatever it supersedes.
            return Other.SUPERSEDED if SUPERSEDES in last else Other.EARLIER
        if "safeguard-dead-letter-reason" in last:
            return Published(found.partition, found.offset, RecordFate.DEAD_LETTER)
        fate = _FATES.get(last.get("safeguard-outcome") or b"")
        if fate is None:
            return Other.UNREADABLE
        return Published(found.partition, found.offset, fate)
