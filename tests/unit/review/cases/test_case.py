"""A case is the set of its facts: what is asked follows from them, in whatever order they came."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.review.cases.case import Closure, Concern, ReviewCase
from consumer.review.cases.facts import (
    About,
    ReviewFact,
    VerdictFact,
    case_id,
    decode_fact,
    encode_fact,
    kind_of,
)
from tests.cases import (
    HOUR_MS,
    NOW_MS,
    TOPIC,
    a_case,
    a_decision,
    a_report,
    a_superseding,
    a_verdict_fact,
    about,
    an_appeal,
)

EDITED = f"{TOPIC}/1/9"
"""Where the message's next version lies."""
EARLIER = f"{TOPIC}/1/3"

FACTS: tuple[ReviewFact, ...] = (
    a_verdict_fact(),
    a_superseding(),
    a_superseding("v3", "v2", cause="human", at_ms=NOW_MS + 1_000, outcome="block"),
    a_verdict_fact("v4", position=EDITED, at_ms=NOW_MS + HOUR_MS),
    a_superseding("v5", "v4", position=EDITED, cause="deleted", at_ms=NOW_MS + 2 * HOUR_MS),
    a_report(),
    a_report("r2", reach=500, at_ms=NOW_MS - 5),
    a_report("r3", position=None, verdict=None),
    an_appeal(),
    an_appeal("a2", position=EDITED, verdict="v4"),
    a_decision(),
    a_decision("d2", position=EDITED, appeals=("a1",), approved_by="bob", by="cem"),
)


@given(st.lists(st.sampled_from(FACTS), max_size=14), st.integers(0, 99))
def test_the_order_of_facts_and_their_repetition_change_nothing(
    facts: list[ReviewFact], seed: int
) -> None:
    """A store that is built anew says what the old one said."""
    again = facts + facts[:3]
    random.Random(seed).shuffle(again)

    assert a_case(*again) == a_case(*facts)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_comes_back_from_the_store_as_it_was(fact: ReviewFact) -> None:
    assert decode_fact(kind_of(fact), encode_fact(fact)) == fact


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((), Closure.CLOSED),
        ((a_verdict_fact(),), Concern.FLAG),
        ((a_verdict_fact(), a_superseding()), Closure.CLOSED),
        ((a_superseding(),), Closure.CLOSED),
        ((a_verdict_fact(), a_superseding(outcome="flag")), Concern.FLAG),
        ((a_verdict_fact(), a_superseding(), a_report()), Concern.REPORT),
        ((a_report(),), Concern.REPORT),
        ((a_report(position=None),), Concern.REPORT),
        ((a_report(position=None), a_decision(position=None)), Closure.DECIDED),
        ((a_verdict_fact(), a_report()), Concern.REPORT),
        ((a_verdict_fact(), a_decision()), Closure.DECIDED),
        ((a_verdict_fact(), a_decision(), a_report()), Closure.DECIDED),
        ((a_verdict_fact(), a_decision(), an_appeal()), Concern.APPEAL),
        ((a_verdict_fact(), a_decision(appeals=("a1",)), an_appeal()), Closure.DECIDED),
        ((an_appeal(),), Concern.APPEAL),
        ((a_verdict_fact(), a_superseding(cause="deleted")), Closure.CLOSED),
        ((a_verdict_fact(), a_superseding(cause="deleted"), an_appeal()), Closure.CLOSED),
        ((a_verdict_fact(), a_superseding(cause="deleted"), a_report()), Closure.CLOSED),
    ],
)
def test_what_is_asked_follows_from_the_facts(
    facts: tuple[ReviewFact, ...], status: Concern | Closure
) -> None:
    assert a_case(*facts).status is status


def test_an_edit_asks_anew_whatever_was_decided_about_the_version_before() -> None:
    """Its verdict lies further back in the partition, so its number counts and not its digits."""
    decided = a_case(a_verdict_fact(), a_decision())
    edited = decided.with_fact(a_verdict_fact("v4", position=f"{TOPIC}/1/10"))

    assert decided.status is Closure.DECIDED
    assert edited.status is Concern.FLAG
    assert edited.version == f"{TOPIC}/1/10"
    assert edited.current is not None
    assert edited.current.id == "v4"
    assert edited.with_fact(a_decision("d2", position=f"{TOPIC}/1/10")).status is Closure.DECIDED


def test_a_deletion_of_an_earlier_version_leaves_the_message() -> None:
    case = a_case(
        a_verdict_fact("v0", position=EARLIER),
        a_superseding("v1", "v0", position=EARLIER, cause="deleted"),
        a_verdict_fact("v4", position=EDITED),
    )
    assert case.status is Concern.FLAG


def test_what_a_decision_supersedes_is_the_last_verdict_of_the_chain() -> None:
    """A decision over a decision keeps the chain; clocks that differ do not turn it around."""
    first = a_superseding("v9", "v1", cause="human", at_ms=NOW_MS - 5)
    second = a_superseding("v10", "v9", cause="appeal", at_ms=NOW_MS - 9)

    assert a_case(a_verdict_fact()).current_verdict_id == "v1"
    assert a_case(a_verdict_fact(), first).current_verdict_id == "v9"
    assert a_case(second, first, a_verdict_fact()).current_verdict_id == "v10"


def test_a_report_tells_of_the_verdict_that_nobody_else_told_of() -> None:
    """A message that was allowed is on no flag topic."""
    assert a_case(a_report()).current_verdict_id == "v1"
    assert a_case(a_report(verdict=None)).current_verdict_id is None
    assert a_case(a_report(), an_appeal(verdict="v8", position=f"{TOPIC}/1/7")).version == (
        f"{TOPIC}/1/7"
    )
    assert a_case(a_report(), a_verdict_fact("v2")).current_verdict_id == "v2"
    old = a_report(position=EARLIER, verdict="v0")
    assert a_case(old, a_report("r2", verdict=None)).current_verdict_id is None


def test_what_people_say_of_its_place_counts_while_no_verdict_says_it() -> None:
    """A report that is mistaken takes no verdict from the message, and none from another one."""
    mistaken = a_report(position=f"{TOPIC}/1/99", verdict="of another")
    case = a_case(a_verdict_fact(), mistaken)

    assert (case.version, case.current_verdict_id) == (f"{TOPIC}/1/7", "v1")
    assert a_case(mistaken).version == f"{TOPIC}/1/99"


def test_one_person_who_reports_often_is_one() -> None:
    reports = [a_report(f"r{number}", reporter="same") for number in range(5)]

    assert a_case(*reports).reporters == 1
    assert a_case(*reports, a_report("x")).reporters == 2
    assert ReviewCase("c", TOPIC, "m-1", reporters=40).with_fact(a_report()).reporters == 40


def test_the_first_question_counts_for_the_age() -> None:
    """An appeal has an age of its own: what went before it was answered."""
    case = a_case(a_verdict_fact(), a_report(at_ms=NOW_MS - 7))

    assert case.asked_ms == NOW_MS - 7
    assert a_case(a_verdict_fact(), a_report()).asked_ms == NOW_MS
    assert a_case(a_verdict_fact(), an_appeal(), a_decision()).asked_ms == NOW_MS + HOUR_MS
    assert a_case(a_verdict_fact(), a_decision()).asked_ms == 0


def test_an_appeal_questions_all_who_decided_and_all_who_agreed() -> None:
    decided = a_case(a_verdict_fact(), a_decision(approved_by="bob"))

    assert decided.questioned() == frozenset()
    assert decided.with_fact(an_appeal()).questioned() == {"ann", "bob"}


def test_of_several_that_stand_the_last_counts() -> None:
    """Verdicts of a message that was judged twice, and decisions one after the other."""
    twice = a_case(a_verdict_fact("v7", at_ms=NOW_MS + 9), a_verdict_fact("v8"))
    decided = a_case(a_decision("d7", at_ms=NOW_MS + 9), a_decision("d8", at_ms=NOW_MS))

    assert twice.current is not None
    assert twice.current.id == "v7"
    decided = decided.with_fact(a_verdict_fact())
    assert decided.decided is not None
    assert decided.decided.id == "d7"


def test_how_many_saw_it_is_the_most_that_anybody_said() -> None:
    assert a_case().reach == 0
    assert a_case(a_report(reach=9), a_report("r2", reach=400), a_report("r3")).reach == 400


def test_the_verdict_with_the_text_is_the_last_that_has_it() -> None:
    case = a_case(a_verdict_fact(), a_superseding())

    assert case.current is not None
    assert case.current.id == "v2"
    assert case.flagged is not None
    assert case.flagged.id == "v1"
    assert a_case(a_superseding()).flagged is None
    again = a_case(a_verdict_fact(), a_superseding("v2", envelope={"id": "v2"}, outcome="flag"))
    assert again.flagged is not None
    assert again.flagged.id == "v2"


def test_one_message_has_one_case_and_another_topic_has_others() -> None:
    names: list[Any] = [
        case_id(TOPIC, "m-1"),
        case_id(TOPIC, "m-2"),
        case_id("comments", "m-1"),
        About(TOPIC, "m-1\n", a_report()).case_id,
    ]
    assert len(set(names)) == 4
    assert all(len(name) == 16 for name in names), "short enough to be typed"
    assert about(a_report()).case_id == names[0]
    assert ReviewCase.of(about(a_report())) == a_case(a_report())


def test_a_report_on_an_allowed_message_asks_for_one_more_judgement() -> None:
    """Once: what another verdict says is for people to settle."""
    assert a_case(a_report()).doubted == "v1"
    assert a_case(a_report(), a_superseding(cause="model")).doubted is None
    assert a_case(a_report(), a_decision(outcome="allow")).doubted is None
    assert a_case(a_report(), an_appeal()).doubted is None, "people look at an appeal first"
    assert a_case().doubted is None
    assert a_case(an_appeal()).doubted is None


@pytest.mark.parametrize("outcome", ["flag", "block"])
def test_a_report_on_what_was_not_allowed_asks_for_no_judgement(outcome: str) -> None:
    """Nobody gets a block undone by reporting it."""
    assert a_case(a_report(outcome=outcome)).doubted is None
    assert a_case(a_report(), a_verdict_fact(outcome=outcome)).doubted is None


def test_what_is_reported_without_its_verdict_or_place_cannot_be_judged_once_more() -> None:
    """Nobody could say which verdict the new one takes the place of; the first who can counts."""
    assert a_case(a_report(verdict=None)).doubted is None
    assert a_case(a_report(position=None)).doubted is None
    later = a_report("r2", at_ms=NOW_MS + HOUR_MS, verdict="v7")
    assert a_case(a_report(verdict=None), later).doubted == "v7"
    assert a_case(a_report(), later).doubted == "v1"
    assert a_case(a_report(outcome="block"), later).doubted is None


def test_an_edit_that_was_allowed_is_judged_once_more_when_it_is_reported() -> None:
    """Its verdict is known, so that reports need not tell of it; one on the old text counts too."""
    edit = a_verdict_fact("v4", position=EDITED, outcome="allow", envelope={})
    assert a_case(edit, a_report(verdict=None)).doubted == "v4"
    gone = a_verdict_fact("v5", position=f"{TOPIC}/1/11", outcome="allow", cause="deleted")
    assert a_case(edit, gone, a_report()).doubted is None


def test_another_message_at_the_place_of_one_that_was_decided_is_not_decided() -> None:
    """Without an id a message is named by its place, and an input may be made again."""

    def judged(id: str, at_ms: int, written_ms: int) -> VerdictFact:
        place = {"topic": TOPIC, "partition": 1, "offset": 7, "timestamp_ms": written_ms}
        envelope = a_verdict_fact().envelope | {"position": place}
        return a_verdict_fact(id, at_ms=at_ms, envelope=envelope)

    first, decision = judged("v1", NOW_MS, 5), a_decision(at_ms=NOW_MS + 9)
    assert a_case(first).decided_here == []
    behind = a_decision(at_ms=NOW_MS - 9)
    assert a_case(first, behind).decided == behind, "a clock may be behind another"
    assert a_case(first, judged("v2", NOW_MS + 20, 5), behind).decided == behind
    assert a_case(first, decision).status is Closure.DECIDED
    again = judged("v2", NOW_MS + 20, 5)
    assert a_case(first, again, decision).status is Closure.DECIDED, "the same record once more"
    other = judged("v2", NOW_MS + 20, 6)
    retried = {"topic": f"{TOPIC}.retry", "partition": 1, "offset": 0, "timestamp_ms": 9}
    second = replace(other, supersedes="v1", envelope=other.envelope | {"position": retried})
    assert a_case(first, second, decision).status is Closure.DECIDED, "judged once more"
    told: list[ReviewFact] = [first, other, decision]
    for facts in permutations(told):
        case = a_case(*facts)
        assert (case.status, case.decided) == (Concern.FLAG, None)
        assert case.current_verdict_id == "v2"
    later = a_decision("d2", at_ms=NOW_MS + 30, supersedes="v2")
    case = a_case(first, other, decision, later)
    assert (case.status, case.decided_here) == (Closure.DECIDED, [later])
    once_more = judged("v3", NOW_MS + 40, 6)
    assert a_case(first, other, once_more, later).decided == later
    at_once = a_decision("d3", at_ms=NOW_MS + 20)
    assert a_case(first, other, at_once).decided == at_once


def test_the_policies_that_did_not_allow_it_sent_it_to_people() -> None:
    """Each once, as the last verdict with a text says; without one nobody knows."""
    judgements = [
        {"policy": name, "outcome": outcome}
        for name, outcome in (("spam", "flag"), ("hate", "allow"), ("fraud", "block"))
    ]
    envelope = a_verdict_fact().envelope | {"judgements": [*judgements, judgements[0]]}
    assert a_case(a_verdict_fact(envelope=envelope)).sent_by == ("spam", "fraud")
    assert a_case(a_report()).sent_by == ()
