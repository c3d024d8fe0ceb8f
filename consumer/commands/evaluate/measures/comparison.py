"""Two runs over the same texts: what changed, which way, and whether chance does as much. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from consumer.commands.evaluate.measures.calibration import CalibrationMeasures, ScoreBins
from consumer.commands.evaluate.measures.interval import Interval, mcnemar, wilson
from consumer.domain.messages.likeness import Likeness
from consumer.domain.policy import Outcome

FLIPS_NAMED_MAX = 200
"""Flips that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A text whose label changed."""

    line: int
    id: str
    policy: str
    due: str
    before: str
    after: str
    direction: str
    """`harsher`, `milder` or `same outcome`."""
    alike: int = 0
    """Flips of texts with much the same wording have one number."""


@dataclass(frozen=True, slots=True)
class ComparisonMeasures:
    """How a run differs from the first one."""

    run: str
    against: str
    compared: int
    """Questions that both judged."""
    flips: int
    flipped: Interval | None
    harsher: int
    milder: int
    same_outcome: int
    became_right: int
    became_wrong: int
    mcnemar_p: float
    """How likely so uneven a change is by chance."""
    by_policy: dict[str, int]
    by_change: dict[str, int]
    """Flips by what became of what, as in `hate: 0 -> 1`."""
    calibration: CalibrationMeasures | None
    """
    The first run's scores against what asking again gave, which is what they promise; None where
    the runs are not the same.
    """
    named: tuple[Flip, ...]
    """The first of them."""


class Comparison:
    """Counts of what two runs answered to the same questions."""

    def __init__(self, run: str, against: str, *, is_rerun: bool = False) -> None:
        self.run = run
        self._scores = ScoreBins() if is_rerun else None
        self.against = against
        self._compared = 0
        self._directions: Counter[str] = Counter()
        self._right = 0
        self._wrong = 0
        self._policies: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self._named: list[Flip] = []
        self._likeness = Likeness()

    def __repr__(self) -> str:
        return f"<Comparison of {self.run} with {self.against}: {self._compared} questions>"

    def add(self, flip: Flip, text: str, score: float | None, *, is_calibrated: bool) -> None:
        """
        Both answers to one question; `flip` holds them though they may be the same. `score` is how
        sure the first was.
        """
        self._compared += 1
        before, after = flip.before, flip.after
        if self._scores is not None and score is not None:
            self._scores.add(score, is_right=before == after, is_calibrated=is_calibrated)
        if before == after:
            return
        self._directions[flip.direction] += 1
        self._right += after == flip.due
        self._wrong += before == flip.due
        self._policies[flip.policy] += 1
        self._changes[f"{flip.policy}: {before} -> {after}"] += 1
        if len(self._named) < FLIPS_NAMED_MAX:
            self._named.append(replace(flip, alike=self._likeness.group_of(text)))

    def measures(self) -> ComparisonMeasures:
        flips = sum(self._directions.values())
        return ComparisonMeasures(
            self.run,
            self.against,
            self._compared,
            flips,
            wilson(flips, self._compared),
            self._directions["harsher"],
            self._directions["milder"],
            self._directions["same outcome"],
            self._right,
            self._wrong,
            mcnemar(self._right, self._wrong),
            dict(self._policies.most_common()),
            dict(self._changes.most_common(50)),
            self._scores.measures() if self._scores is not None else None,
            tuple(self._named),
        )


def direction_of(before: Outcome, after: Outcome) -> str:
    """Which way a change goes."""
    if after.severity > before.severity:
        return "harsher"
    return "milder" if after.severity < before.severity else "same outcome"
