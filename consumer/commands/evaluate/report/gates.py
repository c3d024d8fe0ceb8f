"""Bounds that an evaluation must keep, from its command line and `topic.toml`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.commands.evaluate.measures.confusion import HarmMeasures, LabelMeasures
from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.domain.binding import GateTerms
from consumer.domain.policy import PolicyVersion
from consumer.errors import InvalidSettings

OUTCOME = "outcome"
"""Whole texts, where a bound names neither policy nor label."""


@dataclass(frozen=True, slots=True)
class QualityGate:
    """One bound."""

    measure: str
    """`recall`, `precision`, `f1` or `false_positive_rate`."""
    of: str
    """A policy, a label, `POLICY.LABEL`, or `outcome`."""
    bound: float
    is_least: bool
    """Whether the figure must be at least the bound, else at most."""

    def __str__(self) -> str:
        return f"{self.measure} of {self.of} {'>=' if self.is_least else '<='} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a run kept a bound. What cannot be measured keeps none."""

    run: str
    gate: str
    figure: Interval | None
    is_kept: bool


_MEASURES = {
    "min_recall": "recall",
    "min_precision": "precision",
    "min_f1": "f1",
    "max_fpr": "false_positive_rate",
}


def gates_of(options: Mapping[str, Sequence[str]]) -> tuple[QualityGate, ...]:
    """
    The bounds of the command line, as in `{"min_recall": ["HH2=0.9"]}`.

    Raises:
        InvalidSettings: a bound that is no number from 0 to 1.
    """
    gates = []
    for option, words in options.items():
        for word in (part.strip() for each in words for part in each.split(",")):
            of, _, number = word.rpartition("=")
            try:
                bound = float(number)
            except ValueError:
                bound = -1.0
            if not 0 <= bound <= 1:
                flag = f"--{option.replace('_', '-')}"
                raise InvalidSettings(f"{flag} {word}: write a number from 0 to 1, or NAME=NUMBER")
            gates.append(_gate(option, of or OUTCOME, bound))
    return tuple(gates)


def gates_in(terms: GateTerms) -> tuple[QualityGate, ...]:
    """The bounds of a `topic.toml`."""
    return tuple(
        _gate(option, of, bound)
        for option in _MEASURES
        for of, bound in getattr(terms, option).items()
    )


def _gate(option: str, of: str, bound: float) -> QualityGate:
    return QualityGate(_MEASURES[option], of, bound, is_least=option.startswith("min_"))


def check_names(gates: Sequence[QualityGate], version: PolicyVersion) -> None:
    """
    Raises:
        InvalidSettings: a bound names what the version does not have, or what has no such figure.
    """
    names = {policy.name: policy.labels for policy in version.policies}
    for gate in gates:
        if gate.of == OUTCOME or gate.of in names:
            continue
        holders = [
            name
            for name, labels in names.items()
            if gate.of in labels or gate.of in [f"{name}.{label}" for label in labels]
        ]
        if len(holders) != 1:
            what = "several policies have that label" if holders else "no policy or label"
            raise InvalidSettings(
                f"{gate.of} in a bound: {what}; write POLICY, LABEL or POLICY.LABEL"
            )
        if gate.measure == "false_positive_rate":
            raise InvalidSettings(f"--max-fpr {gate.of}: it is of a policy or of whole texts")


def hold(gates: Sequence[QualityGate], runs: Sequence[RunMeasures]) -> tuple[GateResult, ...]:
    """Every bound against every run, but for one that repeats another."""
    return tuple(_result(gate, run) for run in runs if not run.is_rerun for gate in gates)


def _result(gate: QualityGate, run: RunMeasures) -> GateResult:
    measures = _measures(gate, run)
    figure: Interval | None = getattr(measures, gate.measure, None)
    is_kept = figure is not None and (
        figure.value >= gate.bound if gate.is_least else figure.value <= gate.bound
    )
    return GateResult(run.run, str(gate), figure, is_kept)


def _measures(gate: QualityGate, run: RunMeasures) -> HarmMeasures | LabelMeasures | None:
    """What the bound is about; None where the cases have nothing of it."""
    if gate.of == OUTCOME:
        return run.outcome
    for policy in run.policies:
        if policy.policy == gate.of:
            return policy.harm
        for label in policy.labels:
            if gate.of in (label.label, f"{policy.policy}.{label.label}"):
                return label
    return None
