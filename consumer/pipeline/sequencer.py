"""
Sequencer: verdicts become ready in any order and are released in the order of their key.

Rules of this file: pure, one sequencer per partition and assignment. Within a key, verdicts for one
destination are released without waiting, since Kafka keeps their order there. When the destination
changes, the next waits until everything before it is acknowledged, since Kafka keeps no order
across topics. What was released and not stored after all is put back and goes the same way again,
perhaps to another destination. Keys never wait for each other, and a None key has no order at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar


class Sequenced:
    """One record's place in its key's order."""

    __slots__ = ("destination", "order_key")

    def __init__(self, order_key: bytes | None) -> None:
        self.order_key = order_key
        self.destination: str | None = None
        """Where its verdict goes, or None while it has none."""


Item = TypeVar("Item", bound=Sequenced)


class _Lane(Generic[Item]):
    """The records of one key, oldest first."""

    __slots__ = ("destination", "unacknowledged", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Item] = deque()
        """Not yet released, in the order they were taken."""
        self.unacknowledged = 0
        """Released to `destination` and not yet acknowledged."""
        self.destination = ""


class Sequencer(Generic[Item]):
    """Admit every record in order; say when one is ready; send what is released."""

    def __init__(self) -> None:
        self._lanes: dict[bytes, _Lane[Item]] = {}

    def __repr__(self) -> str:
        waiting = sum(len(lane.waiting) for lane in self._lanes.values())
        return f"<Sequencer {len(self._lanes)} keys, {waiting} waiting>"

    def admit(self, item: Item) -> None:
        """Take a place behind all earlier records of the same key."""
        if item.order_key is None:
            return
        lane = self._lanes.get(item.order_key)
        if lane is None:
            lane = self._lanes[item.order_key] = _Lane()
        lane.waiting.append(item)

    def ready(self, item: Item, destination: str) -> list[Item]:
        """Its verdict goes to `destination`. Returns what may be sent now, in order."""
        item.destination = destination
        if item.order_key is None:
            return [item]
        return self._released(self._lanes[item.order_key])

    def acknowledged(self, item: Item) -> list[Item]:
        """The broker has it. Returns what may be sent now, in order."""
        if item.order_key is None:
            return []
        lane = self._lanes[item.order_key]
        lane.unacknowledged -= 1
        released = self._released(lane) if lane.waiting else []
        if not lane.unacknowledged and not lane.waiting:
            del self._lanes[item.order_key]
        return released

    def put_back(self, items: Sequence[Item]) -> list[Item]:
        """
        They were released and are not stored. Returns what may be sent now, in order.

        For each key they are the last that were released, in the order they were; where they go may
        have changed since.
        """
        for item in reversed(items):
            if item.order_key is not None:
                lane = self._lanes[item.order_key]
                lane.waiting.appendleft(item)
                lane.unacknowledged -= 1
        released: list[Item] = []
        for item in items:
            if item.order_key is None:
                released.append(item)
            else:
                released += self._released(self._lanes[item.order_key])
        return released

    def passed_over(self, item: Item) -> list[Item]:
        """Nothing is published for it. Returns what may be sent now, in order."""
        if item.order_key is None:
            return []
        lane = self._lanes[item.order_key]
        lane.waiting.remove(item)
        released = self._released(lane)
        if not lane.unacknowledged and not lane.waiting:
            del self._lanes[item.order_key]
        return released

    def _released(self, lane: _Lane[Item]) -> list[Item]:
        released: list[Item] = []
        waiting = lane.waiting
        while waiting and waiting[0].destination is not None:
            if lane.unacknowledged and waiting[0].destination != lane.destination:
                break
            item = waiting.popleft()
            lane.destination = item.destination or ""
            lane.unacknowledged += 1
            released.append(item)
        return released
