"""Start finder: where an assignment begins, asked of brokers that may be away for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Partition
from consumer.kafka.source.share.namesakes import Namesakes
from consumer.kafka.source.share.start import Start, StartRule, starting_offsets

log = structlog.get_logger()

CALL_TIMEOUT_S = 10.0
"""For each question to a broker; what takes longer is asked again while the patience lasts."""
PATIENCE_MAX_S = 60.0
"""Longer than a broker takes to hand over what it leads; half the poll interval if that is less."""
AGAIN_S = 1.0
"""Beside a call that has just waited for its time-out this asks nobody too often."""


class Starts(NamedTuple):
    """Where partitions begin, and the ids of the topics that this was found for."""

    of: Mapping[Partition, Start]
    ids: Mapping[str, str]


class StartFinder:
    """Brokers that do not answer are given a while, not the worker's end."""

    def __init__(
        self,
        rule_for: Callable[[str], StartRule],
        identify: Callable[[Sequence[str]], Mapping[str, str]],
        namesakes: Namesakes,
        max_poll_interval_s: float,
        went_round: Callable[[], None],
    ) -> None:
        self._rule_for = rule_for
        self._identify = identify
        """The broker's ids of topics, where it gives them. Blocking."""
        self._namesakes = namesakes
        # Whoever does not poll for so long is put out of the group.
        self._patience_s = min(PATIENCE_MAX_S, max_poll_interval_s / 2)
        self._went_round = went_round
        self.is_stopping = False
        """Nothing is begun any more, so nothing is waited for."""

    def __repr__(self) -> str:
        return f"<StartFinder waits {self._patience_s:g} s, {self._namesakes!r}>"

    def find(self, consumer: Consumer, given: list[TopicPartition]) -> Starts:
        """
        The starts of what was given to us.

        Raises:
            BrokerUnavailable: the brokers have not answered for too long.
            MadeAgain: this client has read from an earlier topic of one of the names.
        """
        until_s = time.monotonic() + self._patience_s
        while True:
            self._went_round()
            try:
                return self._find_now(consumer, given)
            except BrokerUnavailable as error:
                if time.monotonic() > until_s or self.is_stopping:
                    raise
                log.warning("an assignment has to wait", error=str(error))
                time.sleep(AGAIN_S)

    def _find_now(self, consumer: Consumer, given: list[TopicPartition]) -> Starts:
        topics = sorted({tp.topic for tp in given})
        ids = self._identify(topics)
        self._namesakes.check(ids)
        again = self._namesakes.unlike_before(topics, ids)
        starts = starting_offsets(consumer, given, self._rule_for, ids, CALL_TIMEOUT_S, again)
        self._namesakes.begin(ids)
        return Starts(starts, ids)
