"""Doubt in one answer: begun with measured numbers, moved by signs, bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.classifier.confidence.certainty import doubt_of, reasoning_length, signs_of
from consumer.classifier.parser import Reading, Repair
from consumer.domain.verdicts.certainty import Sign
from consumer.domain.verdicts.verdict import Judgement, Tokens
from tests.builders import a_judgement, a_policy

POLICY = a_policy()
DISAGREEING = 114 / 1_328
"""Of pairs of answers to one text in the public logs."""


def an_answer(repair: Repair = Repair.NONE, **changes: Any) -> Reading:
    return Reading(a_judgement()._replace(**changes), repair)


def signs(reading: Reading, text: str = "some text", *, has_refused: bool = False) -> set[Sign]:
    return set(signs_of(reading, POLICY, text, has_refused))


def mean_doubt(low: float, high: float) -> float:
    """Over answers whose place among others by length lies between two shares."""
    places = [low + (high - low) * (step + 0.5) / 1_000 for step in range(1_000)]
    return sum(doubt_of(place, ()) for place in places) / len(places)


def test_the_table_has_the_averages_of_the_logs() -> None:
    """46 of the 65 texts that changed their label are in the longest fifth, 19 in the rest."""
    assert mean_doubt(0.8, 1.0) == pytest.approx(DISAGREEING * 46 / 65 / 0.2, abs=0.002)
    assert mean_doubt(0.0, 0.8) == pytest.approx(DISAGREEING * 19 / 65 / 0.8, abs=0.002)
    assert mean_doubt(0.0, 1.0) == pytest.approx(DISAGREEING, abs=0.002)


@pytest.mark.parametrize(("shorter", "doubt"), [(0.0, 0.01), (0.8, 0.053), (1.0, 0.555)])
def test_the_shortest_and_the_longest_have_a_doubt_too(shorter: float, doubt: float) -> None:
    assert doubt_of(shorter, ()) == pytest.approx(doubt)


def test_an_answer_of_unknown_length_is_as_doubtful_as_all_are_on_average() -> None:
    assert doubt_of(None, ()) == pytest.approx(DISAGREEING, abs=0.001)


def test_a_refusal_before_brings_the_average_to_that_of_prompt_injections() -> None:
    assert doubt_of(None, (Sign.REFUSAL_BEFORE,)) == pytest.approx(0.30, abs=0.005)


@given(
    st.none() | st.floats(0, 1),
    st.lists(st.sampled_from(Sign), unique=True),
    st.sampled_from([None, "low", "medium", "high"]),
    st.sampled_from(Sign),
)
def test_a_sign_never_makes_an_answer_surer(
    shorter: float | None, found: list[Sign], word: str | None, further: Sign
) -> None:
    doubt = doubt_of(shorter, found, word)
    assert 0 < doubt < 1
    assert doubt_of(shorter, [*found, further], word) >= doubt - 1e-12
    assert doubt_of(shorter, found, "low") >= doubt - 1e-12


def test_the_word_low_weighs_more_than_medium() -> None:
    sign = (Sign.CONFIDENCE_WORD,)
    assert doubt_of(0.5, ()) < doubt_of(0.5, sign, "medium") < doubt_of(0.5, sign, "low")


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_longer_reasoning_is_never_surer(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert doubt_of(low, ()) <= doubt_of(high, ())


def test_a_plain_answer_shows_no_sign() -> None:
    assert signs(an_answer()) == set()


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (an_answer(Repair.FENCES), Sign.REPAIR),
        (an_answer(rules_dropped=1), Sign.RULES_DROPPED),
        (an_answer(confidence="low"), Sign.CONFIDENCE_WORD),
        (an_answer(confidence="medium"), Sign.CONFIDENCE_WORD),
        (an_answer(rationale='it says "you will pay"'), Sign.QUOTE_NOT_FOUND),
        (an_answer(rationale="it says “you will pay”"), Sign.QUOTE_NOT_FOUND),
    ],
)
def test_each_sign_of_doubt_is_seen(reading: Reading, expected: Sign) -> None:
    assert signs(reading) == {expected}


def test_a_refusal_at_an_earlier_attempt_is_a_sign() -> None:
    assert signs(an_answer(), has_refused=True) == {Sign.REFUSAL_BEFORE}


@pytest.mark.parametrize(
    "rationale",
    [
        'it says "you will pay for this"',
        'it says "YOU WILL  pay."',
        'it says "you will … for this"',
        'it says "you will ... for this"',
        'this is "HH2.a", "HH2" by the words "worthless" and "insult"',
        'an empty "" or "a"',
        'an open " quote',
    ],
)
def test_a_quote_of_the_text_or_the_policy_is_none(rationale: str) -> None:
    """Whatever its case and spaces, with or without a gap."""
    text = "Listen, you will pay for this, all of you"
    assert signs(an_answer(rationale=rationale), text) == set()


@pytest.mark.parametrize(
    "rationale",
    [
        'it says "you will pay" and "I will find you"',
        'it says "I will find you" and "you will pay"',
        'it says "you will … find you"',
        'under "HH2.a" it says "I will find you"',
        'it says "I will find you" under "HH2.a"',
    ],
)
def test_one_true_quote_hides_no_false_one(rationale: str) -> None:
    """A rationale is doubted for any quote that stands nowhere, whatever the others are."""
    text = "Listen, you will pay for this, all of you"
    assert signs(an_answer(rationale=rationale), text) == {Sign.QUOTE_NOT_FOUND}


def test_the_length_is_counted_by_the_server_or_estimated_or_unknown() -> None:
    judgement = Judgement("p", "A", POLICY.outcomes["HH0"])
    assert reasoning_length(judgement._replace(tokens=Tokens(reasoning=7), reasoning="x" * 80)) == 7
    assert reasoning_length(judgement._replace(reasoning="x" * 80)) == 20
    assert reasoning_length(judgement) is None


@pytest.mark.parametrize(
    ("sign", "word", "times"),
    [
        (Sign.REFUSAL_BEFORE, None, 4.5),
        (Sign.RULES_DROPPED, None, 2.0),
        (Sign.QUOTE_NOT_FOUND, None, 2.0),
        (Sign.REPAIR, None, 1.5),
        (Sign.CONFIDENCE_WORD, "low", 3.0),
        (Sign.CONFIDENCE_WORD, "medium", 1.5),
        (Sign.CONFIDENCE_WORD, "high", 1.0),
    ],
)
def test_each_sign_multiplies_the_odds_of_doubt(sign: Sign, word: str | None, times: float) -> None:
    """The measured one by what was measured, the others by what was guessed."""
    before, after = doubt_of(0.5, ()), doubt_of(0.5, (sign,), word)
    assert after / (1 - after) == pytest.approx(times * before / (1 - before))


@pytest.mark.parametrize(("true", "expected"), [(3, {Sign.QUOTE_NOT_FOUND}), (4, set())])
def test_four_quotes_are_looked_at(true: int, expected: set[Sign]) -> None:
    rationale = "it says " + '"you will pay" and ' * true + '"I will find you"'
    assert signs(an_answer(rationale=rationale), "you will pay") == expected
