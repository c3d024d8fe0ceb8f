"""Which answers get a second look, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from consumer.domain.policy import Look, Outcome
from consumer.domain.verdicts.certainty import Certainty, SecondLook, Sign
from consumer.domain.verdicts.verdict import Judgement, most_severe
from consumer.inference.pacing.quantiles import Quantiles

AT_RANDOM_EVERY = 10
"""
Every tenth look goes to whatever comes next, however sure it seems.

Looks at doubtful answers alone could never show that the sure ones are not.
"""
FIRST_WEIGHT = 2.0
"""How many looks the first one's score counts for, when the looks of one text are added up."""


class LookBudget:
    """
    At most a share of one policy's answers is looked at twice, and the least sure of them.

    Never more than `share` times the answers seen so far, whatever their scores; nothing depends on
    the time. What calm answers leave over is kept for later, but every answer is unsure enough once
    1 + log2(1 / share) looks are saved: that is the largest burst, 11 for one answer in a thousand.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._doubts = Quantiles(0.001, 1.0)
        self.looks = 0

    def __repr__(self) -> str:
        answers = self._doubts.seen
        return f"<LookBudget {self.looks} of {answers} answers, {self._saved:.2f} saved>"

    @property
    def _saved(self) -> float:
        return self._share * self._doubts.seen - self.looks

    def wants(self, score: float) -> bool:
        """Whether this answer, the next of the policy, gets a second look. Each is asked once."""
        doubt = 1 - score
        surer = self._doubts.place(doubt)
        saved = self._saved
        if saved < 1:
            return False
        is_at_random = self.looks % AT_RANDOM_EVERY == AT_RANDOM_EVERY - 1
        # Each look that is saved up doubles the part that is unsure enough: where doubts are much
        # alike, none would else be among the least sure, and the share stay unused for ever.
        unsure = self._share * 2 ** (saved - 1)
        if not is_at_random and surer < 1 - unsure:
            return False
        self.looks += 1
        return True


def combined(first: Judgement, others: Sequence[Judgement], how: Look) -> Judgement:
    """
    The judgement of several looks at one text: that of the most severe, the first among equals.

    Where the labels differ the outcome is flag or more severe. The score is the share of looks with
    the label that stands, the first look counting `FIRST_WEIGHT` times and as far as it was sure.
    """
    labels = (first.label, *(other.label for other in others))
    agreed = len(set(labels)) == 1
    chosen = max((first, *others), key=lambda look: look.outcome.severity)
    outcome = chosen.outcome
    if not agreed and outcome is Outcome.ALLOW:
        outcome = Outcome.FLAG
    certainty = _certainty(first)
    own = certainty.score if chosen.label == first.label else 1 - certainty.score
    votes = FIRST_WEIGHT * own + labels[1:].count(chosen.label)
    return chosen._replace(
        outcome=outcome,
        tokens=sum((other.tokens for other in others), first.tokens),
        certainty=certainty._replace(
            score=votes / (FIRST_WEIGHT + len(others)),
            rests_on=(*certainty.rests_on, Sign.SECOND_LOOK),
        ),
        second_look=SecondLook(how, agreed, labels),
    )


def without_look(first: Judgement) -> Judgement:
    """The first judgement stands: no time was left for a second look, or no answer came."""
    certainty = _certainty(first)
    signs = (*certainty.rests_on, Sign.SECOND_LOOK_MISSING)
    return first._replace(certainty=certainty._replace(rests_on=signs))


def refused_once(first: Judgement) -> Judgement:
    """
    A look at the text was refused: as after any refusal, the outcome is never milder than flag.

    Whatever the other looks say: who refuses has seen something.
    """
    certainty = _certainty(first)
    signs = (*certainty.rests_on, Sign.REFUSAL_BEFORE)
    return first._replace(
        outcome=most_severe((first.outcome, Outcome.FLAG)),
        certainty=certainty._replace(rests_on=signs),
    )


def _certainty(first: Judgement) -> Certainty:
    assert first.certainty is not None
    return first.certainty
