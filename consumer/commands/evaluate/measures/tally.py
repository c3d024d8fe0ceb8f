"""One run's answers, counted as they are read: by policy, label, outcome, language and group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.cases.labelled import LabelledText
from consumer.commands.evaluate.measures.calibration import CalibrationMeasures, ScoreBins
from consumer.commands.evaluate.measures.citations import CitationMeasures, Citations
from consumer.commands.evaluate.measures.confusion import (
    Confusion,
    Harm,
    HarmMeasures,
    LabelMeasures,
    macro_f1_of,
    micro_of,
)
from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.commands.evaluate.measures.spending import Spending, SpendingMeasures
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.domain.binding import Binding
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.verdicts.decision import decide, gravest
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Judgement

SLICES_MAX = 40
"""Languages or groups that are counted apart; what comes after them is counted together."""
REST = "(others)"
FAULTS_MAX = 100
"""Kinds of faults counted apart; what a server says of itself has no end of words."""


@dataclass(frozen=True, slots=True)
class PolicyMeasures:
    """How one policy was judged."""

    policy: str
    questions: int
    unjudged: int
    accuracy: Interval | None
    macro_f1: Interval | None
    kappa: Interval | None
    harm: HarmMeasures
    labels: tuple[LabelMeasures, ...]
    confusion: dict[str, dict[str, int]]
    """Label due -> label given, or `unjudged` -> how often."""
    citations: CitationMeasures


@dataclass(frozen=True, slots=True)
class SliceMeasures:
    """A part of the texts: a language or a group."""

    kind: str
    name: str
    texts: int
    harm: HarmMeasures


@dataclass(frozen=True, slots=True)
class RunMeasures:
    """Everything that was counted of one run."""

    run: str
    policy_version: str
    policy_digest: str
    model: str
    effort: str
    template: str
    served: tuple[str, ...]
    is_by_stand_in: bool
    is_rerun: bool
    """Whether it is another run once more, to see what changes by chance."""
    texts: int
    """Texts all questions of which were asked."""
    questions: int
    unanswered: int
    """Questions that were not asked, since the run was stopped."""
    unjudged: dict[str, int]
    """By reason."""
    faults: dict[str, int]
    """Calls that gave no judgement, by fault and the label that the model gave all the same."""
    accuracy: Interval | None
    """Of all questions, how many got their label."""
    macro_f1: Interval | None
    """Of harmful against harmless: the mean over the policies."""
    micro: HarmMeasures
    """The same over all policies' questions together."""
    outcome: HarmMeasures
    """Of whole texts: what the outcome rule makes of all judgements, unjudged ones too."""
    exact_match: Interval | None
    """Of the texts with labels under several policies, how many got all of them right."""
    policies: tuple[PolicyMeasures, ...]
    slices: tuple[SliceMeasures, ...]
    calibration: CalibrationMeasures | None
    spending: SpendingMeasures


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Who judged in a run, for the report."""

    run: str
    version: PolicyVersion
    model: str
    effort: str
    template: str
    served: tuple[str, ...]
    is_by_stand_in: bool
    is_rerun: bool


class RunTally:
    """Is shown each text with its answers; what it keeps does not grow with them."""

    def __init__(self, origin: Origin, binding: Binding, policies: tuple[str, ...]) -> None:
        """`policies` are those that the file has labels of, by which a text is harmless."""
        self._origin = origin
        self._binding = binding
        self._outcomes = {each.name: each.outcomes for each in origin.version.policies}
        self._confusions = {name: Confusion(list(self._outcomes[name])) for name in policies}
        self._harms = {name: Harm() for name in policies}
        documents = {each.name: each for each in origin.version.policies}
        self._citations = {name: Citations(documents[name]) for name in policies}
        self._outcome = Harm()
        self._slices: dict[tuple[str, str], Harm] = {}
        self._texts = self._several = self._exact = self._unanswered = 0
        self._unjudged: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._calibration = ScoreBins()
        self._spending = Spending()

    def __repr__(self) -> str:
        return f"<RunTally {self._origin.run} of {self._texts} texts>"

    def add(self, text: LabelledText, answers: Mapping[str, KeptAnswer]) -> None:
        """A text and the answers to its questions, as far as there are any."""
        known = text.known
        self._unanswered += len(known) - len(answers)
        for policy, answer in answers.items():
            self._add_answer(known[policy], answer)
            self._citations[policy].add(text, answer)
        if len(answers) < len(known):
            return
        self._texts += 1
        if len(known) > 1:
            self._several += 1
            self._exact += all(answers[policy].label == label for policy, label in known.items())
        is_harmful = self.is_harmful(text)
        if is_harmful is not None:
            self._add_outcome(text, is_harmful, self._outcome_of(answers) is not Outcome.ALLOW)

    def is_harmful(self, text: LabelledText) -> bool | None:
        """
        Whether a text deserves to be flagged or blocked under any policy.

        None where that is not known: some label is missing, and no other says that it does.
        """
        known = text.known
        if any(
            self._outcomes[policy][label] is not Outcome.ALLOW for policy, label in known.items()
        ):
            return True
        return False if len(known) == len(text.labels) else None

    def _add_answer(self, due: str, answer: KeptAnswer) -> None:
        outcomes = self._outcomes[answer.policy]
        self._confusions[answer.policy].add(due, answer.label)
        self._harms[answer.policy].add(
            is_harmful=outcomes[due] is not Outcome.ALLOW,
            is_taken_for_harmful=answer.outcome not in (None, Outcome.ALLOW),
        )
        if answer.reason is not None:
            self._unjudged[answer.reason.value] += 1
        for fault, label in answer.faults:
            name = f"{fault}, label {label}" if label else fault
            if name in self._faults or len(self._faults) < FAULTS_MAX:
                self._faults[name] += 1
        if answer.score is not None:
            self._calibration.add(
                answer.score, is_right=answer.label == due, is_calibrated=answer.is_calibrated
            )
        self._spending.add(answer.ms, answer.calls, answer.tokens)

    def _outcome_of(self, answers: Mapping[str, KeptAnswer]) -> Outcome:
        """By the rule that workers use."""
        judgements = tuple(
            Judgement(policy, answer.label, answer.outcome)
            for policy, answer in answers.items()
            if answer.label is not None and answer.outcome is not None
        )
        reasons = [each.reason for each in answers.values() if each.reason is not None]
        return decide(Judged(judgements, gravest(reasons)), self._binding).outcome

    def _add_outcome(self, text: LabelledText, is_harmful: bool, is_taken: bool) -> None:
        self._outcome.add(is_harmful=is_harmful, is_taken_for_harmful=is_taken)
        for kind, name in (("language", text.language), ("group", text.group)):
            if not name:
                continue
            place = (kind, name)
            of_kind = sum(each == kind for each, _ in self._slices)
            if place not in self._slices and of_kind >= SLICES_MAX:
                place = (kind, REST)
            harm = self._slices.setdefault(place, Harm())
            harm.add(is_harmful=is_harmful, is_taken_for_harmful=is_taken)

    def measures(self, price: TokenPrice | None) -> RunMeasures:
        origin = self._origin
        questions = sum(confusion.total for confusion in self._confusions.values())
        right = sum(confusion.right for confusion in self._confusions.values())
        return RunMeasures(
            origin.run,
            origin.version.id,
            origin.version.digest,
            origin.model,
            origin.effort,
            origin.template,
            origin.served,
            origin.is_by_stand_in,
            origin.is_rerun,
            self._texts,
            questions,
            self._unanswered,
            dict(self._unjudged.most_common()),
            dict(self._faults.most_common()),
            wilson(right, questions),
            macro_f1_of(self._harms),
            micro_of(self._harms).measures(),
            self._outcome.measures(),
            wilson(self._exact, self._several),
            tuple(self._policy(name) for name in self._confusions),
            tuple(
                SliceMeasures(kind, name, harm.total, harm.measures())
                for (kind, name), harm in sorted(self._slices.items())
            ),
            self._calibration.measures(),
            self._spending.measures(self._texts, price),
        )

    def _policy(self, name: str) -> PolicyMeasures:
        confusion = self._confusions[name]
        cells: dict[str, dict[str, int]] = {}
        for (due, given), count in sorted(confusion.cells.items(), key=str):
            cells.setdefault(due, {})[given or "unjudged"] = count
        return PolicyMeasures(
            name,
            confusion.total,
            confusion.unjudged,
            confusion.accuracy,
            confusion.macro_f1,
            confusion.kappa,
            self._harms[name].measures(),
            confusion.of_labels(),
            cells,
            self._citations[name].measures(),
        )
