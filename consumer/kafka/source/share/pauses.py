"""
Pauses: which partitions the client may fetch.

Three can hold up a partition: the listener; outputs that lack it; and that nobody wants records at
all. It flows where none of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.interfaces import Partition
from consumer.kafka.source.share.holdings import Holdings

log = structlog.get_logger()

STARVED_S = 0.5
"""Without credits for so long, all is paused: a pause costs what has been fetched already. Shorter
than any time-out of the group, and longer than credits are away for in normal work."""
WAKE_S = 1.0
"""How long a broker is given to answer a question that only serves to wake the client: so long the
client's thread would sleep by itself."""


class Pauses:
    """Holds and resumes partitions; only what is owned is touched."""

    def __init__(self, holdings: Holdings, co_partitions: Callable[[str], int]) -> None:
        self._holdings = holdings
        self._co_partitions = co_partitions
        """How many partitions all outputs of an input have."""
        self._held: set[Partition] = set()
        """Because the listener wants it."""
        self.stranded: set[Partition] = set()
        """Because some output lacks the partition: until the outputs have grown."""
        self.is_starved = False
        """Because nobody has given credits for a while: holds up all of them."""
        self._starving_since_s: float | None = None
        self._flowing: set[Partition] = set()
        """Resumed, so that the client fetches them."""

    def __repr__(self) -> str:
        starved = ", starved" if self.is_starved else ""
        return f"<Pauses held {len(self._held)}, stranded {len(self.stranded)}{starved}>"

    def begin(self, consumer: Consumer, partitions: Sequence[Partition]) -> None:
        """They were assigned: paused until the listener has found out what was done before."""
        self._held.update(partitions)
        consumer.pause([TopicPartition(*p) for p in partitions])
        lacking = [p for p in partitions if p.number >= self._co_partitions(p.topic)]
        if lacking:
            self.stranded.update(lacking)
            log.error(
                "outputs lack these partitions: paused; `safeguard topics apply` makes them",
                partitions=[str(partition) for partition in lacking],
            )

    def hold(self, consumer: Consumer, assignments: Mapping[Partition, int]) -> None:
        """The listener wants nothing of them for now."""
        owned = self._holdings.still(assignments)
        self._held.update(owned)
        self._flowing.difference_update(owned)
        consumer.pause([TopicPartition(*p) for p in owned])

    def release(self, consumer: Consumer, assignments: Mapping[Partition, int]) -> None:
        """
        The listener wants records of them again.

        Of what was assigned anew since it said so it does not know yet what was done before.
        """
        owned = self._holdings.still(assignments)
        self._held.difference_update(owned)
        if not self.is_starved:
            self._let_flow(consumer, owned)

    def look_again(self, consumer: Consumer) -> None:
        """The outputs may have grown: resume what has somewhere to go now."""
        back = [p for p in self.stranded if p.number < self._co_partitions(p.topic)]
        self.stranded.difference_update(back)
        if not self.is_starved:
            self._let_flow(consumer, back)

    def starve(self, consumer: Consumer, now_s: float) -> bool:
        """There are no credits: returns whether that has lasted, and all is paused for it now."""
        if self._starving_since_s is None:
            self._starving_since_s = now_s
        elif now_s - self._starving_since_s > STARVED_S:
            self.is_starved = True
            self._flowing.clear()
            consumer.pause([TopicPartition(*p) for p in self._holdings.partitions])
        return self.is_starved

    def feed(self, consumer: Consumer) -> None:
        """There are credits: what nothing else holds goes on."""
        self._starving_since_s = None
        if self.is_starved:
            self.is_starved = False
            self._let_flow(consumer, self._holdings.partitions)

    def forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._held.discard(partition)
            self._flowing.discard(partition)
            self.stranded.discard(partition)

    def _let_flow(self, consumer: Consumer, partitions: Iterable[Partition]) -> None:
        """
        Resume what nothing else holds.

        Where nothing flowed before, the client's thread for the broker sleeps for up to a second
        before it notices (measured); a question to the broker wakes it.
        """
        freed = [p for p in partitions if p not in self._held and p not in self.stranded]
        is_asleep = not self._holdings.among(self._flowing)
        self._flowing.update(freed)
        consumer.resume([TopicPartition(*p) for p in freed])
        if freed and is_asleep:
            try:
                consumer.get_watermark_offsets(TopicPartition(*freed[0]), timeout=WAKE_S)
            except KafkaException as error:
                log.debug("waking the client", error=str(error))
