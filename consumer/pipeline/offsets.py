"""
OffsetTracker: records finished in any order, committed in order.

Rules of this file: pure, one tracker per partition and assignment, and only finished records ever
move the commit. Gaps in the numbers are normal (compaction and transactions leave them), so the
run is one of records that were taken, not of numbers.
"""

from __future__ import annotations

from collections import deque


class OffsetTracker:
    """Which records of one partition are unfinished, and how far may be committed."""

    def __init__(self, start: int) -> None:
        self._pending: deque[int] = deque()
        self._done: set[int] = set()
        self._last = start - 1
        self.committable = start
        """The offset to commit: one past the highest unbroken run of finished records."""

    def __repr__(self) -> str:
        return (
            f"<OffsetTracker committable {self.committable}, unfinished {self.unfinished}, "
            f"done above {len(self._done)}>"
        )

    @property
    def pending(self) -> int:
        """Records taken and not yet committed past: unfinished, or finished above an unfinished."""
        return len(self._pending)

    @property
    def unfinished(self) -> int:
        return len(self._pending) - len(self._done)

    @property
    def oldest(self) -> int | None:
        """The offset that holds the commit back, or None where all is finished."""
        return self._pending[0] if self._pending else None

    def start(self, offset: int) -> bool:
        """Track a record that was taken. False where it, or a later one, was taken before."""
        if offset <= self._last:
            return False
        self._last = offset
        self._pending.append(offset)
        return True

    def finish(self, offset: int) -> None:
        """A record is terminal: the broker has acknowledged its verdict or dead letter."""
        pending = self._pending
        if not pending or offset < pending[0] or offset > self._last:
            raise ValueError(f"offset {offset} is not unfinished here: {self!r}")
        self._done.add(offset)
        while pending and pending[0] in self._done:
            oldest = pending.popleft()
            self._done.remove(oldest)
            self.committable = oldest + 1
