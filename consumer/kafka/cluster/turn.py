"""
Turn: one run of a command at a time for an input, whoever starts it and wherever. Blocking.

The brokers decide: whoever has all partitions of the input in the readers' group has the turn, and
the coordinator gives a partition to one member at a time. A run looks first whether another is at
work, and waits for it. Of several that join at once, those without the first partition step back.
Nothing is read through the group, and nothing is committed to it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.errors import BrokerUnavailable, Retryable
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.cluster.members import topics_of_members
from consumer.kafka.config import KafkaConfig

log = structlog.get_logger()

POLL_S = 0.1
"""How late the end of a run is seen, and a small part of FRESH_S."""
LOOK_S = 1.0
"""How often it is looked whether the other run has ended: runs take minutes."""
JOIN_S = 20.0
"""Whoever has not got all partitions by then steps back and begins anew. A rebalance takes a few
seconds (`group.initial.rebalance.delay.ms` is 3 s), and stepping back costs nothing but time."""
STEP_BACK_S = (0.2, 2.0)
"""For how long, at random, so that of several that stepped back one is the first."""
FRESH_S = 3.0
"""A poll longer ago than this says nothing of the group any more. Protocol: a session is longer
(6 s at least, unless the brokers allow less), so until then nobody else was given its part."""


class TurnLost(Retryable):
    """Another run of this command is at work on the same input. Wait for it, or start it again."""


class Turn:
    """The right to work on one input."""

    def __init__(self, config: KafkaConfig, topic: str, partitions: int) -> None:
        self._config = config
        self._topic = topic
        self._wanted = frozenset(range(partitions))
        self._lock = threading.RLock()
        """Held while something is stored: until then no partition is given up."""
        self._owned: set[int] = set()
        self._has_heard = False
        self._is_lost = False
        """Whether another may have had the turn since it was taken."""
        self._polled_s = 0.0
        self._member: _Member | None = None

    def __repr__(self) -> str:
        return f"<Turn for {self._topic}, has {sorted(self._owned)} of {len(self._wanted)}>"

    def take(self, tell: Callable[[str], None]) -> None:
        """
        Wait for the turn, as long as it takes; `tell` is told once where another has it.

        Raises:
            BrokerUnavailable: the group cannot be joined.
        """
        self.close()
        is_told = False
        while True:
            while self._is_another_at_work():
                if not is_told:
                    tell(f"another run is at work on {self._topic}: waiting for it")
                    is_told = True
                time.sleep(LOOK_S)
            self._join()
            if self._has_all():
                return
            self.close()
            time.sleep(random.uniform(*STEP_BACK_S))

    @contextmanager
    def held(self) -> Iterator[None]:
        """
        While something is stored: nobody else has the turn before the end of this.

        Raises:
            TurnLost: it was lost since it was taken, if only for a moment.
        """
        with self._lock:
            if self._is_lost or self._owned != self._wanted or not self._is_fresh():
                raise TurnLost
            yield

    def close(self) -> None:
        """Give it up, or step back."""
        member, self._member = self._member, None
        if member is not None:
            member.end()
        self._owned.clear()

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._polled_s < FRESH_S

    def _is_another_at_work(self) -> bool:
        """Whether a member has any of the input's partitions; who may not ask, joins."""
        try:
            return self._topic in topics_of_members(self._config, self._config.group + ".reader")
        except BrokerUnavailable:
            return False

    def _join(self) -> None:
        """Become a member, and see which partitions are given to it."""
        self._has_heard = self._is_lost = False
        try:
            self._member = _Member(self._config, self._topic, self)
        except KafkaException as error:
            raise BrokerUnavailable(f"the group of readers cannot be joined: {error}") from None

    def _has_all(self) -> bool:
        """Whether all of them have come; whoever has the first one waits for the others."""
        until_s = time.monotonic() + JOIN_S
        while time.monotonic() < until_s:
            with self._lock:
                if self._owned == self._wanted:
                    return True
                if self._has_heard and 0 not in self._owned:
                    return False
            time.sleep(POLL_S)
        if not self._has_heard:
            raise BrokerUnavailable(
                f"the group {self._config.group}.reader cannot be joined within {JOIN_S:g} s: look "
                "at the brokers, and at this user's right to use the group"
            )
        return False

    # Called by the member's thread.

    def polled(self) -> None:
        self._polled_s = time.monotonic()

    def given(self, partitions: list[TopicPartition]) -> None:
        with self._lock:
            self._has_heard = True
            self.polled()
            self._owned.update(part.partition for part in partitions)

    def taken_away(self, partitions: list[TopicPartition]) -> None:
        """Waits until what is being stored is stored; after that the turn is over for good."""
        with self._lock:
            self._is_lost |= self._owned == self._wanted
            self._owned.difference_update(part.partition for part in partitions)


class _Member:
    """A member of the group that takes nothing, on a thread of its own."""

    def __init__(self, config: KafkaConfig, topic: str, turn: Turn) -> None:
        self._turn = turn
        self._consumer = Consumer(
            properties.reader(config, ClientErrors("turn"))
            | {
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": int(config.session_timeout_s * 1_000),
            }
        )
        self._consumer.subscribe(
            [topic], on_assign=self._given, on_revoke=self._taken, on_lost=self._taken
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="turn", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        try:
            while not self._ended.is_set():
                self._consumer.poll(POLL_S)
                self._turn.polled()
        except KafkaException as error:
            # Nothing is polled from here on, so the turn is lost; whoever has it is told then.
            log.warning("the turn's member has failed", error=str(error))
        finally:
            self._consumer.close()

    def _given(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        self._turn.given(partitions)

    def _taken(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._turn.taken_away(partitions)
        consumer.incremental_unassign(partitions)
