"""What an overturn does to the cases that were decided along with it: in both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.review.cases.case import Closure, Concern
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import DecisionFact, case_id
from consumer.review.cases.handling import Seen
from consumer.review.cases.ruling import ActRefused, Settled
from consumer.review.store import log
from consumer.review.store.batches import Batch
from consumer.review.store.kin import GROUP_MAX
from consumer.review.store.outbox import ItemKind
from tests.cases import (
    ALLOW,
    BLOCK,
    HOUR_MS,
    NOW_MS,
    TOPIC,
    a_report,
    a_superseding,
    a_verdict_fact,
    about,
    an_appeal,
)
from tests.grouped import UNDO_MS, GroupRoom, names

LATER_MS = NOW_MS + HOUR_MS


@pytest.fixture
def room(store_address: str) -> Iterator[GroupRoom]:
    found = GroupRoom(store_address)
    yield found
    found.database.close()


def blocked_together(room: GroupRoom, *found: str) -> None:
    """Ann blocks them by one decision."""
    for name in found:
        room.add(name)
    room.desk.claim("ann", NOW_MS, case_id(TOPIC, found[0]))
    room.group("ann", BLOCK, found[0])
    assert {each.case.id for each in map(room.docket, found) if each.case.decided} == names(*found)


def appealed(room: GroupRoom, name: str, who: str = "bob", at_ms: int = LATER_MS) -> None:
    """Somebody else has the appeal against it in hand."""
    room.book.add([about(an_appeal(f"a-{name}", at_ms=at_ms - 1), name)])
    room.desk.claim(who, at_ms, case_id(TOPIC, name))


def decide(
    room: GroupRoom,
    name: str,
    settled: Settled = ALLOW,
    who: str = "bob",
    batch: str = "b-2",
    at_ms: int = LATER_MS,
    **words: Any,
) -> Batch:
    mine = case_id(TOPIC, name)
    return room.batches.decide_group(who, at_ms, mine, lambda _: settled, batch, **words)


def newest(room: GroupRoom, name: str) -> DecisionFact:
    found = room.docket(name).case.decided
    assert found is not None
    return found


def test_what_was_decided_along_follows_an_overturn(room: GroupRoom) -> None:
    """Whichever of them it is; each with a record of its own, and the chain before it kept."""
    blocked_together(room, "m-1", "m-2", "m-3")
    room.add("stranger", "something else that was never in the group")
    appealed(room, "m-2")
    assert set(room.batches.along(room.docket("m-2").case)) == names("m-1", "m-3")
    earlier = {name: newest(room, name) for name in ("m-1", "m-2", "m-3")}

    found = decide(room, "m-2")
    assert {docket.case.id for docket in found.settled} == names("m-1", "m-2", "m-3")
    assert (found.id, found.settled[0].case.message_id, found.left_out) == ("b-2", "m-2", {})
    first = newest(room, "m-2")
    assert (first.cause, first.follows, first.appeals) == ("appeal", None, ("a-m-2",))
    for name in ("m-1", "m-3"):
        said = newest(room, name)
        assert (said.outcome, said.cause, said.by, said.reason) == (
            "allow",
            "appeal",
            "bob",
            ALLOW.reason,
        )
        assert (said.batch, said.follows, said.appeals) == ("b-2", first.id, ())
        assert said.supersedes == earlier[name].verdict
        assert room.docket(name).case.decisions == (earlier[name], said)
        assert room.docket(name).case.status is Closure.DECIDED
    assert len({newest(room, name).id for name in earlier}) == 3
    assert room.docket("stranger").case.decisions == ()


def test_what_follows_goes_out_once_each_and_stands_in_the_log(room: GroupRoom) -> None:
    """Behind what the same case had to say before."""
    blocked_together(room, "m-1", "m-2")
    appealed(room, "m-1")
    decide(room, "m-1")
    due = room.outbox.due(LATER_MS + UNDO_MS, 99)
    assert len(due) == 4, "of a case one decision goes out at a time"
    room.outbox.sent([item.id for item in due])
    due = room.outbox.due(LATER_MS + UNDO_MS, 99)
    said = {newest(room, name).id for name in ("m-1", "m-2")}
    assert {item.decision_id for item in due} == said
    assert len(due) == 4
    room.outbox.sent([item.id for item in due])
    assert room.outbox.due(LATER_MS + UNDO_MS, 99) == []

    last = list(log.entries(room.database))[-1]
    first, follower = newest(room, "m-1"), newest(room, "m-2")
    assert (last.who, last.act, last.case_id) == ("bob", "decide", case_id(TOPIC, "m-2"))
    detail = {"decision": follower.id, "outcome": "allow", "batch": "b-2", "follows": first.id}
    assert json.loads(last.detail) == detail
    assert log.verify(room.database).fault is None


def test_what_has_a_word_of_its_own_keeps_it_and_is_named(room: GroupRoom) -> None:
    """An edit, a deletion, an appeal or a decision since; the log says that it was left."""
    kept = ("edited", "deleted", "appealed", "decided")
    blocked_together(room, "m-1", *kept, "follows")
    room.book.add([about(a_verdict_fact("v9", position=f"{TOPIC}/1/9"), "edited")])
    room.book.add([about(a_superseding("v8", "v-deleted", cause="deleted"), "deleted")])
    room.book.add([about(an_appeal("a-own"), "appealed")])
    appealed(room, "decided", "eve", LATER_MS - 9)
    decide(room, "decided", BLOCK, "eve", "b-9", LATER_MS - 9)
    before = {name: room.docket(name).case.decisions for name in kept}

    appealed(room, "m-1")
    found = decide(room, "m-1")
    assert {docket.case.message_id for docket in found.settled} == {"m-1", "follows"}
    why = {name: found.left_out[case_id(TOPIC, name)] for name in kept}
    assert "was edited since" in why["edited"]
    assert "was deleted" in why["deleted"]
    assert "judged by itself" in why["appealed"]
    assert "decided by itself since" in why["decided"]
    assert {name: room.docket(name).case.decisions for name in kept} == before
    left = [entry for entry in log.entries(room.database) if entry.act == "leave"]
    assert {entry.case_id for entry in left} == names(*kept)
    assert {json.loads(entry.detail)["follows"] for entry in left} == {newest(room, "m-1").id}


def test_a_confirmed_decision_leaves_the_others_as_they_are(room: GroupRoom) -> None:
    """It belongs to no batch, and a later overturn of another goes past it."""
    blocked_together(room, "m-1", "m-2", "m-3")
    appealed(room, "m-1")
    found = decide(room, "m-1", BLOCK)
    assert (len(found.settled), found.left_out, found.id) == (1, {}, case_id(TOPIC, "m-1"))
    assert newest(room, "m-1").batch is None
    assert newest(room, "m-2").batch == "b-1"

    appealed(room, "m-2", "eve", LATER_MS + 10)
    found = decide(room, "m-2", ALLOW, "eve", "b-3", LATER_MS + 10)
    assert {docket.case.message_id for docket in found.settled} == {"m-2", "m-3"}
    assert "decided by itself since" in found.left_out[case_id(TOPIC, "m-1")]


def test_whoever_decides_one_alone_says_so(room: GroupRoom) -> None:
    """The others keep what they have, and the log tells."""
    blocked_together(room, "m-1", "m-2")
    appealed(room, "m-1")
    found = decide(room, "m-1", alone=True)
    assert [docket.case.message_id for docket in found.settled] == ["m-1"]
    assert newest(room, "m-1").batch is None
    assert "was decided alone" in found.left_out[case_id(TOPIC, "m-2")]
    assert newest(room, "m-2").outcome == "block"
    assert next(e for e in log.entries(room.database) if e.act == "leave").who == "bob"


def test_an_overturn_is_taken_back_with_all_that_followed(room: GroupRoom) -> None:
    """Then each has the decision that it had, and the appeal is open again."""
    blocked_together(room, "m-1", "m-2")
    appealed(room, "m-1")
    decide(room, "m-1")
    taken = room.batches.undo("bob", LATER_MS + UNDO_MS - 1, "b-2")
    assert (len(taken.settled), taken.left_out) == (2, {})
    assert room.docket("m-1").case.status is Concern.APPEAL
    assert (newest(room, "m-2").outcome, newest(room, "m-2").batch) == ("block", "b-1")

    room.desk.claim("bob", LATER_MS, case_id(TOPIC, "m-1"))
    found = decide(room, "m-1", batch="b-3")
    assert len(found.settled) == 2, "undone, it can be overturned anew"


def test_what_a_second_person_must_agree_to_is_followed_when_they_do(room: GroupRoom) -> None:
    """Not by what is proposed; both stand in the record of each."""
    room.terms = ReviewTerms(approve_outcomes=frozenset({Outcome.ALLOW}))
    blocked_together(room, "m-1", "m-2")
    appealed(room, "m-1")
    found = decide(room, "m-1")
    assert (len(found.settled), found.left_out) == (1, {})
    assert newest(room, "m-2").outcome == "block"

    room.desk.claim("eve", LATER_MS, case_id(TOPIC, "m-1"))
    found = decide(room, "m-1", ALLOW._replace(reason="yes"), "eve", "b-3")
    assert len(found.settled) == 2
    for name in ("m-1", "m-2"):
        said = newest(room, name)
        assert (said.by, said.approved_by, said.batch) == ("bob", "eve", "b-3")
        assert (said.outcome, said.reason) == ("allow", ALLOW.reason)


def test_the_reach_of_all_that_follows_asks_for_a_second_person(room: GroupRoom) -> None:
    room.terms = ReviewTerms(approve_reach=1_000)
    blocked_together(room, "m-1", "m-2")
    room.book.add([about(a_report(reach=5_000), "m-2")])
    appealed(room, "m-1")
    assert decide(room, "m-1").settled[0].handling.proposal is not None
    assert newest(room, "m-2").outcome == "block"
    room.desk.claim("eve", LATER_MS, case_id(TOPIC, "m-1"))
    decide(room, "m-1", ALLOW, "eve", "b-3")
    assert newest(room, "m-2").approved_by == "eve"


def test_nobody_overturns_by_it_what_they_decided_or_may_not_see(room: GroupRoom) -> None:
    """Bob agreed to one of the group that cem had proposed, so cem's own is left to others."""
    room.terms = ReviewTerms(approve_labels=frozenset({"harassment.HH2"}))
    for name in ("m-1", "m-2"):
        room.add(name)
    room.desk.claim("cem", NOW_MS, case_id(TOPIC, "m-2"))
    room.batches.decide_group(
        "cem", NOW_MS, case_id(TOPIC, "m-2"), lambda _: BLOCK, "b-0", alone=True
    )
    room.desk.claim("ann", NOW_MS, case_id(TOPIC, "m-1"))
    room.batches.decide_group(
        "ann", NOW_MS, case_id(TOPIC, "m-1"), lambda _: BLOCK, "b-1", alone=True
    )
    room.desk.claim("bob", NOW_MS, case_id(TOPIC, "m-1"))
    room.group("bob", BLOCK)
    assert (newest(room, "m-1").by, newest(room, "m-2").by) == ("ann", "cem")
    appealed(room, "m-1", "cem")
    found = decide(room, "m-1", who="cem")
    assert "cem decided it" in found.left_out[case_id(TOPIC, "m-2")]
    assert newest(room, "m-2").outcome == "block"


def test_what_another_version_judged_follows_only_where_it_says_the_same(room: GroupRoom) -> None:
    """A label that it has not, or that means something else there, is no ground to decide by."""
    blocked_together(room, "m-1", "m-2", "m-3", "m-4")

    def settle(docket: Docket) -> Settled:
        if docket.case.message_id == "m-2":
            raise ActRefused("there is no label spam.SP9")
        return BLOCK if docket.case.message_id == "m-3" else ALLOW

    appealed(room, "m-1")
    found = room.batches.decide_group("bob", LATER_MS, case_id(TOPIC, "m-1"), settle, "b-2")
    assert {docket.case.message_id for docket in found.settled} == {"m-1", "m-4"}
    assert "no label" in found.left_out[case_id(TOPIC, "m-2")]
    assert "means block in the version" in found.left_out[case_id(TOPIC, "m-3")]


def test_a_process_that_ends_in_the_middle_leaves_nothing_half_done(room: GroupRoom) -> None:
    """Not the case itself either: it waits for whoever has it."""
    blocked_together(room, "m-1", "m-2", "m-3")
    appealed(room, "m-1")

    def settle(docket: Docket) -> Settled:
        if docket.case.message_id == "m-3":
            raise KeyboardInterrupt
        return ALLOW

    with pytest.raises(KeyboardInterrupt):
        room.batches.decide_group("bob", LATER_MS, case_id(TOPIC, "m-1"), settle, "b-2")
    assert [newest(room, name).outcome for name in ("m-1", "m-2", "m-3")] == ["block"] * 3
    assert room.docket("m-1").claimant(LATER_MS) == "bob"
    assert log.verify(room.database).fault is None
    assert len(decide(room, "m-1", batch="b-3").settled) == 3


def test_cases_of_a_query_do_not_follow_each_other(room: GroupRoom) -> None:
    """A person looked at none of them by itself; those that are like one are its group."""
    for name in ("m-1", "m-2", "m-3"):
        room.add(name)
    members = [Seen(room.docket(name).case.id, 1) for name in ("m-1", "m-2")]
    members = [
        Seen(each.case_id, room.docket(n).revision)
        for each, n in zip(members, ("m-1", "m-2"), strict=True)
    ]
    room.batches.decide_all("ann", NOW_MS, members, lambda _: BLOCK, "b-1")
    assert newest(room, "m-1").batch == "b-1"
    assert room.batches.along(room.docket("m-1").case) == ()
    appealed(room, "m-1")
    assert len(decide(room, "m-1").settled) == 1
    assert newest(room, "m-2").outcome == "block"


def test_a_group_that_was_decided_in_pages_is_one(room: GroupRoom) -> None:
    for name in ("m-1", "m-2", "m-3"):
        room.add(name)
    mine = room.desk.claim("ann", NOW_MS, case_id(TOPIC, "m-1"))
    members = (Seen(mine.case.id, mine.revision), *mine.handling.alike)
    room.batches.decide_all("ann", NOW_MS, members, lambda _: BLOCK, "b-1", like=mine.case.id)
    appealed(room, "m-3")
    assert len(decide(room, "m-3").settled) == 3


def test_a_group_of_the_greatest_size_follows_whole(room: GroupRoom) -> None:
    blocked_together(room, *(f"m-{number}" for number in range(GROUP_MAX + 1)))
    appealed(room, "m-7")
    found = decide(room, "m-7")
    assert (len(found.settled), found.left_out) == (GROUP_MAX + 1, {})


def test_a_store_that_was_built_anew_knows_who_was_decided_along(
    room: GroupRoom, store_address: str
) -> None:
    """The topics say it, and nothing else: the outbox is empty then."""
    blocked_together(room, "m-1", "m-2")
    said = [about(newest(room, name), name) for name in ("m-1", "m-2")]
    for name in ("m-1", "m-2"):
        room.desk.undo("ann", NOW_MS, case_id(TOPIC, name))
    assert room.outbox.due(LATER_MS, 9) == []
    room.book.add(said)
    appealed(room, "m-2")
    assert len(decide(room, "m-2").settled) == 2


def test_a_block_that_follows_is_stated_like_any_other(room: GroupRoom) -> None:
    room.terms = ReviewTerms(statements=StatementTerms(topic="{topic}.statements"))
    for name in ("m-1", "m-2"):
        room.add(name)
    room.desk.claim("ann", NOW_MS, case_id(TOPIC, "m-1"))
    room.group("ann", ALLOW)
    room.outbox.sent([item.id for item in room.outbox.due(LATER_MS, 9)])
    appealed(room, "m-1")
    decide(room, "m-1", BLOCK)
    due = room.outbox.due(LATER_MS + UNDO_MS, 9)
    assert [item.kind for item in due].count(ItemKind.STATEMENT) == 2


def test_a_decision_supersedes_what_is_still_on_its_way(room: GroupRoom) -> None:
    """The feed may be down between the two; the second names the first, not what both replace."""
    room.add("m-1")
    room.desk.claim("ann", NOW_MS, case_id(TOPIC, "m-1"))
    decide(room, "m-1", BLOCK, "ann", "b-1", NOW_MS)
    blocked = newest(room, "m-1")
    appealed(room, "m-1")
    decide(room, "m-1")
    assert newest(room, "m-1").supersedes == blocked.verdict
    told = a_superseding(blocked.verdict or "", "v-m-1", outcome="block", cause="human")
    room.book.add([about(replace(told), "m-1")])
    assert room.docket("m-1").case.current_verdict_id == newest(room, "m-1").verdict
