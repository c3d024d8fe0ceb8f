"""One pass over the texts with the answers that were kept: the tallies of all runs, and flips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.cases.labelled import LabelledText
from consumer.commands.evaluate.cases.setting import shown_digest
from consumer.commands.evaluate.measures.comparison import (
    Comparison,
    ComparisonMeasures,
    Flip,
    direction_of,
)
from consumer.commands.evaluate.measures.tally import Origin, RunMeasures, RunTally
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.commands.evaluate.runs.judging import Judge
from consumer.commands.evaluate.runs.plan import Run
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.domain.binding import Binding
from consumer.domain.policy import Outcome

MISTAKES_MAX = 200
"""Of the texts that were judged wrong, so many are shown; memory does not grow with the file."""
STAND_IN = "stand-in"
"""In the name under which the stand-in lists itself."""


@dataclass(frozen=True, slots=True)
class MissedLabel:
    """A text that did not get its label."""

    run: str
    line: int
    id: str
    policy: str
    due: str
    given: str
    is_let_through: bool
    """Allowed, though it deserves to be flagged or blocked."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the answers say."""

    runs: tuple[RunMeasures, ...]
    comparisons: tuple[ComparisonMeasures, ...]
    mistakes: tuple[MissedLabel, ...]
    """The first of each run."""


class Measuring:
    """Looks up the answers to each text's questions and counts them."""

    def __init__(
        self,
        runs: Sequence[Run],
        judges: dict[str, Judge],
        binding: Binding,
        results: ResultsFile,
        policies: tuple[str, ...],
    ) -> None:
        self._runs = runs
        self._judges = judges
        self._results = results
        self._context = binding.context
        self._tallies = [
            RunTally(_origin(run, judges[run.model]), binding, policies) for run in runs
        ]
        self._comparisons = [
            Comparison(run.name, runs[0].name, is_rerun=run.again > 0) for run in runs[1:]
        ]
        self._mistakes: list[MissedLabel] = []
        self._let: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Measuring {self._tallies!r}>"

    def measure(self, texts: Iterator[LabelledText], price: TokenPrice | None) -> Measured:
        for text in texts:
            if text.known:
                self._add(text)
        return Measured(
            tuple(tally.measures(price) for tally in self._tallies),
            tuple(comparison.measures() for comparison in self._comparisons),
            tuple(self._mistakes),
        )

    def _add(self, text: LabelledText) -> None:
        digest = shown_digest(text, self._context)
        several = [self._answers(text, digest, run) for run in self._runs]
        for tally, answers, run in zip(self._tallies, several, self._runs, strict=True):
            tally.add(text, answers)
            for policy, answer in answers.items():
                self._note_mistake(text, run, policy, answer)
        for comparison, answers in zip(self._comparisons, several[1:], strict=True):
            for policy in several[0].keys() & answers.keys():
                self._compare(comparison, text, several[0][policy], answers[policy])

    def _answers(self, text: LabelledText, digest: str, run: Run) -> dict[str, KeptAnswer]:
        judge = self._judges[run.model]
        found = {
            policy: self._results.get(run.key(digest, policy, judge.template, judge.served))
            for policy in text.known
        }
        return {policy: answer for policy, answer in found.items() if answer is not None}

    def _note_mistake(self, text: LabelledText, run: Run, policy: str, answer: KeptAnswer) -> None:
        due = text.known[policy]
        if answer.label == due or self._let.get(run.name, 0) >= MISTAKES_MAX:
            return
        self._let[run.name] = self._let.get(run.name, 0) + 1
        is_harmful = run.alone[policy].policies[0].outcomes[due] is not Outcome.ALLOW
        given = answer.label or f"unjudged ({answer.reason})"
        is_let_through = is_harmful and answer.outcome is Outcome.ALLOW
        self._mistakes.append(
            MissedLabel(run.name, text.line, text.id, policy, due, given, is_let_through)
        )

    def _compare(
        self, comparison: Comparison, text: LabelledText, before: KeptAnswer, after: KeptAnswer
    ) -> None:
        if before.label is None or after.label is None:
            return
        assert before.outcome is not None
        assert after.outcome is not None
        direction = direction_of(before.outcome, after.outcome)
        due = text.known[before.policy]
        flip = Flip(text.line, text.id, before.policy, due, before.label, after.label, direction)
        comparison.add(flip, text.text, before.score, is_calibrated=before.is_calibrated)


def _origin(run: Run, judge: Judge) -> Origin:
    effort = run.effort.value if run.effort else "as the policies say"
    is_by_stand_in = any(STAND_IN in name for name in (judge.model, *judge.served))
    return Origin(
        run.name,
        run.version,
        run.model,
        effort,
        judge.template,
        judge.served,
        is_by_stand_in,
        run.again > 0,
    )
