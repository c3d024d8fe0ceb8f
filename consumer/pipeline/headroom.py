"""
Headroom: whether a record that was taken may be tracked now, and how many may at once.

There has to be room in the commit's map of finished records, in its lane, in its input's budget.
Where earlier owners died a record may have to be alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from consumer.domain.messages.message import Record
from consumer.pipeline.assignment.assignment import Assignment
from consumer.pipeline.caution import Caution
from consumer.pipeline.flow.budgets import Budgets
from consumer.pipeline.flow.limiter import Limiter


class Headroom:
    """What there is room for; whoever is turned away for their lane is remembered."""

    def __init__(self, limiter: Limiter, budgets: Budgets, caution: Caution) -> None:
        self._limiter = limiter
        self._budgets = budgets
        self._caution = caution
        self._crowded_out: set[Assignment] = set()
        """Those with records that wait for their lane."""

    def __repr__(self) -> str:
        return f"<Headroom {self._limiter!r}, {len(self._crowded_out)} crowded out>"

    def holds(self, assignment: Assignment, record: Record, now_s: float) -> bool:
        """Whether the next record may be tracked."""
        commits, offset = assignment.commits, record.position.offset
        if assignment.binding is None or not commits.offsets.has_room(offset):
            return False
        if commits.offsets.is_recovered(offset):
            return True
        careful_until = commits.suspicion.careful_until
        if careful_until:
            oldest = next(iter(assignment.unfinished.admitted), None)
            if oldest is not None and oldest < careful_until:
                return False
        if not self._limiter.has_room(assignment.binding.lane, now_s):
            self._crowded_out.add(assignment)
            return False
        budget = assignment.budget
        if budget is not None and budget.waits and not self._budgets.has_room(budget):
            return False
        return offset < careful_until or self._caution.has_noted_start(assignment)

    def together(self, assignment: Assignment, records: Sequence[Record], now_s: float) -> int:
        """
        How many of the next records may begin with nothing to be looked at between them.

        None where a record's turn may hang on those before it: where earlier owners died or have
        finished some, where its topic has a budget, context or edits, and where others wait. There
        is room for each by itself as well.
        """
        binding = assignment.binding
        if binding is None or assignment.unfinished.waiting or assignment.budget is not None:
            return 0
        if binding.context is not None or binding.reading.event is not None:
            return 0
        commits = assignment.commits
        if commits.suspicion.careful_until or commits.offsets.has_recovered:
            return 0
        if not self._caution.has_noted_start(assignment):
            return 0
        count = min(len(records), self._limiter.room(binding.lane, now_s))
        while count and not commits.offsets.spans(records[count - 1].position.offset):
            count //= 2
        return count

    @property
    def has_crowded_out(self) -> bool:
        return bool(self._crowded_out)

    def take_crowded_out(self) -> set[Assignment]:
        """Those that were turned away for their lane since the last time."""
        crowded_out, self._crowded_out = self._crowded_out, set()
        return crowded_out
