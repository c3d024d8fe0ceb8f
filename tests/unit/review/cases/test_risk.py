"""What is risky is due sooner, and the reasons are told in words."""

from __future__ import annotations

import pytest

from consumer.review.cases.facts import ReviewFact
from consumer.review.cases.risk import due, lateness
from tests.cases import HOUR_MS, NOW_MS, a_case, a_decision, a_report, a_verdict_fact, an_appeal

DAY_S = 86_400.0


def due_ms(*facts: ReviewFact) -> int:
    return due(a_case(*facts), DAY_S).at_ms - NOW_MS


def test_a_harmless_case_has_the_topics_whole_time() -> None:
    found = due(a_case(a_verdict_fact(severity="low")), DAY_S)

    assert found.at_ms == NOW_MS + 24 * HOUR_MS
    assert found.words == ()


def test_each_reason_makes_it_due_sooner() -> None:
    """Severity, certainty, reports, reach."""
    kinds = [due_ms(a_verdict_fact(severity=s)) for s in ("low", "medium", "high", "critical")]
    assert kinds == [24 * HOUR_MS, 18 * HOUR_MS, 12 * HOUR_MS, 6 * HOUR_MS]
    assert due_ms(a_verdict_fact(severity="of another kind")) == 18 * HOUR_MS
    low = a_verdict_fact(severity="low")
    assert due_ms(a_verdict_fact(severity="low", certainty=1.0)) == 12 * HOUR_MS
    assert due_ms(low, a_report()) == 12 * HOUR_MS
    assert due_ms(low, a_report(), a_report("r2")) == 8 * HOUR_MS
    assert due_ms(low, a_report(reach=1)) == 12 * HOUR_MS
    assert due_ms(low, a_report(reach=100)) == 6 * HOUR_MS


def test_an_appeal_is_due_in_half_the_time_from_its_own_beginning() -> None:
    found = due_ms(a_verdict_fact(severity="low"), a_decision(), an_appeal())
    assert found == HOUR_MS + 12 * HOUR_MS


def test_an_old_case_is_due_before_a_new_one_of_the_same_risk() -> None:
    assert due_ms(a_verdict_fact(at_ms=NOW_MS - 1)) == due_ms(a_verdict_fact()) - 1


def test_nothing_is_due_at_once() -> None:
    """Else the oldest of the gravest would not be the first."""
    reports = [a_report(f"r{n}", reach=10**9) for n in range(99)]
    assert due_ms(a_verdict_fact(severity="critical"), *reports) == 24 * HOUR_MS // 100


def test_the_reasons_are_told_in_words() -> None:
    case = a_case(
        a_verdict_fact(severity="critical", certainty=0.9), a_report(reach=1_200), an_appeal()
    )
    assert due(case, DAY_S).words == (
        "severity critical: time x0.25",
        "the model is 90% sure: time x0.55",
        "the author appeals: time x0.5",
        "reported by 1 person: time x0.5",
        "seen by 1,200: time x0.39",
    )
    two = due(a_case(a_report(), a_report("r2")), DAY_S)
    assert two.words == ("reported by 2 people: time x0.33",)


@pytest.mark.parametrize(
    ("due_ms", "words"),
    [
        (NOW_MS + 30 * 60_000, "due in 30 min, asked 3 h ago"),
        (NOW_MS + 60_000, "due in 1 min, asked 3 h ago"),
        (NOW_MS + 59_999, "due in 59 s, asked 3 h ago"),
        (NOW_MS, "due in 0 s, asked 3 h ago"),
        (NOW_MS - 1, "late by 0 s"),
        (NOW_MS - 119 * 60_000, "late by 119 min"),
        (NOW_MS - 120 * 60_000, "late by 2 h"),
    ],
)
def test_how_it_stands_against_its_time(due_ms: int, words: str) -> None:
    assert lateness(due_ms, NOW_MS - 3 * HOUR_MS, NOW_MS) == words


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert lateness(NOW_MS + 5_000, NOW_MS + 1_000, NOW_MS) == "due in 5 s, asked 0 s ago"
