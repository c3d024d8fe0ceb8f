"""Gate: which partitions take nothing new for a while, and when they go on."""

from __future__ import annotations

from consumer.interfaces import Source
from consumer.pipeline.assignment.assignment import Assignment
from consumer.pipeline.flow.limiter import Limiter


class Gate:
    """Pauses a partition that has enough, whose budget is spent, or that an operator pauses."""

    def __init__(self, source: Source, limiter: Limiter) -> None:
        self._source = source
        self._limiter = limiter
        self._paused_topics: frozenset[str] = frozenset()
        """By an operator."""

    def __repr__(self) -> str:
        return f"<Gate, paused topics {sorted(self._paused_topics)}>"

    def hold(self, topics: frozenset[str]) -> None:
        """An operator pauses these topics, and no others."""
        self._paused_topics = topics

    def pause_if_full(self, assignment: Assignment) -> None:
        if assignment.is_paused or not assignment.is_established:
            return
        pending = assignment.commits.offsets.pending
        if not self._is_open(assignment) or self._limiter.must_pause(pending):
            assignment.is_paused = True
            self._source.pause({assignment.partition: assignment.number})

    def resume_if_it_may(self, assignment: Assignment) -> None:
        if not assignment.is_paused or not self._is_open(assignment):
            return
        if self._limiter.may_resume(assignment.commits.offsets.pending):
            assignment.is_paused = False
            self._source.resume({assignment.partition: assignment.number})

    def _is_open(self, assignment: Assignment) -> bool:
        return (
            not assignment.unfinished.waiting
            and not assignment.is_held
            and assignment.partition.topic not in self._paused_topics
        )
