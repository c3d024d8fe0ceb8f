"""The simulated topic of notes, and the two doors through which a process reaches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, Protocol

from consumer.errors import BrokerUnavailable
from tests.simulation.scheduler import Scheduler

LOST_ANSWERS = 0.05
"""Share of batches that are stored, and whoever wrote them is told otherwise."""


class Brokers(Protocol):
    """Whether this process reaches any now."""

    def has_brokers(self) -> bool: ...


class StoredNote(NamedTuple):
    """A note on the topic."""

    value: bytes
    stored_s: float


class NoteTopic:
    """One partition, kept for ever."""

    def __init__(self, scheduler: Scheduler, dice: Random) -> None:
        self._scheduler = scheduler
        self._dice = dice
        self.notes: list[StoredNote] = []
        self.is_there = True

    def append(self, value: bytes) -> None:
        self.notes.append(StoredNote(value, self._scheduler.now_s))

    def is_answer_lost(self) -> bool:
        return self._dice.random() < LOST_ANSWERS


class SimNoteStore:
    """Stores notes, or does not, or nobody knows."""

    def __init__(self, topic: NoteTopic, network: Brokers) -> None:
        self._topic, self._network = topic, network

    def write(self, values: Sequence[bytes]) -> list[str | None]:
        if not self._network.has_brokers() or not self._topic.is_there:
            return ["out"] * len(values)
        for value in values:
            self._topic.append(value)
        return ["no answer" if self._topic.is_answer_lost() else None] * len(values)

    def close(self) -> None:
        """Nothing is open."""


class SimNoteLog:
    """Reads all notes from the beginning on."""

    def __init__(
        self, topic: NoteTopic, network: Brokers, take: Callable[[bytes | None], None]
    ) -> None:
        self._topic, self._network, self._take = topic, network, take
        self.at = 0
        """How many notes were taken."""

    def read(self) -> bool:
        if not self._network.has_brokers():
            raise BrokerUnavailable("out")
        if not self._topic.is_there:
            self.at = 0
            return False
        for note in self._topic.notes[self.at :]:
            self._take(note.value)
        self.at = len(self._topic.notes)
        return True

    def close(self) -> None:
        """Nothing is open."""
