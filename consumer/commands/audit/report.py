"""The report of an audit: how many of what, and where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from consumer.domain.counted import counted

EXAMPLES_MAX = 10
"""Positions named for each kind of fault."""


class Range(NamedTuple):
    """Which offsets of one input partition were read; the end is the first one that was not."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """
    What became of the records of one input, under one group.

    `messages` = `verdicts` + `dead_letters` + `passed_over` + `waiting` + `missing`, where a record
    with a verdict and a dead letter is in both, and among the contradicting.
    """

    topic: str
    group: str
    partitions: tuple[tuple[Range, int], ...]
    """What was read of each partition of the input, and how many records it held."""
    messages: int
    """Records of the input in those ranges."""
    verdicts: int
    """Records that have a first verdict."""
    dead_letters: int
    """Records that have a dead letter."""
    passed_over: int
    """Tombstones without either, where the binding passes them over."""
    waiting: int
    """Records with neither that the group has not finished by its last commit."""
    missing: int
    """Records with neither, and no reason to have none."""
    duplicated_same_verdict: int
    """Verdicts and dead letters beyond the first of a position, all the same, at one topic."""
    contradicting: int
    """Positions with two outcomes, two destinations, or a verdict and a dead letter."""
    superseded: int
    """Verdicts that replace an earlier one."""
    out_of_order: int
    """Records that came out before one of their key and partition that precedes them."""
    earlier: int
    """Verdicts and dead letters on records of an earlier topic of this name, which is no more."""
    foreign: int
    """Records on the outputs of another group or another input."""
    unknown: int
    """Own verdicts and dead letters of positions that were not read, or that name none."""
    examples: Mapping[str, tuple[str, ...]]
    """Kind of fault -> up to ten positions."""
    looked_at: str = ""
    """When the input's ends were taken, as RFC 3339: what came later is in no count."""

    @property
    def title(self) -> str:
        """What was looked at, and when."""
        partitions = counted(len(self.partitions), "partition")
        when = f", as of {self.looked_at}" if self.looked_at else ""
        return f"{self.topic}, group {self.group}, {partitions}{when}"

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing, contradicting, stored twice or out of order."""
        return not any(getattr(self, fault) for fault in FAULTS)

    @property
    def counts(self) -> dict[str, int]:
        """Every count by its name."""
        return {name: getattr(self, name) for name in COUNTS}

    @property
    def fields(self) -> dict[str, Any]:
        """The report as one JSON object."""
        ranges = [
            {"partition": read.partition, "start": read.start, "end": read.end, "messages": held}
            for read, held in self.partitions
        ]
        return {
            "topic": self.topic,
            "group": self.group,
            "partitions": ranges,
            **self.counts,
            "examples": {kind: list(found) for kind, found in self.examples.items()},
            "looked_at": self.looked_at,
        }

    def lines(self) -> Iterator[str]:
        """The report as plain lines."""
        yield self.title
        for name, count in self.counts.items():
            yield f"{name:<24} {count}"
        for kind, found in self.examples.items():
            for position in found:
                yield f"  {kind}: {position}"


COUNTS = tuple(each.name for each in fields(AuditReport) if each.type == "int")
"""In the order of telling."""

FAULTS = ("missing", "duplicated_same_verdict", "contradicting", "out_of_order")
"""The counts that must be 0."""
