"""What each rule of a policy was cited for, and what the model leans on when it errs. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import heappush, heappushpop

from consumer.commands.evaluate.cases.labelled import LabelledText, text_digest
from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.domain.policy import Outcome, Policy

CLEAREST_MAX = 5
"""Errors that are named on each side of a rule: those of which the model was most sure."""
UNCOVERED_MAX = 20
"""Answers without a rule that are named; all are counted."""
QUOTES_SHOWN_MAX = 20
"""Quotations that are named, the most frequent among errors."""
QUOTES_KEPT_MAX = 5_000
"""Kinds that are counted; a policy of some pages has fewer."""


@dataclass(frozen=True, slots=True)
class CitedError:
    """A text that did not get its label, and how sure the model was."""

    line: int
    id: str
    text_digest: str
    """By which the text is found again: a line may have moved since."""
    due: str
    given: str
    score: float | None


@dataclass(frozen=True, slots=True)
class RuleMeasures:
    """One rule."""

    rule: str
    words: str
    """What it says, as under `rules`."""
    cited: int
    right: Interval | None
    """Of the answers that cite it, how many gave the label that was due."""
    given: dict[str, int]
    """Label -> how often it was given with this rule."""
    too_harsh: int
    """Answers with it whose outcome is more severe than was due."""
    too_mild: int
    clearest_harsh: tuple[CitedError, ...]
    clearest_mild: tuple[CitedError, ...]


@dataclass(frozen=True, slots=True)
class QuotedWords:
    """Words of the policy, and how often the model repeated them."""

    words: str
    in_errors: int
    in_right: int
    """Answers that gave the label due."""


@dataclass(frozen=True, slots=True)
class CitationMeasures:
    """A policy as its author wants to see it."""

    rules: tuple[RuleMeasures, ...]
    """Each that the policy has, also where it was never cited."""
    uncovered: int
    """
    Answers that cite no rule though the label given or due does more than allow: cases that no
    rule covers, or rules that the model does not find.
    """
    uncovered_named: tuple[CitedError, ...]
    quoted: tuple[QuotedWords, ...]


class _Rule:
    def __init__(self) -> None:
        self.given: Counter[str] = Counter()
        self.right = 0
        self.harsh = _Clearest(CLEAREST_MAX)
        self.mild = _Clearest(CLEAREST_MAX)


class _Clearest:
    """The few of many of which the model was most sure; the first of those that are alike."""

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._heap: list[tuple[float, int, CitedError]] = []

    def add(self, error: CitedError) -> None:
        self.count += 1
        entry = (error.score or 0.0, -self.count, error)
        if len(self._heap) < self._limit:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)

    def named(self) -> tuple[CitedError, ...]:
        return tuple(error for _, _, error in sorted(self._heap, reverse=True))


class Citations:
    """Is shown each judged answer under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rules = {rule: _Rule() for rule in policy.rules}
        self._uncovered = _Clearest(UNCOVERED_MAX)
        self._in_errors: Counter[str] = Counter()
        self._in_right: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Citations of {self._policy.name}, {self._uncovered.count} without a rule>"

    def add(self, text: LabelledText, answer: KeptAnswer) -> None:
        """An answer that gave a label; others cite nothing."""
        due = text.known[answer.policy]
        if answer.label is None:
            return
        outcomes = self._policy.outcomes
        error = CitedError(
            text.line, text.id, text_digest(text.text), due, answer.label, answer.score
        )
        harsher = outcomes[answer.label].severity - outcomes[due].severity
        for rule in answer.rules:
            found = self._rules.get(rule)
            if found is None:
                continue
            found.given[answer.label] += 1
            found.right += answer.label == due
            if harsher > 0:
                found.harsh.add(error)
            elif harsher < 0:
                found.mild.add(error)
        matters = {outcomes[due], outcomes[answer.label]} != {Outcome.ALLOW}
        if self._rules and matters and not answer.rules:
            self._uncovered.add(error)
        counted = self._in_right if answer.label == due else self._in_errors
        for words in answer.quoted:
            if words in counted or len(counted) < QUOTES_KEPT_MAX:
                counted[words] += 1

    def measures(self) -> CitationMeasures:
        return CitationMeasures(
            tuple(
                RuleMeasures(
                    rule,
                    self._policy.rules[rule],
                    found.given.total(),
                    wilson(found.right, found.given.total()),
                    dict(found.given.most_common()),
                    found.harsh.count,
                    found.mild.count,
                    found.harsh.named(),
                    found.mild.named(),
                )
                for rule, found in self._rules.items()
            ),
            self._uncovered.count,
            self._uncovered.named(),
            tuple(
                QuotedWords(words, count, self._in_right[words])
                for words, count in self._in_errors.most_common(QUOTES_SHOWN_MAX)
            ),
        )
