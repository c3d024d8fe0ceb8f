"""What a reviewer says is held against the version that judged the message."""

from __future__ import annotations

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.review.cases.ruling import ActRefused, Ruling, Settled, needs_approval, settle
from tests.builders import a_policy, a_version

OTHER = a_policy(name="spam", rules={"S1": "sells"})
VERSION = a_version(a_policy(), OTHER)
BARE = Ruling(None, None, None, "because")


def test_a_label_decides_what_it_means() -> None:
    assert settle(BARE._replace(label="harassment.HH2"), VERSION) == Settled(
        Outcome.BLOCK, "harassment.HH2", None, "because"
    )
    assert settle(BARE._replace(label="spam.HH0", rule="S1"), VERSION) == Settled(
        Outcome.ALLOW, "spam.HH0", "S1", "because"
    )


def test_a_label_that_asks_for_a_person_decides_with_an_outcome() -> None:
    doubt = BARE._replace(label="harassment.HH1")
    with pytest.raises(ActRefused, match="asks for a person"):
        settle(doubt, VERSION)
    assert settle(doubt._replace(outcome=Outcome.ALLOW), VERSION).outcome is Outcome.ALLOW
    assert settle(doubt._replace(outcome=Outcome.BLOCK), VERSION).outcome is Outcome.BLOCK


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " \n"}, "needs a reason"),
        ({"reason": "x" * 2_001}, r"2,001 characters: 2,000 at most"),
        ({}, "allow or block, or a --label"),
        ({"rule": "HH2.a"}, "allow or block, or a --label"),
        ({"outcome": Outcome.FLAG}, "flagged it is already"),
        ({"outcome": Outcome.BLOCK}, "needs the label or the rule"),
        ({"label": "harassment.HH9"}, r"no label harassment.HH9: there are harassment.HH0, "),
        ({"label": "HH2"}, "no label HH2"),
        ({"label": "spam.HH2", "rule": "HH2.a"}, r"no rule HH2.a: there are S1$"),
        ({"rule": "X", "outcome": Outcome.BLOCK}, r"no rule X: there are HH1.a, HH2.a, HH2.b, S1$"),
        ({"label": "harassment.HH2", "outcome": Outcome.ALLOW}, "means block, not allow"),
    ],
)
def test_what_does_not_hold_is_refused_with_what_to_do(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ActRefused, match=words):
        settle(BARE._replace(**changes), VERSION)  # type: ignore[arg-type]


def test_a_reason_of_exactly_the_limit_is_taken_without_the_space_around_it() -> None:
    ruling = BARE._replace(outcome=Outcome.ALLOW, reason=" " + "x" * 2_000 + " ")
    assert settle(ruling, VERSION).reason == "x" * 2_000


def test_a_block_may_rest_on_a_rule_alone() -> None:
    ruling = BARE._replace(outcome=Outcome.BLOCK, rule="S1")
    assert settle(ruling, VERSION) == Settled(Outcome.BLOCK, None, "S1", "because")


def test_without_the_version_an_outcome_and_a_reason_are_enough() -> None:
    """Its folder may be gone; what it would say is not guessed."""
    blocked = BARE._replace(outcome=Outcome.BLOCK)
    assert settle(blocked, None).outcome is Outcome.BLOCK
    for named in (blocked._replace(label="harassment.HH2"), blocked._replace(rule="HH2.a")):
        with pytest.raises(ActRefused, match="bring its folder back"):
            settle(named, None)


def test_a_second_person_is_needed_by_outcome_label_or_reach() -> None:
    block = Settled(Outcome.BLOCK, "harassment.HH2", None, "r")

    assert not needs_approval(block, ReviewTerms(), 10**6)
    assert needs_approval(block, ReviewTerms(approve_outcomes=frozenset({Outcome.BLOCK})), 0)
    assert not needs_approval(block, ReviewTerms(approve_outcomes=frozenset({Outcome.ALLOW})), 0)
    assert needs_approval(block, ReviewTerms(approve_labels=frozenset({"harassment.HH2"})), 0)
    assert not needs_approval(block, ReviewTerms(approve_labels=frozenset({"spam.HH2"})), 0)
    assert needs_approval(block, ReviewTerms(approve_reach=100), 100)
    assert not needs_approval(block, ReviewTerms(approve_reach=100), 99)
    assert needs_approval(block, ReviewTerms(approve_reach=1), 1)
