"""
Fit: thresholds from golden cases, and what the cases that were kept back show of them. Pure.

A case is about one policy, and every policy is asked about it. Half of the cases choose, by policy
and outcome, the other half only certifies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.screening.decision.artefact import Survival
from consumer.screening.decision.nearness import is_settled, nearness
from consumer.screening.decision.statements import Found
from consumer.screening.prefilter.head import Counts, RecallShown
from consumer.screening.prefilter.recall import (
    Positive,
    recall_low,
    recall_of,
    recall_to_aim_at,
    threshold_for,
)


class AskedCase(NamedTuple):
    """A golden case, and what the endpoint says of its text."""

    text: str
    policy: str
    is_positive: bool
    """Its outcome is not allow."""
    found: Found
    """By policy, in the version's order."""
    otherwise: Mapping[str, Found] = {}
    """The same, asked for in other ways."""


class Halves(NamedTuple):
    """Cases that choose, and cases that certify."""

    fitting: list[AskedCase]
    certifying: list[AskedCase]


class Demand(NamedTuple):
    """What the thresholds must show."""

    recall: float
    alpha: float
    near_share: float


class FittedThresholds(NamedTuple):
    """Thresholds, and what they rest on."""

    thresholds: dict[str, float]
    near_from: float
    fitted: Counts
    certified: Counts
    shown: RecallShown
    survival: Survival


def halved(cases: Sequence[AskedCase]) -> Halves:
    """By the text's digest within each policy and outcome: the same halves every time."""
    ordered = sorted(cases, key=lambda each: (each.policy, each.is_positive, _digest(each.text)))
    return Halves(ordered[::2], ordered[1::2])


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


def fit(cases: Sequence[AskedCase], policies: Sequence[str], demand: Demand) -> FittedThresholds:
    """
    Choose thresholds, and certify them.

    Raises:
        InvalidSettings: a policy has no case that is not allowed, or none that is above what
            harmless texts have, so that nothing could ever be settled.
    """
    fitting, certifying = halved(cases)
    positives = sum(case.is_positive for case in certifying)
    aim = recall_to_aim_at(positives, demand.recall, demand.alpha)
    thresholds = {
        name: _threshold(name, at, [case for case in fitting if case.policy == name], aim)
        for at, name in enumerate(policies)
    }
    bars = [thresholds[name] for name in policies]
    near = [nearness(case.found, bars) for case in fitting]
    settled = sorted(share for share in near if share is not None and share < 1.0)
    return FittedThresholds(
        thresholds,
        _upper(settled, demand.near_share),
        _counts(fitting),
        _counts(certifying),
        shown_by(certifying, bars, demand.alpha),
        survival_of(cases, bars),
    )


def _threshold(name: str, at: int, cases: Sequence[AskedCase], aim: float) -> float:
    """Halfway between what must reach the model and the harmless text next below it."""
    # What the endpoint does not answer reaches the model whatever the threshold is.
    known = [(case.found[at], case.is_positive) for case in cases]
    scores = [score for score, _ in known if score is not None]
    labels = [is_positive for score, is_positive in known if score is not None]
    if not any(labels):
        raise InvalidSettings(f"{name} has no answered golden case that is not allowed: add some")
    highest = threshold_for(scores, labels, [1.0] * len(scores), aim)
    below = [
        score
        for score, is_positive in zip(scores, labels, strict=True)
        if not is_positive and score < highest
    ]
    if not below:
        raise InvalidSettings(
            f"{name}: no allowed golden case is less likely than {highest:.2f}, which those that "
            "are not allowed have: this model cannot tell them apart, so ask more plainly by "
            "`question` in the policy's front matter, or ask another model"
        )
    return (highest + max(below)) / 2


def shown_by(cases: Sequence[AskedCase], bars: Sequence[float], alpha: float) -> RecallShown:
    """What cases show of thresholds, in the order of the policies."""
    settled = [is_settled(case.found, bars) for case in cases]
    positives = [
        Positive(is_missed)
        for case, is_missed in zip(cases, settled, strict=True)
        if case.is_positive
    ]
    return RecallShown(
        positives=len(positives),
        missed=sum(each.is_missed for each in positives),
        recall=recall_of(positives),
        low=recall_low(positives, alpha),
        settled=sum(settled) / len(settled) if settled else 0.0,
    )


def survival_of(cases: Sequence[AskedCase], bars: Sequence[float]) -> Survival:
    """How many texts are settled in one way of asking and not in another."""
    flips: dict[str, int] = {}
    for case in cases:
        plain = is_settled(case.found, bars)
        for name, found in case.otherwise.items():
            flips[name] = flips.get(name, 0) + (is_settled(found, bars) is not plain)
    return Survival(texts=len(cases), flips=flips)


def _upper(settled: Sequence[float], share: float) -> float:
    """
    From where on at most this share of what is settled lies; 1 where that is nothing.

    Probabilities are rounded, so many texts have the very same one.
    """
    kept = int(len(settled) * (1.0 - share))
    if kept >= len(settled):
        return 1.0
    below = settled[max(0, kept - 1)]
    return next((each for each in settled[kept:] if each > below), 1.0)


def _counts(cases: Sequence[AskedCase]) -> Counts:
    positives = sum(case.is_positive for case in cases)
    return Counts(positives=positives, negatives=len(cases) - positives)
