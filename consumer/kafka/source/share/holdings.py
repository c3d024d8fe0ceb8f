"""Holdings: the partitions that this member owns, told apart from what it owned before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from consumer.interfaces import Partition


class Holdings:
    """
    Partition -> number of its assignment.

    Numbers count the assignments of each partition to this process, so what comes back for one that
    has ended is never taken for the present one's. Only the thread changes them.
    """

    def __init__(self) -> None:
        self._owned: dict[Partition, int] = {}
        self._counts: dict[Partition, int] = {}

    def __repr__(self) -> str:
        return f"<Holdings of {len(self)} partitions>"

    def __len__(self) -> int:
        return len(self._owned)

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._owned

    @property
    def partitions(self) -> tuple[Partition, ...]:
        return tuple(self._owned)

    def take(self, partition: Partition) -> int:
        """It was given to us; returns the number of this assignment."""
        number = self._counts[partition] = self._counts.get(partition, 0) + 1
        self._owned[partition] = number
        return number

    def number_of(self, partition: Partition) -> int | None:
        """None where it is not ours."""
        return self._owned.get(partition)

    def among(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Those of them that are ours, with their numbers."""
        return {p: self._owned[p] for p in partitions if p in self._owned}

    def still(self, assignments: Mapping[Partition, int]) -> list[Partition]:
        """Those of these assignments that have not ended."""
        return [p for p, number in assignments.items() if self._owned.get(p) == number]

    def forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._owned.pop(partition, None)
