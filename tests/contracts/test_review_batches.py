"""Cases decided together, handed to one person, or kept with a draft: in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, event, or_, select

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.review.cases.case import Closure, Concern
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import VerdictFact, case_id
from consumer.review.cases.handling import Seen
from consumer.review.cases.ruling import ActRefused, Ruling, Settled
from consumer.review.store import log
from consumer.review.store.batches import AT_ONCE
from consumer.review.store.book import MARKED_AT_ONCE
from consumer.review.store.kin import GROUP_MAX, Query
from consumer.review.store.outbox import ItemKind
from consumer.review.store.second_looks import SecondLooks
from consumer.review.store.tables import marks
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
from tests.grouped import FLOOD, UNDO_MS, GroupRoom, flagged, names


@pytest.fixture
def room(store_address: str) -> Iterator[GroupRoom]:
    found = GroupRoom(store_address)
    yield found
    found.database.close()


def test_one_decision_settles_what_says_nearly_the_same(room: GroupRoom) -> None:
    """Each has its own decision and superseding verdict, and all have one batch."""
    first = room.add("m-1")
    for name, text in (("m-2", FLOOD.upper() + "!!"), ("m-3", FLOOD + " now"), ("m-4", "hello")):
        room.add(name, text)
    claimed = room.desk.claim("ann", NOW_MS, first)
    assert {seen.case_id for seen in claimed.handling.alike} == names("m-2", "m-3")

    found = room.group("ann", BLOCK)
    assert {docket.case.id for docket in found.settled} == names("m-1", "m-2", "m-3")
    assert found.settled[0].case.id == first
    assert found.left_out == {}
    decisions = [d for docket in found.settled for d in docket.case.decisions]
    assert {d.batch for d in decisions} == {"b-1"}
    assert len({d.id for d in decisions}) == len({d.verdict for d in decisions}) == 3
    assert {d.supersedes for d in decisions} == {"v-m-1", "v-m-2", "v-m-3"}
    assert room.docket("m-2").case.status is Closure.DECIDED
    assert room.docket("m-2").case.decisions[0].batch == "b-1"
    assert room.docket("m-4").case.status is Concern.FLAG
    assert len(room.outbox.due(NOW_MS + UNDO_MS, 99)) == 6
    assert room.desk.next("bob", NOW_MS) is not None
    assert log.verify(room.database).fault is None


def test_a_decision_holds_for_what_its_maker_saw_alone(room: GroupRoom) -> None:
    """Not for what came later, changed, was taken by another, or asks for an appeal."""
    first = room.add("m-1")
    for name in ("edited", "taken", "appealed", "gone", "legal"):
        room.add(name)
    room.desk.claim("ann", NOW_MS, first)
    room.desk.claim("eve", NOW_MS, case_id(TOPIC, "legal"))
    room.desk.move("eve", NOW_MS, case_id(TOPIC, "legal"), "legal", "")
    room.add("later")
    room.book.add([about(a_verdict_fact("v9", position=f"{TOPIC}/1/9"), "edited")])
    room.desk.claim("bob", NOW_MS, case_id(TOPIC, "taken"))
    room.book.add([about(an_appeal(), "appealed")])
    room.book.add([about(a_superseding("v8", "v-gone", cause="deleted"), "gone")])

    found = room.group("ann", BLOCK)
    assert [docket.case.id for docket in found.settled] == [first]
    why = {name: found.left_out[case_id(TOPIC, name)] for name in ("edited", "taken", "legal")}
    assert "has changed since you saw it" in why["edited"]
    assert "claimed by bob" in why["taken"]
    assert "no right to the queue legal" in why["legal"]
    assert "judged by itself" in found.left_out[case_id(TOPIC, "appealed")]
    assert "is closed" in found.left_out[case_id(TOPIC, "gone")]
    assert case_id(TOPIC, "later") not in found.left_out
    assert room.docket("later").case.status is Concern.FLAG


def test_a_group_is_decided_whole_or_the_case_itself_is_not(room: GroupRoom) -> None:
    """A claim that has run out, or a case that changed, refuses all of it."""
    first = room.add("m-1")
    room.add("m-2")
    room.desk.claim("ann", NOW_MS - 1_000, first)
    with pytest.raises(ActRefused, match="lease has run out"):
        room.group("ann", BLOCK)
    room.desk.claim("ann", NOW_MS, first)
    room.book.add([about(a_verdict_fact("v9", position=f"{TOPIC}/1/9"), "m-1")])
    with pytest.raises(ActRefused, match="has changed since you saw it"):
        room.group("ann", BLOCK)
    with pytest.raises(ActRefused, match="no case"):
        room.group("ann", BLOCK, "m-9")
    assert room.docket("m-2").case.status is Concern.FLAG
    assert room.outbox.due(NOW_MS + HOUR_MS, 9) == []


def test_what_cannot_be_compared_whole_is_like_nothing(room: GroupRoom) -> None:
    """Nor is anything where the topic wants none, in another topic, or while it is held."""
    first = room.add("m-1")
    room.add("cut", text_cut=True)
    room.add("empty", "")
    room.book.add([flagged("elsewhere", FLOOD)._replace(topic="other")])
    held = room.add("held")
    room.desk.claim("bob", NOW_MS, held)
    room.desk.hold("bob", NOW_MS, held, 100, "")
    assert room.desk.claim("ann", NOW_MS, first).handling.alike == ()
    assert len(room.desk.claim("ann", NOW_MS + 100, first).handling.alike) == 1
    room.terms = ReviewTerms(alike=0)
    assert room.desk.claim("ann", NOW_MS + 200, first).handling.alike == ()
    room.terms = ReviewTerms(alike=1)
    room.add("near", FLOOD + " now")
    assert len(room.desk.claim("ann", NOW_MS + 300, first).handling.alike) == 1
    room.book.add([about(an_appeal(), "m-1")])
    assert room.desk.claim("ann", NOW_MS + 400, first).handling.alike == ()


def test_a_flood_costs_a_claim_no_more_than_its_limit(room: GroupRoom) -> None:
    """A few statements, however many say the same; those beyond are the next one's."""
    room.book.add([flagged(f"m-{n}", FLOOD) for n in range(GROUP_MAX + 20)])
    statements: list[str] = []
    engine = room.database._engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    docket = room.desk.next("ann", NOW_MS)
    assert docket is not None
    assert len(docket.handling.alike) == GROUP_MAX
    assert len(statements) < 20


def test_a_batch_is_taken_back_as_a_whole(room: GroupRoom) -> None:
    """By whoever decided it, until it goes out; then nothing of it is left but in the log."""
    first = room.add("m-1")
    room.add("m-2")
    room.desk.claim("ann", NOW_MS, first)
    room.group("ann", BLOCK)

    with pytest.raises(ActRefused, match="no batch b-9"):
        room.batches.undo("ann", NOW_MS, "b-9")
    assert set(room.batches.undo("bob", NOW_MS, "b-1").left_out) == names("m-1", "m-2")
    found = room.batches.undo("ann", NOW_MS + UNDO_MS - 1, "b-1")
    assert (len(found.settled), found.left_out) == (2, {})
    assert room.docket("m-2").case.decisions == ()
    assert room.docket("m-2").case.status is Concern.FLAG
    assert room.outbox.due(NOW_MS + HOUR_MS, 9) == []

    room.desk.claim("ann", NOW_MS, first)
    room.group("ann", ALLOW, batch="b-2")
    late = room.batches.undo("ann", NOW_MS + UNDO_MS, "b-2")
    assert late.settled == ()
    assert all("has been published" in why for why in late.left_out.values())


def test_what_needs_a_second_person_is_proposed_and_agreed_to_together(room: GroupRoom) -> None:
    doubtful = Settled(Outcome.BLOCK, "harassment.HH1", None, "rude")
    first = room.add("m-1")
    room.add("m-2")
    room.desk.claim("ann", NOW_MS, first)
    room.group("ann", doubtful)
    assert room.outbox.due(NOW_MS + HOUR_MS, 9) == []
    assert room.docket("m-2").handling.proposal is not None

    room.desk.claim("bob", NOW_MS, first)
    room.group("bob", doubtful, batch="b-2")
    for name in ("m-1", "m-2"):
        (decision,) = room.docket(name).case.decisions
        assert (decision.by, decision.approved_by, decision.batch) == ("ann", "bob", "b-2")


def test_a_query_finds_open_cases_by_author_label_topic_and_queue(room: GroupRoom) -> None:
    room.add("m-1", "one", author="u-7")
    room.add("m-2", "two", author="u-7", label="SP3")
    room.add("m-3", "three", author="u-8")
    room.add("m-4", "four", author="u-7")
    room.desk.claim("bob", NOW_MS, case_id(TOPIC, "m-4"))

    def found(**query: str) -> set[str]:
        return {seen.case_id for seen in room.batches.find("ann", Query(**query), NOW_MS)}

    assert found(author="u-7") == names("m-1", "m-2")
    assert found(label="spam.SP3") == names("m-2")
    assert found(author="u-8", label="spam.SP3") == set()
    assert found(topic="other") == set()
    assert found(topic=TOPIC, queue="review") == names("m-1", "m-2", "m-3")
    room.book.add([about(an_appeal(), "m-1")])
    assert found(author="u-7") == names("m-2")
    room.book.add([about(a_superseding("v9", "v-m-2"), "m-2")])
    assert found(label="spam.SP3") == set()


def test_many_cases_are_decided_in_parts_and_those_that_changed_left_out(room: GroupRoom) -> None:
    number = AT_ONCE + 5
    room.book.add([flagged(f"m-{n}", f"text {n}") for n in range(number)])
    members = room.batches.find("ann", Query(author="u-1"), NOW_MS)
    room.book.add([about(a_verdict_fact("v9", position=f"{TOPIC}/1/9"), "m-3")])
    members = (*members, Seen("nowhere", 0))

    def settle(docket: Docket) -> Settled:
        if docket.case.message_id == "m-4":
            raise ActRefused("there is no label")
        return ALLOW

    found = room.batches.decide_all("ann", NOW_MS, members, settle, "b-1")
    assert len(found.settled) == number - 2
    assert set(found.left_out) == names("m-3", "m-4") | {"nowhere"}
    assert len(room.batches.undo("ann", NOW_MS, "b-1").settled) == number - 2


def test_an_edit_takes_the_marks_of_the_old_text_away(room: GroupRoom) -> None:
    room.add("m-1", "an older text with several words", author="u-7")
    with room.database.reading() as connection:
        before = set(connection.execute(select(marks.c.mark)).scalars())
    edit = flagged("m-1", "something new altogether", author="u-7").fact
    assert isinstance(edit, VerdictFact)
    room.book.add([about(replace(edit, id="v9", position=f"{TOPIC}/1/9"), "m-1")])
    with room.database.reading() as connection:
        after = set(connection.execute(select(marks.c.mark)).scalars())
    assert {mark.partition(":")[0] for mark in before & after} == {
        "at",
        "author",
        "label",
        "policy",
    }
    # What it said before is gone; where both versions lie stays.
    assert len(after) == len(before) + 1 == 9


def test_what_is_in_a_closed_queue_is_shown_to_nobody_else(room: GroupRoom) -> None:
    """Neither with a case that says the same nor by a query; the log says who saw what."""
    first, hidden, open_to_all = room.add("m-1"), room.add("m-2"), room.add("m-3")
    room.desk.claim("eve", NOW_MS, hidden)
    room.desk.move("eve", NOW_MS, hidden, "legal", "")

    alike = room.desk.claim("ann", NOW_MS, first).handling.alike
    assert [seen.case_id for seen in alike] == [open_to_all]
    last = list(log.entries(room.database))[-1]
    assert last.detail == f'{{"alike":["{open_to_all}"]}}'
    query = Query(author="u-1")
    assert hidden not in {seen.case_id for seen in room.batches.find("ann", query, NOW_MS)}
    assert hidden in {seen.case_id for seen in room.batches.find("eve", query, NOW_MS)}


LASTING = or_(*(marks.c.mark.startswith(kind) for kind in ("author:", "at:", "policy:", "with:")))
"""Marks that outlive a decision, for search and for the author's record."""


def test_only_open_cases_are_found_by_what_they_say(room: GroupRoom) -> None:
    """Of a flood that was decided nothing stands in the way; taken back, it is found again."""
    mine = room.add("m-1")
    other = room.add("m-2")

    def marked() -> set[str]:
        with room.database.reading() as connection:
            return set(connection.execute(select(marks.c.case_id).where(~LASTING)).scalars())

    room.desk.claim("ann", NOW_MS, mine)
    room.group("ann", BLOCK)
    assert marked() == set()
    room.batches.undo("ann", NOW_MS, "b-1")
    assert marked() == {mine, other}
    room.desk.claim("ann", NOW_MS, mine)
    room.group("ann", BLOCK, batch="b-2")
    room.book.add([about(an_appeal(), "m-1")])
    assert marked() == {mine}
    room.book.add([about(a_superseding("v8", "v-m-2", cause="deleted"), "m-2")])
    assert marked() == {mine}


def test_a_store_without_marks_gets_them(room: GroupRoom) -> None:
    """One of an earlier release; closed cases have only those that last; twice changes nothing."""
    number = MARKED_AT_ONCE + 2
    room.book.add([flagged(f"m-{n}", FLOOD) for n in range(number)])
    room.book.add([about(a_superseding("v9", "v-m-0"), "m-0")])

    def marked() -> list[tuple[str, str]]:
        with room.database.reading() as connection:
            return sorted((row.case_id, row.mark) for row in connection.execute(select(marks)))

    before = marked()
    assert len(before) == (number - 1) * 8 + 3
    with room.database.writing() as connection:
        connection.execute(delete(marks))
    for _ in range(2):
        room.book.mark_again()
        assert marked() == before


def test_what_is_assigned_is_one_persons_alone(room: GroupRoom) -> None:
    """They get it before all else; others may hand it on, and a skip gives it back to all."""
    room.book.add([about(a_verdict_fact(severity="critical"), "grave")])
    mine = room.add("m-1")
    room.desk.assign("ann", NOW_MS, mine, "eve", "knows Dutch")

    assert room.docket("m-1").handling.assigned_to == "eve"
    bobs = room.desk.next("bob", NOW_MS)
    assert bobs is not None
    assert bobs.case.message_id == "grave"
    assert room.desk.next("cem", NOW_MS) is None
    with pytest.raises(ActRefused, match="assigned to eve: assign it to bob"):
        room.desk.claim("bob", NOW_MS, mine)
    room.desk.skip("bob", NOW_MS, bobs.case.id)
    eves = room.desk.next("eve", NOW_MS)
    assert eves is not None
    assert eves.case.id == mine
    with pytest.raises(ActRefused, match="claimed by eve"):
        room.desk.assign("ann", NOW_MS, mine, "bob", "")
    room.desk.hold("eve", NOW_MS, mine, 10, "")
    assert room.docket("m-1").handling.assigned_to == "eve"
    room.desk.claim("eve", NOW_MS, mine)
    room.desk.skip("eve", NOW_MS, mine)
    assert room.desk.claim("bob", NOW_MS, mine).handling.assigned_to is None


def test_nobody_is_handed_what_they_may_not_decide(room: GroupRoom) -> None:
    mine = room.add("m-1")
    room.desk.claim("eve", NOW_MS, mine)
    room.desk.move("eve", NOW_MS, mine, "legal", "")
    for by, to in (("ann", "eve"), ("eve", "ann")):
        with pytest.raises(ActRefused, match="ann has no right to the queue legal"):
            room.desk.assign(by, NOW_MS, mine, to, "")
    room.book.add([about(a_superseding("v9", "v-m-1"), "m-1")])
    with pytest.raises(ActRefused, match="nothing is asked"):
        room.desk.assign("eve", NOW_MS, mine, "eve", "")


def test_a_draft_waits_for_whoever_wrote_it(room: GroupRoom) -> None:
    """Also when the lease has run out or a report came in; never for anybody else."""
    mine = room.add("m-1")
    said = Ruling(Outcome.BLOCK, "harassment.HH2", None, "an insult, I think")
    with pytest.raises(ActRefused, match="not claimed"):
        room.desk.draft("ann", NOW_MS, mine, said)
    room.desk.claim("ann", NOW_MS, mine)
    room.desk.draft("ann", NOW_MS, mine, said)
    room.desk.claim("bob", NOW_MS + 1_000, mine)
    assert room.docket("m-1").draft_of("bob") is None
    room.book.add([about(a_report(), "m-1")])
    again = room.desk.claim("ann", NOW_MS + 2_000, mine)
    assert again.draft_of("ann") == said
    room.desk.decide("ann", NOW_MS + 2_000, mine, lambda _: BLOCK, "d1")
    assert room.docket("m-1").handling.draft is None
    room.desk.undo("ann", NOW_MS + 2_000, mine)
    assert room.docket("m-1").draft_of("ann") is None


def test_a_block_is_stated_only_where_the_topic_wants_it(room: GroupRoom) -> None:
    """In the outbox, beside the decision and the verdict, and taken back with them."""
    statements = StatementTerms(topic="{topic}.statements", exempt=frozenset({"spam.SP2"}))
    room.terms = ReviewTerms(statements=statements)

    def kinds(settled: Settled) -> list[ItemKind]:
        mine = room.add("m-1")
        room.desk.claim("ann", NOW_MS, mine)
        room.desk.decide("ann", NOW_MS, mine, lambda _: settled, "d1")
        found = [item.kind for item in room.outbox.due(NOW_MS + UNDO_MS, 9)]
        room.desk.undo("ann", NOW_MS, mine)
        assert room.outbox.due(NOW_MS + UNDO_MS, 9) == []
        return found

    assert kinds(BLOCK) == [ItemKind.DECISION, ItemKind.VERDICT, ItemKind.STATEMENT]
    for settled in (ALLOW, BLOCK._replace(label="spam.SP2")):
        assert kinds(settled) == [ItemKind.DECISION, ItemKind.VERDICT]
    room.terms = ReviewTerms(statements=StatementTerms())
    assert kinds(BLOCK) == [ItemKind.DECISION, ItemKind.VERDICT]


def test_somebody_is_given_nothing_of_policies_they_leave_to_others(room: GroupRoom) -> None:
    """In any queue, and as a second look neither; by hand they may still be given it."""
    for number, policy in enumerate(("violence", "spam")):
        judgement = {"policy": policy, "label": "X", "outcome": "flag", "rules": []}
        message = {"id": f"m-{number}", "text": f"quite {number} another {policy}", "author": "u"}
        envelope = {"message": message, "judgements": [judgement]}
        place = f"{TOPIC}/1/{number}"
        changes = {"position": place, "envelope": envelope, "at_ms": NOW_MS + number}
        fact = a_verdict_fact(f"v{number}", **changes)
        room.book.add([about(fact, message_id=f"m-{number}")])
    first = case_id(TOPIC, "m-0")
    given = room.desk.next("ann", NOW_MS, None, ("violence",))
    assert given is not None
    assert given.case.message_id == "m-1"
    room.desk.skip("ann", NOW_MS, given.case.id)
    for queue in (None, "review"):
        assert room.desk.next("ann", NOW_MS, queue, ("violence", "other")) is None
        assert room.desk.next("ann", NOW_MS, queue, ("violence", "spam")) is None
    room.desk.assign("eve", NOW_MS, first, "ann", "")
    handed = room.desk.next("ann", NOW_MS, None, ("violence",))
    assert handed is not None
    assert handed.case.id == first
    room.desk.decide("ann", NOW_MS, first, lambda _: ALLOW, "d1")
    looks = SecondLooks(room.database, 1.0)
    assert looks.due("bob", NOW_MS, [], ("violence",)) is None
    assert looks.due("bob", NOW_MS, [], ("spam",)) == first
