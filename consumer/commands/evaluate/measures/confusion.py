"""Which label was due and which was given, counted; and what follows from the counts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.commands.evaluate.measures.interval import (
    Interval,
    bootstrap,
    f1_interval,
    wilson,
)


@dataclass(frozen=True, slots=True)
class LabelMeasures:
    """How well one label is given. A text that was not judged counts as missed."""

    label: str
    due: int
    given: int
    right: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


@dataclass(frozen=True, slots=True)
class HarmMeasures:
    """
    How well harmful texts, those to be flagged or blocked, are told from the others.

    A text that was not judged counts as not found.
    """

    found: int
    false_alarms: int
    missed: int
    passed: int
    """Harmless ones that were not taken for harmful."""
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    false_positive_rate: Interval | None
    accuracy: Interval | None


@dataclass
class Harm:
    """Counts of harmful and harmless texts; what is added stays."""

    found: int = 0
    false_alarms: int = 0
    missed: int = 0
    passed: int = 0

    def add(self, *, is_harmful: bool, is_taken_for_harmful: bool) -> None:
        if is_harmful:
            self.found += is_taken_for_harmful
            self.missed += not is_taken_for_harmful
        else:
            self.false_alarms += is_taken_for_harmful
            self.passed += not is_taken_for_harmful

    @property
    def total(self) -> int:
        return self.found + self.false_alarms + self.missed + self.passed

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.found, self.false_alarms, self.missed, self.passed

    def measures(self) -> HarmMeasures:
        found, alarms, missed, passed = self.counts
        return HarmMeasures(
            *self.counts,
            precision=wilson(found, found + alarms),
            recall=wilson(found, found + missed),
            f1=f1_interval(found, alarms, missed),
            false_positive_rate=wilson(alarms, alarms + passed),
            accuracy=wilson(found + passed, self.total),
        )


class Confusion:
    """The labels that were due and given under one policy; None is given where none was."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.cells: Counter[tuple[str, str | None]] = Counter()

    def __repr__(self) -> str:
        return f"<Confusion of {self.total} answers, {self.right} right>"

    def add(self, due: str, given: str | None) -> None:
        self.cells[due, given] += 1

    @property
    def total(self) -> int:
        return sum(self.cells.values())

    @property
    def right(self) -> int:
        return sum(count for (due, given), count in self.cells.items() if due == given)

    @property
    def unjudged(self) -> int:
        return sum(count for (_, given), count in self.cells.items() if given is None)

    @property
    def accuracy(self) -> Interval | None:
        return wilson(self.right, self.total)

    @property
    def macro_f1(self) -> Interval | None:
        """The mean over the labels that were due or given."""
        places = list(self.cells)
        counts = [self.cells[place] for place in places]
        return bootstrap(counts, lambda drawn: _macro_f1(places, drawn))

    @property
    def kappa(self) -> Interval | None:
        """Cohen's: agreement beyond what chance would give."""
        places = list(self.cells)
        counts = [self.cells[place] for place in places]
        return bootstrap(counts, lambda drawn: _kappa(places, drawn))

    def of_labels(self) -> tuple[LabelMeasures, ...]:
        return tuple(self._of_label(label) for label in self.labels)

    def _of_label(self, label: str) -> LabelMeasures:
        right = self.cells[label, label]
        due = sum(count for (each, _), count in self.cells.items() if each == label)
        given = sum(count for (_, each), count in self.cells.items() if each == label)
        return LabelMeasures(
            label,
            due,
            given,
            right,
            wilson(right, given),
            wilson(right, due),
            f1_interval(right, given - right, due - right),
        )


def macro_f1_of(harms: Mapping[str, Harm]) -> Interval | None:
    """The mean over policies of how well each tells harmful texts from others."""
    counts = [count for harm in harms.values() for count in harm.counts]
    return bootstrap(counts, _macro_f1_of_harms)


def micro_of(harms: Mapping[str, Harm]) -> Harm:
    """All policies' questions as if they were one's."""
    sums = zip(*(harm.counts for harm in harms.values()), strict=True)
    return Harm(*(sum(each) for each in sums))


def _macro_f1_of_harms(counts: Sequence[int]) -> float | None:
    fours = [counts[at : at + 4] for at in range(0, len(counts), 4)]
    f1s = [
        2 * found / (2 * found + alarms + missed)
        for found, alarms, missed, _ in fours
        if found + alarms + missed
    ]
    return sum(f1s) / len(f1s) if f1s else None


def _macro_f1(places: Sequence[tuple[str, str | None]], counts: Sequence[int]) -> float | None:
    right: Counter[str] = Counter()
    due: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for (wanted, got), count in zip(places, counts, strict=True):
        due[wanted] += count
        if got is not None:
            given[got] += count
        if wanted == got:
            right[wanted] += count
    labels = {label for label in (*due, *given) if due[label] + given[label]}
    if not labels:
        return None
    return sum(2 * right[each] / (due[each] + given[each]) for each in labels) / len(labels)


def _kappa(places: Sequence[tuple[str, str | None]], counts: Sequence[int]) -> float | None:
    due: Counter[str | None] = Counter()
    given: Counter[str | None] = Counter()
    total = agreed = 0
    for (wanted, got), count in zip(places, counts, strict=True):
        due[wanted] += count
        given[got] += count
        total += count
        agreed += count if wanted == got else 0
    if not total:
        return None
    chance = sum(due[each] * given[each] for each in due) / total**2
    return None if chance == 1 else (agreed / total - chance) / (1 - chance)
