"""What follows from an overturn, told from the facts of one case."""

from __future__ import annotations

import pytest

from consumer.review.cases.consequence import overturned, shared_from
from consumer.review.cases.facts import ReviewFact
from tests.cases import a_case, a_decision, a_report, a_verdict_fact, an_appeal

HERE = "chat.messages/1/7"
APPEAL = an_appeal(position=HERE, verdict="v1")


def test_a_decision_is_overturned_by_a_later_one_on_the_same_version() -> None:
    first, later = a_decision(), a_decision("d2", at_ms=a_decision().at_ms + 1, outcome="allow")
    assert overturned(a_case(a_verdict_fact(), first, later)) == first
    assert overturned(a_case(a_verdict_fact(), first)) is None
    assert overturned(a_case(a_verdict_fact())) is None
    same = a_decision("d2", at_ms=first.at_ms + 1)
    assert overturned(a_case(a_verdict_fact(), first, same)) is None
    edited = a_verdict_fact("v5", position="chat.messages/1/9")
    assert overturned(a_case(a_verdict_fact(), first, edited, later)) is None


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([APPEAL, a_decision(outcome="allow")], "v1"),
        ([APPEAL, a_decision()], None),
        ([APPEAL], None),
        ([a_report(), a_decision()], "v1"),
        ([a_report(), a_decision(outcome="allow")], None),
        ([a_report(outcome="block"), a_decision(outcome="allow")], "v1"),
        ([a_verdict_fact(), APPEAL, a_decision(outcome="allow")], None),
        ([APPEAL, a_decision(outcome="allow", supersedes=None)], None),
    ],
)
def test_a_verdict_that_others_may_have_is_one_that_a_person_is_against(
    facts: list[ReviewFact], found: str | None
) -> None:
    """An appeal is against a block; a report says against what. Copies of a flag are flagged."""
    assert shared_from(a_case(*facts)) == found
