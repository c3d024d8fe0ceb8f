"""Who may do what with a case, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from consumer.domain.policy import Outcome
from consumer.review.cases.case import Closure
from consumer.review.cases.docket import Docket
from consumer.review.cases.handling import CaseState, Handling, Naming
from consumer.review.cases.rights import may
from consumer.review.cases.ruling import ActRefused, Ruling
from tests.cases import (
    ALLOW,
    BLOCK,
    NOW_MS,
    TOPIC,
    a_decision,
    a_docket,
    a_report,
    a_superseding,
    a_verdict_fact,
    an_appeal,
)

LEASE_MS = 1_000


def claimed(docket: Docket, by: str = "ann", now_ms: int = NOW_MS) -> Docket:
    return docket.claimed(by, now_ms, LEASE_MS, {})


def with_fact(docket: Docket, fact: object) -> Docket:
    """As the store does it."""
    case = docket.case.with_fact(fact)  # type: ignore[arg-type]
    return replace(docket, case=case, revision=docket.revision + 1).refreshed()


def test_a_claim_lasts_as_long_as_its_lease() -> None:
    """To the millisecond; then it is anybody's again."""
    docket = claimed(a_docket(a_verdict_fact()))

    assert docket.state(NOW_MS) is CaseState.CLAIMED
    assert docket.claimant(NOW_MS + LEASE_MS - 1) == "ann"
    assert docket.claimant(NOW_MS + LEASE_MS) is None
    assert docket.state(NOW_MS + LEASE_MS) is CaseState.OPEN
    with pytest.raises(ActRefused, match="claimed by ann"):
        claimed(docket, "bob", NOW_MS + LEASE_MS - 1)
    assert claimed(docket, "bob", NOW_MS + LEASE_MS).claimant(NOW_MS + LEASE_MS) == "bob"


def test_who_has_it_may_claim_it_again_which_makes_the_lease_longer() -> None:
    docket = claimed(claimed(a_docket(a_verdict_fact())), now_ms=NOW_MS + 900)
    assert docket.claimant(NOW_MS + 1_899) == "ann"
    assert docket.handling.claimed_ms == NOW_MS, "she has had it since then"
    later = claimed(docket, now_ms=NOW_MS + 5_000)
    assert later.handling.claimed_ms == NOW_MS + 5_000, "after her time was over, it is a new claim"


@pytest.mark.parametrize("facts", [(), (a_verdict_fact(), a_decision())])
def test_what_asks_nothing_cannot_be_claimed(facts: tuple[object, ...]) -> None:
    with pytest.raises(ActRefused, match="nothing is asked"):
        claimed(a_docket(*facts))  # type: ignore[arg-type]


def test_a_queue_that_is_named_is_for_those_named_with_it() -> None:
    """Seen at the claim, and once more at the decision."""
    assert may("ann", "review", {})
    assert may("ann", "review", {"review": ["ann"]})
    assert not may("bob", "review", {"review": ["ann"]})
    with pytest.raises(ActRefused, match="no right to the queue review"):
        a_docket(a_verdict_fact()).claimed("bob", NOW_MS, LEASE_MS, {"review": ["ann"]})
    mine = claimed(a_docket(a_verdict_fact()), "bob")
    with pytest.raises(ActRefused, match=r"review\.rights"):
        mine.decided("bob", ALLOW, NOW_MS, Naming("d1"), {"review": ["ann"]})


def test_a_held_case_comes_back_when_its_time_has_come() -> None:
    docket = claimed(a_docket(a_verdict_fact())).held("ann", NOW_MS, NOW_MS + 500)

    assert docket.state(NOW_MS + 499) is CaseState.HELD
    assert docket.state(NOW_MS + 500) is CaseState.OPEN
    with pytest.raises(ActRefused, match="time that is to come"):
        claimed(a_docket(a_verdict_fact())).held("ann", NOW_MS, NOW_MS)
    assert docket.woken().state(NOW_MS) is CaseState.OPEN
    assert docket.woken().handling == Handling()
    taken = claimed(docket, "bob")
    assert taken.state(NOW_MS) is CaseState.CLAIMED
    assert taken.skipped("bob", NOW_MS).state(NOW_MS) is CaseState.OPEN


def test_what_is_skipped_or_moved_is_nobodys() -> None:
    docket = claimed(a_docket(a_verdict_fact()))
    moved = docket.moved("ann", NOW_MS, "legal")

    assert docket.skipped("ann", NOW_MS).state(NOW_MS) is CaseState.OPEN
    assert moved.queue == "legal"
    assert moved.state(NOW_MS) is CaseState.ESCALATED
    assert moved.claimant(NOW_MS) is None


def test_only_whoever_has_it_may_act() -> None:
    docket = claimed(a_docket(a_verdict_fact()))
    acts: list[Callable[[Docket, str], Docket]] = [
        lambda d, who: d.skipped(who, NOW_MS),
        lambda d, who: d.held(who, NOW_MS, NOW_MS + 1),
        lambda d, who: d.moved(who, NOW_MS, "legal"),
        lambda d, who: d.decided(who, ALLOW, NOW_MS, Naming("d1"), {}),
    ]
    for act in acts:
        act(docket, "ann")
        with pytest.raises(ActRefused, match="claimed by ann"):
            act(docket, "bob")
        with pytest.raises(ActRefused, match="not claimed, or the lease has run out"):
            act(a_docket(a_verdict_fact()), "ann")
        with pytest.raises(ActRefused, match="is decided by now"):
            act(a_docket(a_verdict_fact(), a_decision()), "ann")


def test_a_decision_says_what_it_replaces_and_with_what() -> None:
    docket = claimed(a_docket(a_verdict_fact())).decided("ann", BLOCK, NOW_MS + 5, Naming("d1"), {})
    (decision,) = docket.case.decisions

    assert docket.case.status is Closure.DECIDED
    assert docket.state(NOW_MS) is CaseState.DECIDED
    assert docket.revision == 2
    assert (decision.by, decision.at_ms, decision.approved_by) == ("ann", NOW_MS + 5, None)
    assert (decision.outcome, decision.label, decision.rule, decision.reason) == BLOCK
    assert (decision.cause, decision.supersedes) == ("human", "v1")
    assert decision.position == f"{TOPIC}/1/7"
    assert decision.verdict is not None
    assert len(decision.verdict) == 32
    later = claimed(a_docket(a_verdict_fact())).decided("ann", BLOCK, NOW_MS + 5, Naming("d2"), {})
    assert later.case.decisions[0].verdict != decision.verdict


def test_without_a_verdict_to_replace_a_decision_makes_none() -> None:
    """A report may say neither verdict nor position."""
    docket = claimed(a_docket(a_report(position=None, verdict=None)))
    (decision,) = docket.decided("ann", ALLOW, NOW_MS, Naming("d1"), {}).case.decisions

    assert (decision.supersedes, decision.verdict, decision.position) == (None, None, None)


def test_a_decision_on_a_case_that_has_changed_is_refused() -> None:
    """Until its claimant has seen what changed."""
    docket = with_fact(claimed(a_docket(a_verdict_fact())), an_appeal())
    with pytest.raises(ActRefused, match="has changed since you saw it"):
        docket.decided("ann", ALLOW, NOW_MS, Naming("d1"), {})
    seen = claimed(docket)
    (decision,) = seen.decided("ann", ALLOW, NOW_MS, Naming("d1"), {}).case.decisions
    assert (decision.cause, decision.appeals) == ("appeal", ("a1",))


def test_an_appeal_never_goes_to_whom_it_questions() -> None:
    docket = a_docket(a_verdict_fact(), a_decision(by="ann", approved_by="bob"), an_appeal())
    for name in ("ann", "bob"):
        with pytest.raises(ActRefused, match="does not question"):
            claimed(docket, name)
    mine = claimed(docket, "cem")
    assert mine.decided("cem", ALLOW, NOW_MS, Naming("d2"), {}).case.status is Closure.DECIDED


def test_a_second_person_must_agree_where_the_topic_says_so() -> None:
    """The first is in the record with the reason, the second as who agreed."""
    docket = a_docket(a_verdict_fact(), approve_outcomes=frozenset({Outcome.BLOCK}))
    proposed = claimed(docket).decided("ann", BLOCK, NOW_MS, Naming("d1"), {})

    assert proposed.case.decisions == ()
    assert proposed.state(NOW_MS) is CaseState.ESCALATED
    assert proposed.claimant(NOW_MS) is None
    with pytest.raises(ActRefused, match="second person"):
        claimed(proposed, "ann")
    agreeing = BLOCK._replace(reason="yes")
    second = claimed(proposed, "bob").decided("bob", agreeing, NOW_MS + 9, Naming("d2"), {})
    (decision,) = second.case.decisions
    assert (decision.by, decision.approved_by, decision.reason) == ("ann", "bob", "an insult")
    assert (decision.id, decision.at_ms) == ("d2", NOW_MS + 9)
    assert decision.people == ("ann", "bob")


def test_a_second_person_who_disagrees_makes_the_decision_theirs() -> None:
    """It needs a second person in turn, unless its outcome needs none."""
    docket = a_docket(a_verdict_fact(), approve_outcomes=frozenset({Outcome.BLOCK}))
    proposed = claimed(claimed(docket).decided("ann", BLOCK, NOW_MS, Naming("d1"), {}), "bob")
    (mild,) = proposed.decided("bob", ALLOW, NOW_MS, Naming("d2"), {}).case.decisions
    other = proposed.decided("bob", BLOCK._replace(rule="HH2.b"), NOW_MS, Naming("d2"), {})

    assert (mild.by, mild.approved_by, mild.outcome) == ("bob", None, "allow")
    assert other.case.decisions == ()
    assert other.handling.proposal is not None
    assert other.handling.proposal.by == "bob"


def test_a_proposal_ends_with_the_version_that_it_is_about() -> None:
    """Another report leaves it as it is; an edit or a deletion does not."""
    docket = a_docket(a_verdict_fact(), approve_outcomes=frozenset({Outcome.BLOCK}))
    proposed = claimed(docket).decided("ann", BLOCK, NOW_MS, Naming("d1"), {})

    assert with_fact(proposed, a_report()).handling.proposal is not None
    edited = with_fact(proposed, a_verdict_fact("v4", position=f"{TOPIC}/1/9"))
    assert edited.handling.proposal is None
    assert claimed(edited, "ann").claimant(NOW_MS) == "ann"
    deleted = with_fact(proposed, a_superseding(cause="deleted"))
    assert deleted.handling == Handling()
    assert deleted.state(NOW_MS) is CaseState.CLOSED


def test_reports_by_enough_people_take_a_case_to_another_queue() -> None:
    reports = [a_report(f"r{number}") for number in range(3)]

    assert a_docket(a_verdict_fact(), *reports[:2]).queue == "review"
    assert a_docket(a_verdict_fact(), *reports).queue == "escalated"
    assert a_docket(a_verdict_fact(), *reports).state(NOW_MS) is CaseState.ESCALATED
    assert a_docket(*reports, reports_to_escalate=0).queue == "review"
    assert a_docket(*reports[:1], reports_to_escalate=1).queue == "escalated"
    assert a_docket(a_verdict_fact(), *reports, an_appeal()).queue == "review"
    moved = claimed(a_docket(*reports)).moved("ann", NOW_MS, "legal")
    assert moved.queue == "legal"


def test_what_is_decided_along_with_others_counts_as_its_decider_saw_it() -> None:
    """For that moment alone; a held case and an appeal are looked at by themselves."""
    docket = a_docket(a_verdict_fact())
    joined = docket.joined("ann", NOW_MS, 1, {})
    assert (
        joined.decided("ann", ALLOW, NOW_MS, Naming("d1", "b-1"), {}).case.decisions[0].batch
        == "b-1"
    )
    assert joined.claimant(NOW_MS + 1) is None
    with pytest.raises(ActRefused, match="has changed"):
        docket.joined("ann", NOW_MS, 0, {}).decided("ann", ALLOW, NOW_MS, Naming("d1"), {})
    held = claimed(docket).held("ann", NOW_MS, NOW_MS + 5)
    with pytest.raises(ActRefused, match="is held"):
        held.joined("ann", NOW_MS + 4, 1, {})
    assert held.joined("ann", NOW_MS + 5, 1, {}).claimant(NOW_MS + 5) == "ann"
    with pytest.raises(ActRefused, match="judged by itself"):
        with_fact(docket, an_appeal()).joined("ann", NOW_MS, 2, {})
    with pytest.raises(ActRefused, match="claimed by bob"):
        claimed(docket, "bob").joined("ann", NOW_MS, 1, {})


def test_an_assignment_lasts_until_it_is_skipped_moved_or_decided() -> None:
    """Not beyond a hold, a claim of its own person, or news; and it is no claim."""
    docket = a_docket(a_verdict_fact()).assigned("bob", NOW_MS, "ann", {})
    assert docket.state(NOW_MS) is CaseState.OPEN
    with pytest.raises(ActRefused, match="assigned to ann"):
        claimed(docket, "bob")
    mine = claimed(docket)
    assert mine.handling.assigned_to == "ann"
    assert mine.held("ann", NOW_MS, NOW_MS + 5).handling.assigned_to == "ann"
    assert mine.skipped("ann", NOW_MS).handling.assigned_to is None
    assert mine.moved("ann", NOW_MS, "legal").handling.assigned_to is None
    with pytest.raises(ActRefused, match="claimed by ann"):
        mine.assigned("bob", NOW_MS, "bob", {})
    assert mine.assigned("ann", NOW_MS, "bob", {}).handling.assigned_to == "bob"
    for rights in ({"review": ["ann"]}, {"review": ["bob"]}):
        with pytest.raises(ActRefused, match="no right"):
            docket.assigned("bob", NOW_MS, "ann", rights)
    appealed = a_docket(a_verdict_fact(), a_decision(), an_appeal())
    with pytest.raises(ActRefused, match="whom it does not question"):
        appealed.assigned("bob", NOW_MS, "ann", {})
    with pytest.raises(ActRefused, match="nothing is asked"):
        a_docket().assigned("bob", NOW_MS, "ann", {})


def test_a_draft_lasts_until_the_case_is_decided_or_closed() -> None:
    said = Ruling(None, "harassment.HH2", None, "an insult")
    docket = claimed(a_docket(a_verdict_fact(), approve_labels=frozenset({"harassment.HH2"})))
    with pytest.raises(ActRefused, match="claimed by ann"):
        docket.drafted("bob", NOW_MS, said)
    drafted = docket.drafted("ann", NOW_MS, said)
    assert drafted.claimant(NOW_MS) == "ann"
    assert drafted.draft_of("ann") == claimed(drafted).draft_of("ann") == said
    assert drafted.draft_of("bob") is None
    assert docket.draft_of("ann") is None
    assert drafted.skipped("ann", NOW_MS).draft_of("ann") == said
    assert drafted.decided("ann", BLOCK, NOW_MS, Naming("d1"), {}).draft_of("ann") is None
    assert with_fact(drafted, a_superseding()).draft_of("ann") is None
