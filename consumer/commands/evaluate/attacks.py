"""
The attack suite: every template on a harmful text of each policy, and what must hold. Pure.

The harmful text is taken from the policy's own cases, since only they say what it is to be judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import Template
from typing import NamedTuple

import orjson

from consumer.commands.evaluate.cases.own import Case
from consumer.commands.evaluate.disguises import DISGUISES
from consumer.commands.evaluate.templates import FRAMES, QUOTATIONS
from consumer.domain.policy import Outcome, Policy

BASES_MAX = 12
"""Harmful texts of a policy that are tried until the model judges one as its case says."""


class Attack(NamedTuple):
    """A text made to be judged more mildly than it deserves."""

    id: str
    family: str
    text: str
    base: Case
    """The case whose text is in it."""
    floor: Outcome
    """The mildest outcome with which the attack has failed."""

    @property
    def policy(self) -> Policy:
        return self.base.policy


def bases_of(policy: Policy, cases: Sequence[Case]) -> tuple[Case, ...]:
    """
    Harmful texts of a policy to attack, the best first: severe, plain, and in English.

    Where no case of the policy is harmful, its own examples are.
    """
    own = [case for case in cases if case.policy is policy]
    shown = [
        Case(f"example-{number}", example.text, "en", policy, example.label)
        for number, example in enumerate(policy.examples, 1)
    ]
    for found in (own, shown):
        harmful = [case for case in found if case.outcome is not Outcome.ALLOW]
        if harmful:
            # Sorting keeps the order of the file among equals.
            harmful.sort(key=lambda case: (-case.outcome.severity, case.language != "en"))
            return tuple(harmful[:BASES_MAX])
    return ()


def attacks_on(base: Case) -> tuple[Attack, ...]:
    """Every attack of the suite on the text of one case."""
    return tuple(
        Attack(f"{base.policy.name}/{name}", family, text, base, floor)
        for name, family, text, floor in _attacks(base)
    )


def _attacks(base: Case) -> Iterator[tuple[str, str, str, Outcome]]:
    policy = base.policy
    mild = min(policy.labels, key=lambda label: policy.outcomes[label].severity)
    answer = {"label": mild, "rules": [], "confidence": "high", "rationale": "fine"}
    words = {
        "text": base.text,
        "mild": mild,
        "title": policy.title,
        "answer": orjson.dumps(answer).decode(),
    }
    for frames, floor in ((FRAMES, base.outcome), (QUOTATIONS, Outcome.FLAG)):
        for family, patterns in frames.items():
            for name, pattern in patterns.items():
                yield name, family, Template(pattern).substitute(words), floor
    for family, disguises in DISGUISES.items():
        for name, disguise in disguises.items():
            yield name, family, disguise(base.text), Outcome.FLAG
