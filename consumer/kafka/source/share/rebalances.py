"""
Rebalances: what the group gives to this member and takes from it; the client says so inside a poll.

A revocation is drained first: the listener finishes what it can, and what may be committed is
committed before the partitions change hands. What is lost is somebody else's already.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout

import structlog
from confluent_kafka import Consumer, TopicPartition

from consumer.interfaces import CommitPoint, Partition
from consumer.kafka.source.announcer import Announcer
from consumer.kafka.source.mailbox import Mailbox
from consumer.kafka.source.share.share import Share
from consumer.kafka.source.share.start_finder import StartFinder
from consumer.kafka.source.troubles import Troubles

log = structlog.get_logger()

LOOK_S = 0.05
"""How often commits are looked for meanwhile; leases are renewed every second or so."""
ANSWER_S = 10.0
"""Beyond the drain budget (`pipeline.drain_s`), for the event loop to come round and answer."""


class Rebalances:
    """Begins and ends assignments."""

    def __init__(
        self,
        share: Share,
        starts: StartFinder,
        mailbox: Mailbox,
        announcer: Announcer,
        troubles: Troubles,
        drain_s: float,
    ) -> None:
        self._share = share
        self._starts = starts
        self._mailbox = mailbox
        self._announcer = announcer
        self._troubles = troubles
        self._drain_s = drain_s

    def __repr__(self) -> str:
        return f"<Rebalances of {self._share!r}>"

    # Called by the client.

    def assigned(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        self._troubles.joined()
        if not given:
            consumer.incremental_assign([])
            return
        starts = self._starts.find(consumer, given)
        assignments = self._share.begin(consumer, starts)
        log.info("assigned", partitions=[str(partition) for partition in starts.of])
        self._announcer.assigned(assignments)

    def revoked(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = [Partition(tp.topic, tp.partition) for tp in taken]
        commits = self._share.commits
        # Their answers would come only after this call; until then nobody could commit again.
        commits.give_up()
        drain = self._announcer.revoked(self._share.holdings.among(partitions))
        commits.send(consumer, self._drained(consumer, drain), waits=True)
        self._share.forget(partitions)
        consumer.incremental_unassign(taken)

    def lost(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        self._lose([Partition(tp.topic, tp.partition) for tp in taken])
        consumer.incremental_unassign(taken)

    # Called by the thread.

    def assign_anew(self, consumer: Consumer, partitions: Collection[Partition]) -> None:
        """End these assignments as lost and begin others, without the group's taking part."""
        given = [TopicPartition(*partition) for partition in partitions]
        log.warning("assigning anew", partitions=[str(partition) for partition in partitions])
        self.lost(consumer, given)
        self.assigned(consumer, given)

    def lose_all(self) -> None:
        """The client is at its end, and there is nothing to commit with."""
        if self._share.holdings:
            self._lose(list(self._share.holdings.partitions))

    def _lose(self, partitions: list[Partition]) -> None:
        log.warning("partitions lost", partitions=[str(partition) for partition in partitions])
        self._announcer.lost(partitions)
        self._share.forget(partitions)

    def _drained(
        self, consumer: Consumer, drain: Future[Mapping[Partition, CommitPoint]]
    ) -> Mapping[Partition, CommitPoint]:
        """Wait for the drain; meanwhile the other partitions' leases are renewed by commits."""
        until_s = time.monotonic() + self._drain_s + ANSWER_S
        while True:
            try:
                return drain.result(LOOK_S)
            except FutureTimeout:
                if time.monotonic() > until_s:
                    log.warning("draining revoked partitions took too long")
                    drain.cancel()
                    return {}
            except (RuntimeError, CancelledError) as error:
                log.warning("draining revoked partitions failed", error=repr(error))
                return {}
            self._announcer.went_round()
            for points in self._mailbox.commits():
                self._share.commits.send(consumer, points, waits=True)
