"""
OffsetTracker: records finished in any order, committed in order.

Rules of this file: pure, one tracker per partition and assignment, and only finished records ever
move the commit. Gaps in the numbers are normal (compaction and transactions leave them), so the
run is one of records that were taken, not of numbers. What is finished above the run is written
beside each commit, and that has little room: `has_room` bounds it before it is ever exceeded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from consumer.domain.checkpoint import MAP_CHARS_MAX, runs_bytes, varint_bytes

MAP_BYTES_MAX = MAP_CHARS_MAX * 3 // 4 - 16
"""What base64 makes MAP_CHARS_MAX of, and a little less."""
NEXT_COST = varint_bytes(1) + 1
"""Of a record right after the one before, as nearly all are."""


class OffsetTracker:
    """Which records of one partition are unfinished, and how far may be committed."""

    def __init__(
        self, start: int, recovered: Iterable[int] = (), named: Iterable[int] = ()
    ) -> None:
        self._pending: deque[int] = deque()
        self._done: set[int] = set()
        self._recovered = {offset for offset in recovered if offset >= start}
        """Finished by an earlier owner, and not yet taken by us."""
        self._recovered_in_order = deque(sorted(self._recovered))
        self._named = {offset for offset in named if offset >= start}
        """Those of them that the last checkpoint named; they may lie below every floor."""
        self._named_cost = runs_bytes(self._named, start)
        self._highest_named = max(self._named, default=start)
        self._last = start - 1
        self._costs: deque[int] = deque()
        self._cost = 0
        """The most bytes that the pending records can need in a map of runs."""
        self._recovered_cost = 0
        previous = start - 1
        for offset in self._recovered_in_order:
            self._recovered_cost += varint_bytes(offset - previous) + 1
            previous = offset
        self._highest = previous
        self.committable = start
        """The offset to commit: one past the highest unbroken run of finished records."""

    def __repr__(self) -> str:
        return (
            f"<OffsetTracker committable {self.committable}, unfinished {self.unfinished}, "
            f"done above {len(self._done) + len(self._recovered)}>"
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

    @property
    def covers_recovered(self) -> bool:
        """
        Whether `done` names all that earlier owners finished.

        After an operator's reset there may be more of it than fits; then what was found is found
        again by reading the outputs from there. What the last checkpoint named always fits.
        """
        span = (max(self._last, self._highest) - self.committable) // 8 + 1
        return min(span, self._cost + self._recovered_cost) <= MAP_BYTES_MAX

    @property
    def done(self) -> frozenset[int]:
        """Finished records above the committable offset; those of earlier owners as far as fits."""
        if self._recovered and self.covers_recovered:
            return frozenset(self._done | self._recovered)
        return frozenset(self._done | self._named & self._recovered)

    def spans(self, offset: int) -> bool:
        """Whether the map of finished records fits up to there, whichever of them are finished."""
        return (max(offset, self._highest_named) - self.committable) // 8 + 1 <= MAP_BYTES_MAX

    def has_room(self, offset: int) -> bool:
        """Whether the map of finished records surely fits with this next record."""
        if self.spans(offset) or not self._pending:
            return True
        return self._cost + self._named_cost + self._cost_of(offset) <= MAP_BYTES_MAX

    @property
    def has_recovered(self) -> bool:
        """Whether earlier owners have finished any that are still to come."""
        return bool(self._recovered)

    def is_recovered(self, offset: int) -> bool:
        """Whether an earlier owner has finished it."""
        return offset in self._recovered

    def start(self, offset: int) -> bool:
        """Track a record that was taken. False where it, or a later one, was taken before."""
        if offset <= self._last:
            return False
        cost = NEXT_COST if offset == self._last + 1 else self._cost_of(offset)
        self._costs.append(cost)
        self._cost += cost
        self._last = offset
        self._pending.append(offset)
        return True

    def finish(self, offset: int) -> None:
        """A record is terminal: the broker has acknowledged its verdict or dead letter."""
        pending = self._pending
        if not pending or offset < pending[0] or offset > self._last:
            raise ValueError(f"offset {offset} is not unfinished here: {self!r}")
        done = self._done
        if offset != pending[0]:
            done.add(offset)
        else:
            # As nearly all are that are settled at once.
            self._pass_oldest()
            while done and pending[0] in done:
                done.remove(pending[0])
                self._pass_oldest()
        if self._recovered_in_order or self._named_cost:
            self._pass_recovered()

    def _pass_oldest(self) -> None:
        self._cost -= self._costs.popleft()
        self.committable = self._pending.popleft() + 1

    def _pass_recovered(self) -> None:
        """What earlier owners finished and the input no longer has is passed as well."""
        in_order = self._recovered_in_order
        while in_order and in_order[0] <= self._last:
            self._recovered.discard(in_order.popleft())
        if not in_order:
            self._recovered_cost = 0
        if self._last >= self._highest_named:
            self._named_cost = 0

    def _cost_of(self, offset: int) -> int:
        """The most bytes that this next record can need: a run of its own."""
        return varint_bytes(offset - self._last) + 1
