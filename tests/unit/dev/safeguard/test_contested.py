"""The stand-in contradicts itself and errs as often as was counted, where it was counted."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from consumer.dev.safeguard.behaviour import Behaviour, Dice

LABELS = ("V", "I")
TEXTS = 30_000


class Pair(NamedTuple):
    """Two answers to one text."""

    tokens: int
    is_wrong: bool
    differs: bool


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """Sorted by the reasoning of the first answer."""
    dice = Dice(Behaviour(profile="groq-20b-flips", seed=5))
    found: list[Pair] = []
    for number in range(TEXTS):
        text = f"text {number}"
        first, second = dice.generation(text), dice.generation(text)
        label = dice.label("V", LABELS, first.wrong_rate)
        again = dice.label("V", LABELS, second.wrong_rate)
        found.append(Pair(first.reasoning_tokens or 0, label != "V", label != again))
    return sorted(found)


def test_answers_differ_and_err_as_in_the_logs(pairs: list[Pair]) -> None:
    """8.6 % of pairs, 46 of 65 in the longest fifth; 0.942 right below it, 0.727 within."""
    cut = int(0.8 * TEXTS)
    short, long = pairs[:cut], pairs[cut:]
    differing = sum(pair.differs for pair in pairs)
    assert differing / TEXTS == pytest.approx(114 / 1_328, rel=0.06)
    assert sum(pair.differs for pair in long) / differing == pytest.approx(46 / 65, abs=0.03)
    assert 1 - sum(pair.is_wrong for pair in short) / cut == pytest.approx(0.942, abs=0.005)
    assert 1 - sum(pair.is_wrong for pair in long) / len(long) == pytest.approx(0.727, abs=0.015)


def test_the_length_separates_as_well_as_in_the_logs(pairs: list[Pair]) -> None:
    """AUC 0.87: this number was not put in, so it says that the curve between them is fair."""
    ranks = [rank for rank, pair in enumerate(pairs, start=1) if pair.differs]
    others = len(pairs) - len(ranks)
    found = (sum(ranks) - len(ranks) * (len(ranks) + 1) / 2) / (len(ranks) * others)
    assert found == pytest.approx(0.87, abs=0.015)


def test_the_lengths_are_those_of_the_profile(pairs: list[Pair]) -> None:
    assert pairs[TEXTS // 2].tokens == pytest.approx(159, rel=0.05)
    assert pairs[int(0.95 * TEXTS)].tokens == pytest.approx(983, rel=0.07)


def test_a_contested_text_is_torn_between_the_same_two_labels() -> None:
    """And a clear one has one label, however often it is asked for."""
    dice = Dice(Behaviour(profile="groq-20b-flips"))
    found: dict[str, set[str]] = {}
    for number in range(200):
        text = f"text {number}"
        for _ in range(12):
            rate = dice.generation(text).wrong_rate
            found.setdefault(text, set()).add(dice.label("B", ("A", "B", "C"), rate))
    assert {frozenset(labels) for labels in found.values()} == {
        frozenset("A"),
        frozenset("B"),
        frozenset("AB"),
    }


def test_other_profiles_flip_only_as_the_behaviour_says() -> None:
    generation = Dice(Behaviour(profile="groq-20b")).generation("text")
    assert generation.wrong_rate is None
