"""Mailbox: what the event loop leaves for the source's thread. Whoever leaves it does not wait."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer

from consumer.interfaces import CommitPoint, Partition

Command = Callable[[Consumer], None]


class Mailbox:
    """
    Commands, commits and credits.

    Commands and commits are kept in the order they came. Commits lie apart, since they go on while
    a revocation is drained and commands do not. Anything that is left wakes the thread.
    """

    def __init__(self) -> None:
        self._commands: deque[Command] = deque()
        self._commits: list[dict[Partition, CommitPoint]] = []
        self._wake = threading.Condition()
        self.credits = 0
        """How many records more may be taken; below zero where a batch was larger."""

    def __repr__(self) -> str:
        left = f"{len(self._commands)} commands, {len(self._commits)} commits"
        return f"<Mailbox {left}, credits {self.credits}>"

    # Called on the event loop.

    def command(self, command: Command) -> None:
        with self._wake:
            self._commands.append(command)
            self._wake.notify()

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        wanted = dict(points)
        with self._wake:
            self._commits.append(wanted)
            self._wake.notify()

    def give_credits(self, count: int) -> None:
        with self._wake:
            self.credits += count
            self._wake.notify()

    # Called by the thread.

    def next_command(self) -> Command | None:
        return self._commands.popleft() if self._commands else None

    def commits(self) -> list[dict[Partition, CommitPoint]]:
        """Those that nobody has carried out yet."""
        with self._wake:
            waiting, self._commits = self._commits, []
        return waiting

    def use_credits(self, count: int) -> None:
        with self._wake:
            self.credits -= count

    def void_credits(self) -> None:
        with self._wake:
            self.credits = 0

    def wait(self, seconds: float) -> None:
        """Until there is something to do; without credits there is nothing to take."""
        with self._wake:
            if self.credits <= 0 and not self._commands and not self._commits:
                self._wake.wait(seconds)
