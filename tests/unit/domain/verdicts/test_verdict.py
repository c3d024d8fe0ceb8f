"""What follows from several judgements."""

from __future__ import annotations

import operator
from itertools import permutations

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.verdicts.certainty import Certainty
from consumer.domain.verdicts.verdict import Tokens, confidence_of, most_severe
from tests.builders import a_judgement


def test_an_outcome_is_as_sure_as_its_least_sure_judgement() -> None:
    """Whichever order they came in; those of other outcomes and without a score do not count."""
    judgements = [
        a_judgement("HH2", certainty=Certainty(0.9, False, ())),
        a_judgement("HH2", certainty=Certainty(0.4, True, ())),
        a_judgement("HH2", certainty=Certainty(0.6, False, ())),
        a_judgement("HH2", certainty=None),
        a_judgement("HH0", certainty=Certainty(0.1, False, ())),
    ]
    for order in permutations(judgements):
        assert confidence_of(Outcome.BLOCK, order) == Certainty(0.4, True, ())
        assert confidence_of(Outcome.ALLOW, order) == Certainty(0.1, False, ())
        assert confidence_of(Outcome.FLAG, order) is None
    assert confidence_of(Outcome.BLOCK, [a_judgement("HH2")]) is None


def test_the_most_severe_of_outcomes() -> None:
    """Whichever order they came in."""
    for order in permutations(Outcome):
        assert most_severe(order) is Outcome.BLOCK
    assert most_severe([Outcome.FLAG, Outcome.ALLOW]) is Outcome.FLAG
    assert most_severe([Outcome.ALLOW]) is Outcome.ALLOW


def test_tokens_are_added_to_tokens_alone() -> None:
    """A plain number says nothing of which kind they were."""
    assert Tokens(1, 2, 3, 4) + Tokens(10, 20, 30, 40) == Tokens(11, 22, 33, 44)
    with pytest.raises(TypeError):
        operator.add(Tokens(), 1)
