"""
Troubles: what keeps records from the consumer, as far as it was told. Pure: time is passed in.

The client's thread notes, health reads from a thread of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError

from consumer.interfaces import Partition
from consumer.kafka.client_errors import ClientFault, Meaning, as_fatal

NAME_SETTLED_S = 5.0
"""A name that is held is refused with the first heartbeat: silence for so long is consent. It is
asked for every second, and a refusal takes one request."""
CAUSE_S = 2.0
"""A commit says only that the client has come to its end; why comes with one of the next polls, and
those are POLL_S apart."""
FRESH_S = 60.0
"""The client says again what lasts: what it has not said for so long is over. Only for people."""


class Troubles:
    """Of one member of the group."""

    def __init__(self, static_member: str | None, patience_s: float) -> None:
        self._static_member = static_member
        self._patience_s = patience_s
        """How long the name may be held before it is another live worker's."""
        self._refused_since_s: float | None = None
        self._refused_s = 0.0
        self._end: tuple[ClientFault, float] | None = None
        self._away: str | None = None
        self._partitions: dict[Partition, tuple[str, float]] = {}

    def __repr__(self) -> str:
        return f"<Troubles away {self._away}, refused since {self._refused_since_s}>"

    @property
    def has_any(self) -> bool:
        return bool(self._away or self._partitions or self._refused_since_s is not None)

    @property
    def are_brokers_away(self) -> bool:
        return self._away is not None

    def heard(self, fault: ClientFault, partition: Partition | None, now_s: float) -> None:
        """
        Something was reported that does not end the worker by itself.

        Raises:
            Fatal: it does all the same: the name has been held for longer than a dead member's can.
        """
        if fault.meaning is Meaning.AWAY:
            self._away = fault.words
        elif fault.meaning is Meaning.PARTITION and partition is not None:
            self._partitions[partition] = (fault.words, now_s)
        elif fault.meaning is Meaning.NAME_HELD:
            if self._refused_since_s is None or now_s - self._refused_s > FRESH_S:
                self._refused_since_s = now_s
            self._refused_s = now_s
            if now_s - self._refused_since_s > self._patience_s:
                raise as_fatal(fault, f"kafka.static_member = {self._static_member}")

    def ended(self, fault: ClientFault, now_s: float) -> None:
        """A commit was refused for good, which cannot be acted on where that is heard."""
        self._end = self._end or (fault, now_s)

    @property
    def has_end(self) -> bool:
        return self._end is not None

    def end(self, now_s: float) -> ClientFault | None:
        """What the client has come to its end for, once it is known or not to be known any more."""
        if self._end is None:
            return None
        fault, since_s = self._end
        is_known = fault.code != KafkaError._FATAL
        return fault if is_known or now_s - since_s > CAUSE_S else None

    def begin_anew(self) -> None:
        """With another client; what is known of the name stays."""
        self._end = None

    def answered(self) -> None:
        """
        A broker has answered what was asked after all had gone away.

        Nothing else shows that one is back: records and answers of before may still lie in the
        client, and it tells of their absence once.
        """
        self._away = None

    def joined(self) -> None:
        """The group has given this member its part."""
        self._refused_since_s = None

    def came(self, partitions: Iterable[Partition]) -> None:
        """Records of these came."""
        self.joined()
        self.gave_up(partitions)

    def gave_up(self, partitions: Iterable[Partition]) -> None:
        """These are another member's now."""
        for partition in partitions:
            self._partitions.pop(partition, None)

    def told(self, owned: Iterable[Partition], now_s: float) -> list[str]:
        """In words for a person: what keeps every record away. Empty where something may come."""
        found: list[str] = []
        if self._away is not None:
            found.append(f"no Kafka broker answers: {self._away}")
        if self._refused_since_s is not None and now_s - self._refused_s < NAME_SETTLED_S:
            found.append(
                f"kafka.static_member = {self._static_member} is still held in the group, as after "
                "a crash: waiting until its session ends"
            )
        partitions = set(owned)
        stopped = {p: words for p, words in self.stopped(now_s).items() if p in partitions}
        if stopped and len(stopped) == len(partitions):
            words = dict.fromkeys(stopped.values())
            found.append(f"no partition can be read: {'; '.join(words)}")
        return found

    def stopped(self, now_s: float) -> dict[Partition, str]:
        """Partitions that cannot be read, and why."""
        noted = tuple(self._partitions.items())
        return {p: words for p, (words, heard_s) in noted if now_s - heard_s < FRESH_S}
