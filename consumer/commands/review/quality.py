"""
Quality: how often people agree with the model and with each other, and what certainty is worth.

People who look again know what was decided before, so they agree more than if they did not; the
figures say so by what they are called. One look of a person is one sample: of a batch one case.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from consumer.commands.evaluate.measures.confusion import Confusion
from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.domain.policy import Outcome
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import DecisionFact, VerdictFact
from consumer.review.store.second_looks import BlindLook

CERTAINTIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""From each of these on a flag could be taken for a block without a person."""
MUCH = 2
"""So many times as much is no percentage any more: on the first day nearly nothing is decided."""
OUTCOMES = (Outcome.ALLOW, Outcome.BLOCK)
DAY_MS, MINUTE_MS = 86_400_000, 60_000


class Threshold(NamedTuple):
    """What would be if flags that the model is at least so sure of did not go to people."""

    certainty: float
    queued: int
    """Flags that people would still get."""
    decided: int
    """Of the others, so many were decided by people."""
    confirmed: int
    """And these were blocked by them."""

    @property
    def share(self) -> Interval | None:
        return wilson(self.confirmed, self.decided)


class Agreement:
    """What people said of things they were shown, of one rule or by one person."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.dismissed = 0
        self.again = Confusion([str(outcome) for outcome in OUTCOMES])
        """What was decided when somebody else looked again, and what had been decided before."""

    @property
    def precision(self) -> Interval | None:
        """Of what was flagged, the share that people blocked."""
        return wilson(self.confirmed, self.confirmed + self.dismissed)

    @property
    def overturned(self) -> Interval | None:
        """Of the decisions that somebody else looked at again, the share that was changed."""
        return wilson(self.again.total - self.again.right, self.again.total)

    def fields(self) -> dict[str, Any]:
        return {
            "confirmed": self.confirmed,
            "dismissed": self.dismissed,
            "precision": _range(self.precision),
            "looked_at_again": self.again.total,
            "overturned": _range(self.overturned),
            "kappa": _range(self.again.kappa),
        }


class Quality:
    """Counts decisions and flags; what is added stays."""

    def __init__(self) -> None:
        self.all = Agreement()
        self.rules: defaultdict[str, Agreement] = defaultdict(Agreement)
        """By what the model cited: `POLICY.RULE`, or `POLICY.LABEL` where it cited none."""
        self.reviewers: defaultdict[str, Agreement] = defaultdict(Agreement)
        """By whoever decided."""
        self._number = 0
        self._samples: set[tuple[str, str]] = set()
        self._decided: dict[tuple[str, str | None], str] = {}
        self._flags: list[tuple[tuple[str, str | None], float | None]] = []

    def add(self, case: ReviewCase, decision: DecisionFact) -> None:
        """Count a decision."""
        self._number += 1
        self._decided[case.id, decision.position] = decision.outcome
        here = [each for each in case.decisions if each.position == decision.position]
        rules = _cited(case, decision.position)
        if decision.id == here[-1].id:
            self._count_look(decision, rules)
        if decision.id != here[0].id:
            before = here[here.index(decision) - 1]
            if before.by != decision.by and self._is_new(f"again {before.batch}", decision):
                for looks in (self.all, self.reviewers[before.by], *self._of(rules)):
                    looks.again.add(decision.outcome, before.outcome)

    def add_flag(self, case_id: str, verdict: VerdictFact) -> None:
        """Count a message that was sent to people."""
        self._flags.append(((case_id, verdict.position), verdict.certainty))

    def _count_look(self, decision: DecisionFact, rules: frozenset[str]) -> None:
        if not rules or not self._is_new(" ".join(sorted(rules)), decision):
            return
        for looks in (self.all, self.reviewers[decision.by], *self._of(rules)):
            if decision.outcome == Outcome.BLOCK:
                looks.confirmed += 1
            else:
                looks.dismissed += 1

    def _is_new(self, about: str, decision: DecisionFact) -> bool:
        """Whether this is the first of its batch that tells something about that."""
        sample = (decision.batch or decision.id, about)
        is_new = sample not in self._samples
        self._samples.add(sample)
        return is_new

    def _of(self, rules: frozenset[str]) -> list[Agreement]:
        return [self.rules[rule] for rule in sorted(rules)]

    def thresholds(self) -> list[Threshold]:
        """What each certainty would be worth, from flags that have one."""
        if not any(certainty is not None for _, certainty in self._flags):
            return []
        found = []
        for least in CERTAINTIES:
            spared = [about for about, sure in self._flags if sure is not None and sure >= least]
            decided = [self._decided[about] for about in spared if about in self._decided]
            confirmed = sum(outcome == Outcome.BLOCK for outcome in decided)
            queued = len(self._flags) - len(spared)
            found.append(Threshold(least, queued, len(decided), confirmed))
        return found

    def fields(self, days: float) -> dict[str, Any]:
        """
        All of it, and per day what would go to people, also as a share of what people decided in
        this time: above 1 the queue grows.
        """
        return {
            "all": self.all.fields(),
            "rules": {name: looks.fields() for name, looks in sorted(self.rules.items())},
            "reviewers": {name: looks.fields() for name, looks in sorted(self.reviewers.items())},
            "flags_a_day": len(self._flags) / days,
            "decisions_a_day": self._number / days,
            "thresholds": [
                {
                    "certainty": each.certainty,
                    "flags_a_day": each.queued / days,
                    "of_capacity": each.queued / self._number if self._number else None,
                    "decided": each.decided,
                    "confirmed": _range(each.share),
                }
                for each in self.thresholds()
            ],
        }


def second_look_fields(looks: Sequence[BlindLook]) -> dict[str, Any]:
    """By whoever decided how others agreed; by whoever was asked how golden ones were answered."""
    again: defaultdict[str, Confusion] = defaultdict(
        lambda: Confusion([str(outcome) for outcome in OUTCOMES])
    )
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for look in looks:
        if look.is_golden:
            asked[look.person] += 1
            right[look.person] += look.said == look.decided
        else:
            again[look.decided_by].add(look.said, look.decided)
    return {
        name: {
            "looked_at": again[name].total,
            "agreed": _range(wilson(again[name].right, again[name].total)),
            "kappa": _range(again[name].kappa),
            "golden_asked": asked[name],
            "golden_right": right[name],
        }
        for name in sorted({*again, *asked})
    }


def second_look_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The same for a person."""
    for name, each in fields.items():
        words = []
        if each["looked_at"]:
            number = f"{each['looked_at']:,} looked at without knowing them"
            words.append(f"{number}, agreed{_in_brackets(each['agreed'])}")
        if each["kappa"] is not None:
            words.append(f"kappa {each['kappa'][0]:.2f}")
        if each["golden_asked"]:
            words.append(f"golden {each['golden_right']:,} of {each['golden_asked']:,} right")
        yield f"second looks {name}: {'; '.join(words)}"


def _of_capacity(share: float) -> str:
    return f"{share:.0%} of" if share < MUCH else f"{share:,.0f} times"


def quality_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The same for a person."""
    for kind in ("rules", "reviewers"):
        for name, looks in fields[kind].items():
            seen = looks["confirmed"] + looks["dismissed"]
            words = [
                f"{looks['confirmed']:,} of {seen:,} confirmed{_in_brackets(looks['precision'])}"
            ]
            if looks["looked_at_again"]:
                number = f"{looks['looked_at_again']:,} looked at again"
                words.append(f"{number}, overturned{_in_brackets(looks['overturned'])}")
            if looks["kappa"] is not None:
                words.append(f"kappa {looks['kappa'][0]:.2f}")
            yield f"{kind[:-1]} {name}: {'; '.join(words)}"
    a_day = f"{fields['flags_a_day']:,.1f} flags and {fields['decisions_a_day']:,.1f} decisions"
    yield f"{a_day} a day"
    for each in fields["thresholds"]:
        known = "none decided"
        if each["decided"]:
            known = f"{each['decided']:,} decided, confirmed{_in_brackets(each['confirmed'])}"
        share = each["of_capacity"]
        held = "" if share is None else f" ({_of_capacity(share)} what people decide)"
        yield (
            f"  {each['flags_a_day']:,.1f} a day{held} without those the model is "
            f"{each['certainty']:.0%} sure of: of these {known}"
        )


def _cited(case: ReviewCase, position: str | None) -> frozenset[str]:
    """What the model rested its flag on."""
    found = set()
    for verdict in case.verdicts:
        if verdict.position != position:
            continue
        for each in verdict.envelope.get("judgements", []):
            if each.get("outcome") != Outcome.ALLOW:
                names = each.get("rules") or [each.get("label")]
                found |= {f"{each.get('policy')}.{name}" for name in names}
    return frozenset(found)


def _range(found: Interval | None) -> list[float] | None:
    """Value, low, high."""
    return None if found is None else [found.value, found.low, found.high]


def _in_brackets(found: list[float] | None) -> str:
    return "" if found is None else f" {found[0]:.0%} ({found[1]:.0%} to {found[2]:.0%})"
