"""
Committer: sends the commits that tenures want, and hands their answers back.

An accepted commit renews the lease only if this process has not stood still of late, so somebody
must call `tick` many times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from consumer.interfaces import Clock, CommitPoint, Committed, Partition, Source
from consumer.pipeline.assignment.lease import LeaseTerms, Moment, StallWatch
from consumer.pipeline.flight import Stretch
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()


class Committer:
    """Commits for all partitions of a worker, one commit of each at a time."""

    def __init__(self, source: Source, terms: LeaseTerms, clock: Clock, metrics: Metrics) -> None:
        self._source = source
        self._clock = clock
        self._metrics = metrics
        self._stalls = StallWatch(terms)
        self._last: dict[str, asyncio.Future[bool]] = {}
        """Metadata of a last commit -> its answer, for which somebody waits."""

    def tick(self) -> None:
        """Notice whether this process has stood still."""
        self._stalls.tick(Moment.of(self._clock))

    def commit(self, stretches: Iterable[Stretch]) -> None:
        """Ask for the commits that say anything new."""
        now = Moment.of(self._clock)
        is_steady = self._stalls.is_steady(now)
        points: dict[Partition, CommitPoint] = {}
        for stretch in stretches:
            tenure = stretch.tenure
            if tenure is not None and tenure.wants_commit(now):
                points[stretch.partition] = tenure.ask(now, is_steady)
        if points:
            self._source.commit(points)

    def answered(self, result: Committed, stretch: Stretch | None) -> bool:
        """Note an answer. Returns whether it lets more be published or taken."""
        if not result.is_accepted:
            self._metrics.commits_refused.inc()
        waiting = self._last.pop(result.metadata, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result.is_accepted)
        if stretch is None or stretch.tenure is None:
            return False
        stretch.tenure.answered(result.metadata, result.is_accepted)
        return result.is_accepted

    def last_points(self, stretches: Iterable[Stretch]) -> Mapping[Partition, CommitPoint]:
        """The last commits of assignments that end now, with all that the next owner must know."""
        now = Moment.of(self._clock)
        return {
            stretch.partition: stretch.tenure.last_point(now)
            for stretch in stretches
            # The first commit may have been accepted already: then it has to be released.
            if stretch.tenure is not None
        }

    async def commit_last(self, stretches: Iterable[Stretch], timeout_s: float) -> None:
        """Send the last commits and wait for their answers."""
        points = self.last_points(stretches)
        if not points:
            return
        loop = asyncio.get_running_loop()
        answers = {point.metadata: loop.create_future() for point in points.values()}
        self._last |= answers
        self._source.commit(points)
        done, late = await asyncio.wait(answers.values(), timeout=timeout_s)
        if late or not all(each.result() for each in done):
            log.warning("a last commit was not accepted: its records are found on the outputs")
