"""
Committer: sends the commits that assignments want, and hands their answers back.

An accepted commit renews the lease only if this process has not stood still of late, so somebody
must call `tick` many times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from consumer.interfaces import CommitPoint, Committed, Partition, Source
from consumer.pipeline.assignment.assignment import Assignment
from consumer.pipeline.assignment.lease import LeaseTerms, Moment, StallWatch
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class Committer:
    """Commits for all partitions of a worker, one commit of each at a time."""

    def __init__(self, source: Source, terms: LeaseTerms, telemetry: Telemetry) -> None:
        self._source = source
        self._clock = telemetry.clock
        self._metrics = telemetry.metrics
        self._stalls = StallWatch(terms)
        self._last: dict[str, asyncio.Future[bool]] = {}
        """Metadata of a last commit -> its answer, for which somebody waits."""

    def tick(self) -> None:
        """Notice whether this process has stood still."""
        self._stalls.tick(Moment.of(self._clock))

    def commit(self, assignments: Iterable[Assignment]) -> None:
        """Ask for the commits that say anything new."""
        now = Moment.of(self._clock)
        is_steady = self._stalls.is_steady(now)
        points: dict[Partition, CommitPoint] = {}
        for assignment in assignments:
            if assignment.is_recovered and assignment.commits.is_wanted(now):
                points[assignment.partition] = assignment.commits.ask(now, is_steady)
        if points:
            self._source.commit(points)

    def answered(self, result: Committed, assignment: Assignment | None) -> bool:
        """Note an answer. Returns whether it lets more be published or taken."""
        if not result.is_accepted:
            self._metrics.commits_refused.inc()
        waiting = self._last.pop(result.metadata, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result.is_accepted)
        if assignment is None or not assignment.is_recovered:
            return False
        assignment.commits.answered(result.metadata, result.is_accepted)
        return result.is_accepted

    def last_points(self, assignments: Iterable[Assignment]) -> Mapping[Partition, CommitPoint]:
        """The last commits of assignments that end now, with all that the next owner must know."""
        now = Moment.of(self._clock)
        return {
            assignment.partition: assignment.commits.last_point(now)
            for assignment in assignments
            # The first commit may have been accepted already: then it has to be released.
            if assignment.is_recovered
        }

    async def commit_last(self, assignments: Iterable[Assignment], timeout_s: float) -> None:
        """Send the last commits and wait for their answers."""
        points = self.last_points(assignments)
        if not points:
            return
        loop = asyncio.get_running_loop()
        answers = {point.metadata: loop.create_future() for point in points.values()}
        self._last |= answers
        self._source.commit(points)
        done, late = await asyncio.wait(answers.values(), timeout=timeout_s)
        if late or not all(each.result() for each in done):
            log.warning("a last commit was not accepted: its records are found on the outputs")
