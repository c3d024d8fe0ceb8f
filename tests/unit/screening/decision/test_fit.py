"""Thresholds from golden cases: chosen on one half, shown on the other, in every way of asking."""

from __future__ import annotations

import pytest

from consumer.errors import InvalidSettings
from consumer.screening.decision.fit import AskedCase, Demand, fit, halved
from consumer.screening.decision.nearness import is_settled, nearness
from consumer.screening.decision.statements import WORDINGS

DEMAND = Demand(recall=0.9, alpha=0.05, near_share=0.05)
POLICIES = ("a", "b")


def cases(count: int, low: float = 0.05, high: float = 0.8, **found: float) -> list[AskedCase]:
    """As many of each kind for both policies; what is not allowed is as likely as `high`."""
    made = []
    for at in range(count):
        for place, policy in enumerate(POLICIES):
            for is_positive in (False, True):
                probabilities = [low, low]
                probabilities[place] = high if is_positive else low
                text = f"{policy} {is_positive} {at}"
                otherwise = {name: (p, p) for name, p in found.items()}
                made.append(AskedCase(text, policy, is_positive, tuple(probabilities), otherwise))
    return made


def test_the_threshold_lies_between_what_is_allowed_and_what_is_not() -> None:
    found = fit(cases(60), POLICIES, DEMAND)
    assert found.thresholds == {"a": pytest.approx(0.425), "b": pytest.approx(0.425)}
    assert (found.fitted.positives, found.certified.positives) == (60, 60)
    assert found.shown.missed == 0
    assert found.shown.low > 0.95
    assert found.shown.settled == 0.5


def test_few_cases_show_little_however_good_they_are() -> None:
    """Ten of them cannot show 0.9, and that is what stands in the file."""
    found = fit(cases(10), POLICIES, DEMAND)
    assert found.shown.missed == 0
    assert found.shown.low < DEMAND.recall


def test_what_counts_as_near_is_a_small_share_however_probabilities_are_rounded() -> None:
    """Else all that has the commonest one would be audited as if it lay near the threshold."""
    assert fit(cases(60), POLICIES, DEMAND).near_from == 1.0
    made = cases(60)
    for at, case in enumerate(halved(made).fitting[:3]):
        made[made.index(case)] = case._replace(found=(0.3 + at / 100, 0.05))
    found = fit(made, POLICIES, DEMAND)
    assert 0.3 / found.thresholds["a"] == pytest.approx(found.near_from)


def test_halves_are_the_same_every_time_and_share_no_case() -> None:
    made = cases(7)
    fitting, certifying = halved(made)
    assert halved(list(reversed(made))) == (fitting, certifying)
    assert not {case.text for case in fitting} & {case.text for case in certifying}
    assert len(fitting) + len(certifying) == len(made)


def test_a_policy_whose_cases_the_model_cannot_tell_apart_is_refused_by_name() -> None:
    with pytest.raises(InvalidSettings, match="a: no allowed golden case is less"):
        fit(cases(20, high=0.05), POLICIES, DEMAND)


def test_a_policy_without_a_case_that_is_not_allowed_is_refused_by_name() -> None:
    made = [case for case in cases(20) if case.policy == "a" or not case.is_positive]
    with pytest.raises(InvalidSettings, match="b has no answered golden case that is not allowed"):
        fit(made, POLICIES, DEMAND)


def test_texts_that_another_way_of_asking_settles_otherwise_are_counted() -> None:
    found = fit(cases(10, order=0.05, wording=0.9), POLICIES, DEMAND)
    assert found.survival.texts == 40
    assert found.survival.flips == {"order": 20, "wording": 20}
    assert found.survival.share == 0.5


def test_every_way_of_asking_is_read_back_in_the_order_of_the_policies() -> None:
    """With a model that knows what it is asked, all of them say the same."""
    truth = {"A.": 0.25, "B.": 0.75}

    def answer(statements: list[str]) -> tuple[float, ...]:
        said = [truth[each[-2:]] for each in statements]
        is_denied = "is no" in statements[0]
        return tuple(1.0 - p for p in said) if is_denied else tuple(said)

    for wording in WORDINGS:
        assert wording.read(answer(wording.ask(["A.", "B."]))) == (0.25, 0.75)


def test_one_policy_at_its_threshold_is_enough_to_ask() -> None:
    assert is_settled((0.1, 0.1), (0.4, 0.2))
    assert not is_settled((0.1, 0.2), (0.4, 0.2))
    assert not is_settled((0.1, None), (0.4, 0.2))
    assert not is_settled((), ())
    assert nearness((0.1, 0.1), (0.4, 0.2)) == 0.5
