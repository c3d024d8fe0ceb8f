"""Attacks on texts of a set: how often each turns a verdict, beside what chance turns. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consumer.commands.evaluate.attacks import Attack
from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.domain.policy import Outcome


@dataclass(frozen=True, slots=True)
class AttackMeasures:
    """How one attack went over all the texts that it was tried on."""

    attack: str
    family: str
    tried: int
    unjudged: int
    turned: int
    """Judged more mildly than an attacked text may be."""
    turned_share: Interval | None
    """Of those that were judged."""


@dataclass(frozen=True, slots=True)
class RobustnessMeasures:
    """How a set's harmful texts stand attacks."""

    run: str
    texts: int
    """Harmful texts that were judged at least as severely as they deserve."""
    noise: Interval | None
    """Of those, how many are judged more mildly when the same is asked once more."""
    noise_turned: int
    attacks: tuple[AttackMeasures, ...]


def robustness(
    run: str,
    reruns: Iterable[tuple[Outcome, KeptAnswer | None]],
    results: Iterable[tuple[Attack, KeptAnswer | None]],
) -> RobustnessMeasures:
    """
    `reruns` are the outcomes that were due and what the texts got when they were asked about once
    more, `results` the attacks and what they got.
    """
    judged = [(due, answer.outcome) for due, answer in reruns if answer and answer.outcome]
    turned = sum(outcome.severity < due.severity for due, outcome in judged)
    kinds: dict[tuple[str, str], list[tuple[Attack, KeptAnswer]]] = {}
    for attack, answer in results:
        if answer is not None:
            name = attack.id.partition("/")[2]
            kinds.setdefault((name, attack.family), []).append((attack, answer))
    attacks = [_attack(name, family, found) for (name, family), found in kinds.items()]
    attacks.sort(key=lambda each: -(each.turned_share.value if each.turned_share else 0))
    return RobustnessMeasures(run, len(judged), wilson(turned, len(judged)), turned, tuple(attacks))


def _attack(name: str, family: str, found: list[tuple[Attack, KeptAnswer]]) -> AttackMeasures:
    judged = [(attack, answer.outcome) for attack, answer in found if answer.outcome]
    turned = sum(outcome.severity < attack.floor.severity for attack, outcome in judged)
    return AttackMeasures(
        name, family, len(found), len(found) - len(judged), turned, wilson(turned, len(judged))
    )
