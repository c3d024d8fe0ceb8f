"""Ruling: what a reviewer says about a message, held against the policies that judged it."""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.domain.review import ReviewTerms
from consumer.errors import ConsumerError

REASON_CHARS_MAX = 2_000
"""Of a reason: it is read by an author or an authority, and is no place for a file."""


class ActRefused(ConsumerError):
    """What a reviewer wanted cannot be done. Look at the case again: `safeguard review show`."""


class Ruling(NamedTuple):
    """An outcome, or the label that it follows from, and a reason."""

    outcome: Outcome | None
    label: str | None
    """`POLICY.LABEL`."""
    rule: str | None
    reason: str


class Settled(NamedTuple):
    """A ruling that holds: it has an outcome, and what it names exists."""

    outcome: Outcome
    label: str | None
    rule: str | None
    reason: str


def settle(ruling: Ruling, version: PolicyVersion | None) -> Settled:
    """
    A ruling under the version that judged the message; None where that is not there any more.

    Raises:
        ActRefused: it decides nothing, contradicts itself, or names what the version has not.
    """
    reason = ruling.reason.strip()
    if not reason:
        raise ActRefused("a decision needs a reason: give --reason")
    if len(reason) > REASON_CHARS_MAX:
        raise ActRefused(f"the reason has {len(reason):,} characters: {REASON_CHARS_MAX:,} at most")
    if version is None and (ruling.label or ruling.rule):
        raise ActRefused(
            "the version that judged this message is not among the policies: bring its folder "
            "back, or give --outcome and --reason alone"
        )
    policies = version.policies if version is not None else ()
    policy = _policy_of(ruling.label, policies)
    if ruling.rule is not None:
        among = [policy] if policy is not None else list(policies)
        rules = sorted({name for each in among for name in each.rules})
        if ruling.rule not in rules:
            raise ActRefused(f"there is no rule {ruling.rule}: there are {', '.join(rules)}")
    outcome = _outcome(ruling, policy)
    if outcome is Outcome.BLOCK and version is not None and not (ruling.label or ruling.rule):
        raise ActRefused("a block needs the label or the rule that it rests on: give --label")
    return Settled(outcome, ruling.label, ruling.rule, reason)


def _policy_of(label: str | None, policies: tuple[Policy, ...]) -> Policy | None:
    if label is None:
        return None
    known = {f"{policy.name}.{name}": policy for policy in policies for name in policy.labels}
    if label not in known:
        raise ActRefused(f"there is no label {label}: there are {', '.join(sorted(known))}")
    return known[label]


def _outcome(ruling: Ruling, policy: Policy | None) -> Outcome:
    """What was said, else what the label means."""
    means = None
    if policy is not None:
        means = policy.outcomes[str(ruling.label).removeprefix(policy.name + ".")]
    if ruling.outcome is Outcome.FLAG:
        raise ActRefused("a decision is allow or block: flagged it is already")
    if ruling.outcome is None:
        if means is None:
            raise ActRefused("a decision needs --outcome allow or block, or a --label")
        if means is Outcome.FLAG:
            raise ActRefused(f"{ruling.label} asks for a person: say --outcome allow or block too")
        return means
    if means is not None and means is not Outcome.FLAG and means is not ruling.outcome:
        raise ActRefused(f"{ruling.label} means {means}, not {ruling.outcome}: give one of the two")
    return ruling.outcome


def needs_approval(settled: Settled, terms: ReviewTerms, reach: int) -> bool:
    """Whether a second person must agree before it counts."""
    return (
        settled.outcome in terms.approve_outcomes
        or settled.label in terms.approve_labels
        or 0 < terms.approve_reach <= reach
    )
