"""Unfinished: the records of one assignment that were taken and are not terminal yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from consumer.domain.messages.message import Record
from consumer.pipeline.sequencer import Sequenced, Sequencer

Item = TypeVar("Item", bound=Sequenced)


class Unfinished(Generic[Item]):
    """Waiting, admitted, and among those what is ready and withheld."""

    def __init__(self) -> None:
        self.waiting: deque[Record] = deque()
        """Taken, and not yet admitted: there is no room, or they go one at a time."""
        self.admitted: dict[int, Item] = {}
        """By offset, in the order they were taken."""
        self.sequencer: Sequencer[Item] = Sequencer()
        self.withheld: deque[Item] = deque()
        """Ready to be published, and not allowed to yet."""
        self.on_empty: list[Callable[[Unfinished[Item]], None]] = []
        """Called once nothing is left, for whoever drains."""

    def __repr__(self) -> str:
        return (
            f"<Unfinished admitted {len(self.admitted)}, waiting {len(self.waiting)}, "
            f"withheld {len(self.withheld)}, {self.sequencer!r}>"
        )

    @property
    def is_empty(self) -> bool:
        return not self.admitted and not self.waiting

    @property
    def oldest(self) -> Item | None:
        """The admitted record that was taken first."""
        return next(iter(self.admitted.values()), None)

    def forget(self) -> int:
        """Somebody else judges them anew. Returns how many there were."""
        count = len(self.admitted) + len(self.waiting)
        self.admitted.clear()
        self.waiting.clear()
        self.withheld.clear()
        self.tell_if_empty()
        return count

    def tell_if_empty(self) -> None:
        """Tell whoever drains, once."""
        if self.on_empty and self.is_empty:
            listeners, self.on_empty = self.on_empty, []
            for listener in listeners:
                listener(self)
