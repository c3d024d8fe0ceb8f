"""
Sent commits: none goes back, none is of what is not owned, and each is answered once.

The broker itself would accept anything. A commit is told from every other by its metadata.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.interfaces import CommitPoint, Committed, Partition
from consumer.kafka.client_errors import Meaning, read
from consumer.kafka.source.announcer import Announcer
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.troubles import Troubles

log = structlog.get_logger()


class SentCommits:
    """Sends commits and tells the listener what became of each."""

    def __init__(self, holdings: Holdings, announcer: Announcer, troubles: Troubles) -> None:
        self._holdings = holdings
        self._announcer = announcer
        self._troubles = troubles
        self._highest: dict[Partition, int] = {}
        """The highest offset that was sent to be committed; none goes below."""
        self._under_way: dict[tuple[Partition, str], int] = {}
        """Partition and metadata of a commit without an answer -> number of its assignment."""

    def __repr__(self) -> str:
        return f"<SentCommits under way {len(self._under_way)}>"

    def begin(self, partition: Partition, offset: int) -> None:
        """An assignment begins at this offset."""
        self._highest[partition] = offset

    def forget(self, partitions: Iterable[Partition]) -> None:
        """No more of these; what is under way for them is still answered."""
        for partition in partitions:
            self._highest.pop(partition, None)

    def send(
        self, consumer: Consumer, points: Mapping[Partition, CommitPoint], *, waits: bool = False
    ) -> None:
        """Send what may be sent, and refuse the rest at once; `waits` until it is answered."""
        wanted: list[TopicPartition] = []
        refused: list[Committed] = []
        for partition, (number, offset, metadata) in points.items():
            is_ours = self._holdings.number_of(partition) == number
            if is_ours and offset >= self._highest[partition]:
                self._highest[partition] = offset
                self._under_way[partition, metadata] = number
                wanted.append(TopicPartition(partition.topic, partition.number, offset, metadata))
            else:
                refused.append(Committed(partition, number, metadata, False))
        if refused:
            self._announcer.committed(refused)
        if not wanted:
            return
        try:
            if waits:
                done = consumer.commit(offsets=wanted, asynchronous=False)
                self.answered(None, done or [])
            else:
                consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self.answered(error.args[0], wanted)

    def answered(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        """The client's word on a commit, for all of it or for each partition (`on_commit`)."""
        answers: dict[tuple[Partition, str], bool] = {}
        for tp in partitions:
            commit = (Partition(tp.topic, tp.partition), tp.metadata or "")
            refused = error or tp.error
            answers[commit] = refused is None
            if refused is not None and commit in self._under_way:
                log.warning("commit refused", partition=str(commit[0]), error=str(refused))
                fault = read(refused)
                if fault.meaning in (Meaning.FATAL, Meaning.NAME_HELD):
                    # Inside of a call of the client nothing can be raised.
                    self._troubles.ended(fault, time.monotonic())
        self._answer(answers)

    def give_up(self) -> None:
        """Their answers would come too late: whoever waits for them may commit again now."""
        self._answer(dict.fromkeys(self._under_way, False))

    def _answer(self, answers: Mapping[tuple[Partition, str], bool]) -> None:
        """Once for each commit: what comes later for it is dropped."""
        results = [
            Committed(partition, self._under_way.pop((partition, metadata)), metadata, accepted)
            for (partition, metadata), accepted in answers.items()
            if (partition, metadata) in self._under_way
        ]
        if results:
            self._announcer.committed(results)
