"""
The one rule from judgements to an outcome. Pure.

What a worker publishes, what `classify` and `evaluate` say a message would get, and what `rejudge`
replaces are decided here and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason, most_severe


class Decision(NamedTuple):
    """What becomes of a message, and who or what decided."""

    outcome: Outcome
    cause: Cause
    reason: UnjudgedReason | None = None
    """Why it could not be judged; None where it was."""


def decide(judged: Judged, binding: Binding) -> Decision:
    """
    The most severe outcome wins, and what could not be judged weighs as the topic says. What was
    settled without a judgement stays as it was settled.

    A block that the model did give stands whatever else is missing: nothing can outweigh it. A
    refusal to classify is a sign of danger and never milder than flag, nor is silence: where there
    is neither a judgement nor a reason for it, nobody has said that the message may pass.
    """
    if judged.settled is not None:
        return Decision(judged.settled, judged.cause)
    outcomes = [judgement.outcome for judgement in judged.judgements]
    reason = judged.unjudged
    if outcomes and (reason is None or Outcome.BLOCK in outcomes):
        return Decision(most_severe(outcomes), judged.cause)
    outcomes.append(weight_of(reason, binding))
    return Decision(most_severe(outcomes), Cause.UNJUDGED, reason or UnjudgedReason.MODEL_FAULT)


def weight_of(reason: UnjudgedReason | None, binding: Binding) -> Outcome:
    """The outcome that a message gets for want of a judgement, for that reason, on its own."""
    if reason is UnjudgedReason.BUDGET and binding.budget is not None:
        spent = binding.budget.on_budget
        return binding.on_unjudged if spent == "wait" else Outcome(spent)
    if reason is UnjudgedReason.REFUSED or reason is None:
        return most_severe((binding.on_unjudged, Outcome.FLAG))
    return binding.on_unjudged


def gravest(reasons: list[UnjudgedReason]) -> UnjudgedReason | None:
    """
    The reason to name where there are several: a refusal before any other, else the first.

    A refusal weighs more than the topic says, so another reason must not hide it.
    """
    if UnjudgedReason.REFUSED in reasons:
        return UnjudgedReason.REFUSED
    return reasons[0] if reasons else None
