"""
Suspicion: whether the end of this worker would count against the records of its partition. Pure.

An owner that dies casts suspicion on them only where the commit says that they were at risk: in the
hands of a model that is well. Its death in an outage, or idle, says nothing of them. After several
such deaths records are begun alone, each noted in a commit before, and the one that ends its worker
too often is quarantined.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.pipeline.assignment.recovery import Recovered

ATTEMPTS_MAX = 2
"""
A record begun alone so often, each time with the end of its worker, is quarantined.

Once may be chance; each time more costs a worker. `pipeline.careful_after` comes before.
"""


class Note(NamedTuple):
    """What a commit says of it."""

    starts: int
    """How many owners in a row ended unreleased while a model that was well judged here."""
    attempted: int
    """The offset of the record that was begun alone, or -1."""
    attempts: int


class Suspicion:
    """What the next owner is to think of the records, should this one die."""

    def __init__(self, recovered: Recovered, start: int) -> None:
        self._left = recovered
        self._start = start
        self.is_first = not recovered.starts and not recovered.careful_until
        """Whether no owner before is suspected to have died of a record here."""
        self.careful_until = recovered.careful_until
        """Each record before this offset has to be begun alone."""
        self._is_at_risk = self.is_first
        """
        Whether records are in the hands of a model that is well.

        A first owner says so beforehand; after others have died the first record waits for that.
        """
        self._mark = (recovered.attempted, recovered.attempts)
        """A record begun alone, and how often it was."""
        self._is_marking = False
        self._asked: Note | None = None
        """What the commit under way says."""
        self._noted_mark: tuple[int, int] | None = None
        """The mark that the last accepted commit of this assignment holds, once it has made one."""
        self._is_start_noted = not recovered.starts

    def __repr__(self) -> str:
        risk = "at risk" if self._is_at_risk else "not at risk"
        return f"<Suspicion {risk}, after {self._left.starts} starts, mark {self._mark}>"

    def may_grow(self, committable: int) -> bool:
        """Whether the death of this worker could still count against a record."""
        return committable == self._start or committable < self.careful_until

    def put_at_risk(self, is_at_risk: bool) -> bool:
        """The next commit says so. Returns whether that is new."""
        is_new = is_at_risk != self._is_at_risk
        self._is_at_risk = is_at_risk
        return is_new

    def is_start_noted(self, committable: int) -> bool:
        """Whether the next owner would know that the model was given a record of this partition."""
        return self._is_start_noted or not self.may_grow(committable)

    def is_noting_start(self, committable: int) -> bool:
        """Whether a record waits for that note."""
        return self._is_at_risk and not self.is_start_noted(committable)

    def is_poison(self, offset: int) -> bool:
        """Whether this record, alone, has ended its worker too often."""
        return offset == self._left.attempted and self._left.attempts >= ATTEMPTS_MAX

    def mark(self, offset: int) -> None:
        """The next commit notes that this record is begun alone."""
        left = self._left
        self._mark = (offset, (left.attempts if offset == left.attempted else 0) + 1)
        self._is_marking = True
        self._is_at_risk = True

    def is_marked(self, offset: int) -> bool:
        """Whether the next owner would know that this record was begun alone."""
        return self._is_marking and self._mark[0] == offset and self._noted_mark == self._mark

    # Commits.

    def ask(self) -> None:
        """A commit is sent that says what is thought now."""
        self._asked = self._now

    def accepted(self) -> None:
        """The commit that was asked for last holds."""
        asked = self._asked
        assert asked is not None
        self._noted_mark = (asked.attempted, asked.attempts)
        self._is_start_noted |= asked.starts > self._left.starts

    def to_note(self, committable: int, *, is_released: bool) -> Note:
        """What a commit of that offset says; who releases has died of nothing."""
        now = self._now
        if is_released:
            return Note(0, now.attempted, 0)
        return now if committable == self._start else now._replace(starts=0)

    @property
    def _now(self) -> Note:
        left = self._left
        mark = self._mark if self._is_at_risk else (left.attempted, left.attempts)
        return Note(left.starts + self._is_at_risk, *mark)

    def still_careful_until(self, committable: int) -> int:
        """Up to which offset the next owner has to be careful; 0 where that is past."""
        return self.careful_until if self.careful_until > committable else 0
