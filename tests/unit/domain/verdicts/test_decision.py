"""The one rule: whatever was judged and whatever was not, what becomes of the message."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest

from consumer.domain.binding import Binding, BudgetTerms
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.decision import decide, gravest
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason
from tests.builders import a_binding, a_judgement

ALLOW, FLAG, BLOCK = Outcome.ALLOW, Outcome.FLAG, Outcome.BLOCK
LABELS = {ALLOW: "HH0", FLAG: "HH1", BLOCK: "HH2"}
REFUSED = UnjudgedReason.REFUSED


def judged(reason: UnjudgedReason | None, *outcomes: Outcome) -> Judged:
    return Judged(tuple(a_judgement(LABELS[outcome]) for outcome in outcomes), reason)


@pytest.mark.parametrize(
    ("reason", "outcomes", "on_unjudged", "expected"),
    [
        (None, [ALLOW], FLAG, (ALLOW, Cause.MODEL, None)),
        (None, [ALLOW, BLOCK, FLAG], ALLOW, (BLOCK, Cause.MODEL, None)),
        (None, [ALLOW, FLAG], BLOCK, (FLAG, Cause.MODEL, None)),
        (UnjudgedReason.DEADLINE, [], ALLOW, (ALLOW, Cause.UNJUDGED, UnjudgedReason.DEADLINE)),
        (UnjudgedReason.DEADLINE, [FLAG], ALLOW, (FLAG, Cause.UNJUDGED, UnjudgedReason.DEADLINE)),
        (UnjudgedReason.DEADLINE, [ALLOW], BLOCK, (BLOCK, Cause.UNJUDGED, UnjudgedReason.DEADLINE)),
        (UnjudgedReason.DEADLINE, [BLOCK], ALLOW, (BLOCK, Cause.MODEL, None)),
        (REFUSED, [], ALLOW, (FLAG, Cause.UNJUDGED, REFUSED)),
        (REFUSED, [ALLOW], ALLOW, (FLAG, Cause.UNJUDGED, REFUSED)),
        (REFUSED, [], BLOCK, (BLOCK, Cause.UNJUDGED, REFUSED)),
        (None, [], ALLOW, (FLAG, Cause.UNJUDGED, UnjudgedReason.MODEL_FAULT)),
    ],
)
def test_the_rule(
    reason: UnjudgedReason | None,
    outcomes: list[Outcome],
    on_unjudged: Outcome,
    expected: tuple[Outcome, Cause, UnjudgedReason | None],
) -> None:
    """The most severe wins; what is missing weighs as the topic says, a refusal at least flag."""
    assert decide(judged(reason, *outcomes), a_binding(on_unjudged=on_unjudged)) == expected


@pytest.mark.parametrize("outcome", Outcome)
def test_what_was_settled_without_a_judgement_stays(outcome: Outcome) -> None:
    """Whatever the topic says of what is unjudged: here it is known who decided."""
    found = Judged((), cause=Cause.SKIPPED, settled=outcome)
    assert decide(found, a_binding(on_unjudged=BLOCK)) == (outcome, Cause.SKIPPED, None)


def test_judgements_from_elsewhere_keep_their_cause() -> None:
    found = judged(None, ALLOW, FLAG)._replace(cause=Cause.REPLAY)
    assert decide(found, a_binding()) == (FLAG, Cause.REPLAY, None)


def every_case() -> list[tuple[Judged, Binding]]:
    reasons = [None, *UnjudgedReason]
    sets = [few for count in range(3) for few in product(Outcome, repeat=count)]
    budgets = [
        None,
        BudgetTerms(1),
        BudgetTerms(1, on_budget="flag"),
        BudgetTerms(1, on_budget="allow"),
    ]
    return [
        (judged(reason, *outcomes), a_binding(on_unjudged=on_unjudged, budget=budget))
        for reason, outcomes, on_unjudged, budget in product(reasons, sets, Outcome, budgets)
    ]


def test_nothing_is_ever_milder_than_what_the_model_said() -> None:
    """Over every combination: no judgement is outweighed, and no refusal or silence is an allow."""
    for found, binding in every_case():
        outcome, cause, reason = decide(found, binding)
        said = [judgement.outcome for judgement in found.judgements]
        assert all(outcome.severity >= one.severity for one in said)
        if cause is Cause.MODEL:
            assert outcome in said
            assert reason is None
        else:
            assert cause is Cause.UNJUDGED
            assert reason is not None
        if outcome is ALLOW:
            assert found.unjudged is not REFUSED
            assert said or found.unjudged is not None


@pytest.mark.parametrize(("word", "expected"), [("flag", FLAG), ("allow", ALLOW), ("wait", BLOCK)])
def test_a_budget_has_a_word_of_its_own(
    word: Literal["flag", "allow", "wait"], expected: Outcome
) -> None:
    """What the budget did not allow to be judged weighs as `on_budget` says, where it says so."""
    terms = BudgetTerms(1, None, word)
    binding = a_binding(on_unjudged=BLOCK, budget=terms)
    assert decide(judged(UnjudgedReason.BUDGET), binding).outcome is expected


def test_a_refusal_is_not_hidden_by_another_reason() -> None:
    """Of several reasons the refusal is named, whichever came first; else the first."""
    deadline, outage = UnjudgedReason.DEADLINE, UnjudgedReason.OUTAGE
    assert gravest([deadline, REFUSED]) is gravest([REFUSED, deadline]) is REFUSED
    assert gravest([deadline, outage]) is deadline
    assert gravest([]) is None
