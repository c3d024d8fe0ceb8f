"""Share: this member's part of the partitions; what begins or ends does so in all its books."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition

from consumer.interfaces import Assigned, Partition
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.share.pauses import Pauses
from consumer.kafka.source.share.sent_commits import SentCommits
from consumer.kafka.source.share.start_finder import Starts
from consumer.kafka.source.troubles import Troubles


class Share:
    """Who owns, what flows, what was committed, and what troubles were told of."""

    def __init__(
        self, holdings: Holdings, pauses: Pauses, commits: SentCommits, troubles: Troubles
    ) -> None:
        self.holdings = holdings
        self.pauses = pauses
        self.commits = commits
        self._troubles = troubles

    def __repr__(self) -> str:
        return f"<Share {self.holdings!r} {self.pauses!r} {self.commits!r}>"

    def begin(self, consumer: Consumer, starts: Starts) -> list[Assigned]:
        """Begin assignments, paused; the listener is told of them by what is returned."""
        assignments: list[Assigned] = []
        for partition, start in starts.of.items():
            number = self.holdings.take(partition)
            self.commits.begin(partition, start.offset)
            topic_id = starts.ids.get(partition.topic, "")
            assignments.append(Assigned(partition, number, *start, topic_id))
        consumer.incremental_assign([TopicPartition(*p, s.offset) for p, s in starts.of.items()])
        self.pauses.begin(consumer, list(starts.of))
        return assignments

    def forget(self, partitions: Sequence[Partition]) -> None:
        """They are somebody else's, or nobody's."""
        self._troubles.gave_up(partitions)
        self.holdings.forget(partitions)
        self.commits.forget(partitions)
        self.pauses.forget(partitions)
