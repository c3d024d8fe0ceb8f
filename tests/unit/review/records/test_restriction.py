"""Who or what found content, and who or what decided about it: as it really was."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.statement import (
    ARTICLE_16,
    FULLY,
    NOT_AUTOMATED,
    OTHER_NOTIFICATION,
    PARTIALLY,
    TRUSTED_FLAGGER,
    VOLUNTARY,
    StatementTerms,
)
from consumer.review.cases.facts import VerdictFact
from consumer.review.records.restriction import (
    Restriction,
    decided_restriction,
    verdict_restriction,
)
from tests.cases import NOW_MS, a_case, a_decision, a_report, a_verdict_fact, an_appeal

TERMS = StatementTerms(
    exempt=frozenset({"spam.SP2"}),
    notice_reasons=frozenset({"illegal"}),
    trusted_flaggers=frozenset({"hotline"}),
)
JUDGED = {
    "position": {"timestamp_ms": NOW_MS - 5},
    "message": {"id": "m-1", "text": "you are rude", "language": "de-AT"},
    "judgements": [
        {"policy": "spam", "label": "SP0", "outcome": "allow", "rules": ["SP0.a"]},
        {"policy": "harassment", "label": "HH2", "outcome": "block", "rules": ["HH2.a", "HH2.b"]},
    ],
}


def flagged(**changes: Any) -> VerdictFact:
    return a_verdict_fact(**({"envelope": JUDGED} | changes))


def restricted(*facts: Any, **decision: Any) -> Restriction:
    fields = {"label": "harassment.HH2", "rule": "HH2.a"} | decision
    made = a_decision(**fields)
    found = decided_restriction(a_case(*facts, made), made, TERMS)
    assert found is not None
    return found


def test_what_the_model_flagged_and_a_person_confirmed_was_found_by_a_machine() -> None:
    """And decided by a person with its help; the flag must never say the contrary."""
    found = restricted(flagged())
    assert found == Restriction(
        puid="v9",
        at_ms=NOW_MS + 1_800_000,
        posted_ms=NOW_MS - 5,
        label="harassment.HH2",
        rule="HH2.a",
        language="de-AT",
        source=VOLUNTARY,
        is_found_by_machine=True,
        automation=PARTIALLY,
    )


def test_what_a_person_reported_and_a_person_blocked_had_no_machine_in_it() -> None:
    found = restricted(a_report(at_ms=NOW_MS), verdict=None)
    assert not found.is_found_by_machine
    assert (found.automation, found.source) == (NOT_AUTOMATED, OTHER_NOTIFICATION)
    assert (found.puid, found.posted_ms, found.language) == ("d1", NOW_MS, None)


def test_who_decides_otherwise_than_the_model_decides_without_it() -> None:
    """It found the content all the same; so for a decision that names no label."""
    for label in ("harassment.HH1", None):
        found = restricted(flagged(), label=label)
        assert (found.is_found_by_machine, found.automation) == (True, NOT_AUTOMATED)
    assert restricted(flagged(), label="harassment.HH1", batch="b-1").automation == PARTIALLY


@pytest.mark.parametrize("cause", ["unjudged", "human", "appeal", "deleted"])
def test_what_nothing_looked_at_was_found_by_no_machine(cause: str) -> None:
    found = restricted(flagged(cause=cause))
    assert (found.is_found_by_machine, found.automation) == (False, NOT_AUTOMATED)


def test_the_first_to_say_so_is_the_source() -> None:
    """A report that came after the model's flag changes nothing, nor one after the decision."""
    early, late = a_report(at_ms=NOW_MS - 1), a_report(at_ms=NOW_MS)
    assert restricted(flagged(), early).source == OTHER_NOTIFICATION
    assert not restricted(flagged(), early).is_found_by_machine
    assert restricted(flagged(), late).source == VOLUNTARY
    assert restricted(flagged(), late).is_found_by_machine
    after = a_report(at_ms=NOW_MS + 1_800_001)
    assert restricted(an_appeal(at_ms=NOW_MS + 5), after).source == VOLUNTARY


def test_notices_and_trusted_flaggers_are_told_apart() -> None:
    notice = a_report(at_ms=NOW_MS - 1, reason="illegal")
    assert restricted(notice).source == ARTICLE_16
    trusted = a_report("r2", at_ms=NOW_MS, reporter="hotline")
    assert restricted(notice, trusted).source == TRUSTED_FLAGGER


def test_only_a_block_that_is_not_exempt_is_a_restriction() -> None:
    for changes in ({"outcome": "allow"}, {"label": "spam.SP2"}):
        made = a_decision(**changes)
        assert decided_restriction(a_case(made), made, TERMS) is None


@pytest.mark.parametrize("written", [None, -1, 0, 946_684_799_999, 2_146_003_200_000, 10**18, "x"])
def test_a_date_that_nobody_believes_is_replaced_by_when_it_was_first_told_of(
    written: object,
) -> None:
    envelope = JUDGED | {"position": {"timestamp_ms": written}}
    assert restricted(flagged(envelope=envelope), a_report()).posted_ms == NOW_MS
    assert restricted(an_appeal(at_ms=NOW_MS + 7), a_report()).posted_ms == NOW_MS + 7


@pytest.mark.parametrize(
    ("cause", "is_machine"), [("model", True), ("memo", True), ("list", True), ("unjudged", False)]
)
def test_what_a_worker_blocks_is_decided_by_a_machine_alone(cause: str, is_machine: bool) -> None:
    verdict = flagged(outcome="block", cause=cause)
    found = verdict_restriction(verdict, 7, TERMS)
    assert found == Restriction(
        puid="v1",
        at_ms=NOW_MS,
        posted_ms=NOW_MS - 5,
        label="harassment.HH2",
        rule="HH2.a",
        language="de-AT",
        source=VOLUNTARY,
        is_found_by_machine=is_machine,
        automation=FULLY,
    )


def test_of_a_block_without_an_envelope_less_is_known() -> None:
    found = verdict_restriction(flagged(outcome="block", envelope={}), 7, TERMS)
    assert found is not None
    assert (found.posted_ms, found.label, found.rule, found.language) == (7, None, None, None)


@pytest.mark.parametrize("cause", ["human", "appeal", "deleted", "overtaken"])
def test_what_people_decided_is_told_by_their_decision(cause: str) -> None:
    assert verdict_restriction(flagged(outcome="block", cause=cause), 7, TERMS) is None
    assert verdict_restriction(flagged(outcome="allow"), 7, TERMS) is None


def test_what_counts_is_the_first_verdict_on_the_version_that_was_decided_about() -> None:
    """Neither one on another version of the message, nor a later one on the same."""
    other = flagged(id="v0", position="chat.messages/1/6", cause="unjudged")
    later = flagged(id="v2", at_ms=NOW_MS + 5, cause="unjudged")
    assert restricted(other, flagged(), later).is_found_by_machine
    with_report = (other, flagged(), a_report(at_ms=NOW_MS - 1))
    assert not restricted(*with_report).is_found_by_machine


def test_bounds_belong_to_what_they_bound() -> None:
    """A report of the decision's own moment, and the first and last days that are believed."""
    at_once = a_report(at_ms=NOW_MS + 1_800_000)
    assert restricted(at_once).source == OTHER_NOTIFICATION
    for written in (946_684_800_000, 2_145_916_800_000):
        envelope = JUDGED | {"position": {"timestamp_ms": written}}
        assert restricted(flagged(envelope=envelope)).posted_ms == written


def test_what_was_judged_once_more_was_found_by_people() -> None:
    """The model decided, and nobody says that it found what somebody reported."""
    second = flagged(outcome="block", supersedes="v0")
    found = verdict_restriction(second, 7, TERMS)
    assert found is not None
    assert (found.source, found.is_found_by_machine) == (OTHER_NOTIFICATION, False)
    assert found.automation == FULLY
    replayed = verdict_restriction(
        flagged(outcome="block", supersedes="v0", cause="replay"), 7, TERMS
    )
    assert replayed is not None
    assert (replayed.source, replayed.is_found_by_machine) == (VOLUNTARY, True)
