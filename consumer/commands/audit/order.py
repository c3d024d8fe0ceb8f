"""Whether the records of one key came out in the order in which they went in. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a verdict lies, and when it was written."""

    topic: int
    partition: int
    offset: int
    timestamp_ms: int
    """Milliseconds since 1970, or below 0 where the broker keeps no time."""

    @property
    def lane(self) -> tuple[int, int]:
        """The output partition: offsets compare within it, and nowhere else."""
        return self.topic, self.partition


def first_of(places: list[Place]) -> Place:
    """
    The place that counts for order, of all at which one record came out.

    On each output partition it is the lowest offset: repeats after a crash lie behind it. A record
    at several topics has two verdicts, which is a fault of its own; the oldest stands for it.
    """
    downwards = sorted(places, key=lambda place: -place.offset)
    lowest = {place.lane: place for place in downwards}
    return min(lowest.values(), key=lambda place: (place.timestamp_ms, place))


class KeyOrder:
    """The verdicts of one key so far, in the order of the input."""

    def __init__(self) -> None:
        self._highest: dict[tuple[int, int], Place] = {}
        self._latest_ms: dict[tuple[int, int], int] = {}

    def follows(self, place: Place) -> bool:
        """
        Whether nothing proves that this one was written before one that precedes it.

        Within an output partition the offset decides. Across partitions there is only the time
        of writing, of which equal milliseconds prove nothing. Where the topics keep CreateTime it
        is the writer's clock, and one that was set back looks like disorder; LogAppendTime is the
        broker's own.
        """
        lane = place.lane
        highest = self._highest.get(lane)
        follows = highest is None or highest.offset <= place.offset
        if follows:
            self._highest[lane] = place
        if place.timestamp_ms >= 0:
            for other, latest_ms in self._latest_ms.items():
                if other != lane and latest_ms > place.timestamp_ms:
                    follows = False
            self._latest_ms[lane] = max(self._latest_ms.get(lane, 0), place.timestamp_ms)
        return follows

    def __repr__(self) -> str:
        return f"KeyOrder({list(self._highest.values())})"
