"""
Floors: where on each output what we send now can lie at the earliest, and in which topic. Pure.

A floor is one past what was last acknowledged there. It is of one topic, told by its id: where an
output was made again under its name the floor begins anew, and reports of what was sent before move
it no more, for nobody can tell on which of the two it was stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from consumer.domain.checkpoint import Floor, is_same_topic
from consumer.interfaces import Output

_BEGINNING = Floor(0)
"""Made once: each publication asks thrice."""


class FloorTracker:
    """The floors of one process; they rise with what is acknowledged."""

    def __init__(self) -> None:
        self._floors: dict[Output, Floor] = {}

    def __repr__(self) -> str:
        return f"<FloorTracker {self._floors}>"

    def look(self, ends: Mapping[Output, Floor]) -> list[str]:
        """
        Note outputs as they are now, each with its end and its topic's id.

        Nothing of ours can lie below the end of one that is new here. Returns those that were known
        and are other topics by now: ours may lie anywhere on them.
        """
        again: set[str] = set()
        for output, end in ends.items():
            known = self._floors.setdefault(output, end)
            if end.topic_id and known.topic_id != end.topic_id:
                self._floors[output] = Floor(0, end.topic_id)
                again.add(output.topic)
        return sorted(again)

    def at(self, output: Output) -> Floor:
        """That of an output which nobody has looked at is its beginning."""
        return self._floors.get(output, _BEGINNING)

    def acknowledged(self, output: Output, sent: Floor, offset: int) -> None:
        """It is stored at this offset; `sent` was the floor when it was sent."""
        floor = self.at(output)
        if sent.topic_id == floor.topic_id and offset >= floor.offset:
            self._floors[output] = Floor(offset + 1, floor.topic_id)


def lowest(floors: Iterable[Floor], topic_id: str) -> int:
    """From where an output with this id now is to be read; one made again from its beginning."""
    known = list(floors)
    if all(is_same_topic(floor.topic_id, topic_id) for floor in known):
        return min(floor.offset for floor in known)
    return 0
