"""What follows from an overturn, told from the facts of one case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumer.domain.verdicts.verdict import Cause, superseding_id
from consumer.review.cases.consequence import followed, is_against, overturned, shared_from
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import ReviewFact
from consumer.review.cases.handling import Naming
from consumer.review.cases.ruling import ActRefused, Settled
from tests.cases import (
    ALLOW,
    BLOCK,
    HOUR_MS,
    NOW_MS,
    a_case,
    a_decision,
    a_docket,
    a_report,
    a_superseding,
    a_verdict_fact,
    an_appeal,
)

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
        ([APPEAL, a_decision(), a_decision("d2", at_ms=NOW_MS + HOUR_MS, outcome="allow")], "v1"),
        ([APPEAL, a_decision(outcome="allow"), a_decision("d2", at_ms=NOW_MS + HOUR_MS)], None),
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


FIRST = a_decision(
    "d9",
    at_ms=NOW_MS + HOUR_MS,
    by="bob",
    approved_by="eve",
    outcome="allow",
    cause="appeal",
    reason="a quote",
    appeals=("a1",),
    position="chat.messages/0/3",
)
EARLIER = a_decision(batch="b-1", follows="d0")
NAMING = Naming("d10", "b-2", "d9")


def follow(*facts: ReviewFact, settled: Settled = ALLOW, **words: Any) -> Docket:
    docket = a_docket(a_verdict_fact(), EARLIER, *facts)
    rights = words.get("rights", {})
    return followed(docket, words.get("earlier", EARLIER), FIRST, settled, NAMING, rights)


def test_what_follows_has_a_record_of_its_own() -> None:
    """Who, why and what from the overturn; place, ids and what it replaces from the case."""
    told = a_superseding("v9", "v1", outcome="block", cause="human")
    docket = follow(told)
    said = docket.case.decided
    assert said is not None
    assert docket.case.decisions == (EARLIER, said)
    assert docket.revision == a_docket(a_verdict_fact(), EARLIER, told).revision + 1
    assert (said.id, said.batch, said.follows, said.appeals) == ("d10", "b-2", "d9", ())
    assert said.people == ("bob", "eve")
    assert (said.reason, said.at_ms) == ("a quote", FIRST.at_ms)
    assert (said.outcome, said.cause, said.position) == ("allow", "appeal", HERE)
    assert said.supersedes == "v9"
    assert said.verdict == superseding_id("v9", Cause.APPEAL, "d10")


def test_without_a_verdict_to_replace_it_makes_none() -> None:
    docket = a_docket(a_report(verdict=None), replace(EARLIER, supersedes=None, verdict=None))
    said = followed(docket, EARLIER, FIRST, ALLOW, NAMING, {}).case.decided
    assert said is not None
    assert (said.supersedes, said.verdict) == (None, None)


@pytest.mark.parametrize(
    ("facts", "words", "why"),
    [
        ([a_superseding("v8", "v1", cause="deleted")], {}, "the message was deleted"),
        ([an_appeal("a7")], {}, "an appeal is judged by itself"),
        ([a_verdict_fact("v5", position="chat.messages/1/9")], {}, "was edited since"),
        ([a_decision("d5", at_ms=NOW_MS + HOUR_MS - 1)], {}, "decided by itself since"),
        ([], {"earlier": a_decision("d4")}, "decided by itself since"),
        ([], {"settled": BLOCK}, "harassment.HH2 means block in the version that judged it"),
        ([], {"rights": {"review": ["bob"]}}, "eve has no right to the queue review"),
        ([], {"rights": {"review": ["eve"]}}, "bob has no right to the queue review"),
    ],
)
def test_what_has_a_word_of_its_own_does_not_follow(
    facts: list[ReviewFact], words: dict[str, Any], why: str
) -> None:
    with pytest.raises(ActRefused, match=why):
        follow(*facts, **words)


@pytest.mark.parametrize("person", ["bob", "eve"])
def test_nobody_overturns_their_own_decision_along_with_anothers(person: str) -> None:
    own = replace(EARLIER, by=person)
    with pytest.raises(ActRefused, match=f"{person} decided it: somebody else has to look"):
        followed(a_docket(a_verdict_fact(), own), own, FIRST, ALLOW, NAMING, {})


def test_only_the_other_way_is_against_a_decision() -> None:
    assert is_against("allow", EARLIER)
    assert not is_against("block", EARLIER)
    assert not is_against("allow", None)
    assert EARLIER.root == "d0"
    assert FIRST.root == "d9"
