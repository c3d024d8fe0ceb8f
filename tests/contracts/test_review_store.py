"""The review store in both databases: what holds for one holds for the other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, func, select, text, update

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.errors import InvalidSettings, StoreUnavailable
from consumer.interfaces import Output
from consumer.review.cases.case import Closure, Concern
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import case_id
from consumer.review.cases.handling import CaseState, TakenAway
from consumer.review.cases.ruling import ActRefused, Ruling, Settled
from consumer.review.store import log
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.lead_desk import LeadDesk
from consumer.review.store.outbox import ItemState, Outbox
from consumer.review.store.survey import claims
from consumer.review.store.tables import cases, metadata, outbox
from consumer.review.store.tables import log as log_table
from tests.cases import (
    ALLOW,
    BLOCK,
    HOUR_MS,
    NOW_MS,
    TOPIC,
    a_decision,
    a_report,
    a_superseding,
    a_verdict_fact,
    about,
    an_appeal,
)
from tests.databases import RealPostgres

TERMS = ReviewTerms(sla_s=3_600, approve_labels=frozenset({"harassment.HH1"}))
CASE = case_id(TOPIC, "m-1")
LEASE_MS = 1_000


class Room:
    """A store and its desk."""

    def __init__(self, address: str, **terms: object) -> None:
        self.database = Database(address)
        self.book = CaseBook(self.database, lambda _: TERMS)
        given = DeskTerms(lease_ms=LEASE_MS, undo_ms=500)._replace(**terms)  # type: ignore[arg-type]
        self.desk = ReviewDesk(self.database, self.book, given)
        self.outbox = Outbox(self.database)

    def decide(self, who: str, settled: Settled, now_ms: int = NOW_MS, id: str = "d1") -> Docket:
        return self.desk.decide(who, now_ms, CASE, lambda _: settled, id)


@pytest.fixture
def room(store_address: str) -> Iterator[Room]:
    found = Room(store_address)
    yield found
    found.database.close()


def test_the_migrations_make_the_tables_that_the_code_means(no_store_yet: str) -> None:
    """A table that is changed without a migration fails here."""
    database = Database(no_store_yet)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_several_may_open_a_new_store_at_once(no_store_yet: str) -> None:
    """One makes the tables and the others wait."""
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(Database, [no_store_yet] * 6))
    for database in found:
        database.close()


def test_a_store_of_a_later_release_is_left_alone(store_address: str) -> None:
    database = Database(store_address)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(InvalidSettings, match="of a later release"):
        Database(store_address)


def test_a_connection_that_is_cut_is_a_store_that_is_away(room: Room) -> None:
    """Whoever waits for the store waits for this too: the driver does not always say it so."""
    for transaction in (room.database.reading, room.database.writing):
        with pytest.raises(StoreUnavailable, match="reset"), transaction():
            raise ConnectionResetError(104, "reset by peer")
    assert room.book.add([about(a_verdict_fact())]) == 1


def test_a_fact_is_taken_up_once_and_its_case_follows(room: Room) -> None:
    assert room.book.add([about(a_verdict_fact()), about(a_verdict_fact())]) == 1
    assert room.book.add([about(a_verdict_fact()), about(a_report())]) == 1
    docket = room.book.look(CASE)

    assert docket is not None
    assert docket.case.status is Concern.REPORT
    assert docket.case.message_id == "m-1"
    assert docket.revision == 1
    assert room.book.look("no such case") is None


def test_texts_that_a_database_may_choke_on_come_back_as_they_were(room: Room) -> None:
    """NUL, an unpaired half of a pair as JSON escapes it, right-to-left, and a megabyte."""
    for number, hostile in enumerate(("a\0b", "\u202ex", "z" * 1_000_000, "'; DROP TABLE cases;")):
        fact = a_verdict_fact(f"h{number}", envelope={"message": {"text": hostile}})
        room.book.add([about(fact, message_id=hostile)])
        docket = room.book.look(case_id(TOPIC, hostile))
        assert docket is not None
        assert docket.case.message_id == hostile
        assert docket.case.verdicts == (fact,)


def test_a_flood_of_reports_is_counted_whole_and_kept_in_part(room: Room) -> None:
    room.book.add([about(a_report(f"r{n}", reporter=f"p{n % 60}")) for n in range(120)])
    docket = room.book.look(CASE)

    assert docket is not None
    assert docket.case.reporters == 60
    assert len(docket.case.reports) == 50
    assert docket.queue == "escalated"


def test_what_is_risky_and_old_is_handed_out_first(room: Room) -> None:
    room.book.add(
        [
            about(a_verdict_fact("v1", severity="low"), "mild"),
            about(a_verdict_fact("v2", severity="critical"), "grave"),
            about(a_verdict_fact("v3", severity="low", at_ms=NOW_MS - HOUR_MS), "old"),
            about(a_verdict_fact("v4", severity="low"), "reported"),
            about(a_report(reporter="x"), "reported"),
        ]
    )
    order = []
    for number in range(4):
        docket = room.desk.next(f"reviewer-{number}", NOW_MS)
        assert docket is not None
        order.append(docket.case.message_id)
    assert order == ["old", "grave", "reported", "mild"]
    assert room.desk.next("one more", NOW_MS) is None


def test_a_claim_is_exclusive_until_its_lease_has_run_out(room: Room) -> None:
    room.book.add([about(a_verdict_fact())])

    assert room.desk.next("ann", NOW_MS) is not None
    assert room.desk.next("bob", NOW_MS + LEASE_MS - 1) is None
    again = room.desk.next("ann", NOW_MS + 10)
    assert again is not None
    assert again.case.id == CASE
    assert room.desk.next("bob", NOW_MS + LEASE_MS) is None, "ann's lease began anew"
    assert room.desk.next("bob", NOW_MS + LEASE_MS + 10) is not None
    with pytest.raises(ActRefused, match="claimed by bob"):
        room.decide("ann", ALLOW, NOW_MS + LEASE_MS + 11)


def test_fifty_claimants_at_once_never_hold_one_case_twice(room: Room) -> None:
    """Each takes cases until there are none, and leaves what it took to nobody."""
    room.book.add([about(a_verdict_fact(f"v{n}"), f"m-{n}") for n in range(150)])
    taken: Counter[str] = Counter()
    faults: list[BaseException] = []
    start = threading.Barrier(50)

    def work(name: str) -> list[str]:
        found = []
        start.wait()
        while (docket := room.desk.next(name, NOW_MS)) is not None:
            found.append(docket.case.id)
            room.desk.hold(name, NOW_MS, docket.case.id, HOUR_MS, "done with")
        return found

    with ThreadPoolExecutor(50) as pool:
        for found in pool.map(work, [f"reviewer-{n}" for n in range(50)]):
            taken.update(found)
    assert faults == []
    assert len(taken) == 150
    assert set(taken.values()) == {1}
    assert log.verify(room.database) == (300, None)


def test_what_somebody_skipped_is_never_handed_to_them_again(room: Room) -> None:
    """Others get it; they may still ask for it by its id."""
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.desk.skip("ann", NOW_MS, CASE)

    assert room.desk.next("ann", NOW_MS) is None
    room.book.add([about(a_report())])
    assert room.desk.next("ann", NOW_MS + HOUR_MS) is None
    bobs = room.desk.next("bob", NOW_MS)
    assert bobs is not None
    room.desk.skip("bob", NOW_MS, CASE)
    assert room.desk.claim("ann", NOW_MS, CASE).claimant(NOW_MS) == "ann"


def test_what_is_held_comes_back_when_its_time_has_come(room: Room) -> None:
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.desk.hold("ann", NOW_MS, CASE, 500, "waiting for the author")

    assert room.desk.next("bob", NOW_MS + 499) is None
    assert room.desk.next("bob", NOW_MS + 500) is not None
    room.desk.hold("bob", NOW_MS + 500, CASE, HOUR_MS, "waiting once more")
    room.book.add([about(a_report())])
    assert room.desk.next("cem", NOW_MS + 500) is None, "one more report is no news"
    room.book.add([about(an_appeal())])
    assert room.desk.next("bob", NOW_MS + 500) is not None, "what was waited for has come"
    with pytest.raises(ActRefused, match=r"168 h at most \(review.hold_max_s\)"):
        room.desk.hold("bob", NOW_MS + 500, CASE, 604_800_001, "")


def test_queues_have_rights_of_their_own(store_address: str) -> None:
    """At the hand-out, at a claim by id, at a look, and at the decision."""
    room = Room(store_address, rights={"legal": ["eve"]})
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.desk.move("ann", NOW_MS, CASE, "legal", "a threat")

    assert room.desk.next("ann", NOW_MS) is None
    for act in (room.desk.claim, room.desk.show):
        with pytest.raises(ActRefused, match="no right to the queue legal"):
            act("ann", NOW_MS, CASE)
    assert room.desk.next("eve", NOW_MS, "review") is None
    found = room.desk.next("eve", NOW_MS, "legal")
    assert found is not None
    assert found.state(NOW_MS) is CaseState.CLAIMED
    fired = ReviewDesk(room.database, room.book, DeskTerms(rights={"legal": []}))
    with pytest.raises(ActRefused, match="no right to the queue legal"):
        fired.decide("eve", NOW_MS, CASE, lambda _: ALLOW, "d1")
    room.database.close()


def test_a_decision_on_a_case_that_changed_is_refused_with_what_changed(room: Room) -> None:
    """A report does not change what is to be decided; an edit does, until it is looked at."""
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.book.add([about(a_report())])
    edit = a_verdict_fact("v4", position=f"{TOPIC}/1/9")
    room.book.add([about(edit), about(an_appeal(position=f"{TOPIC}/1/9"))])

    with pytest.raises(ActRefused, match=rf"verdict flag \(cause model, {TOPIC}/1/9\); appeal a1"):
        room.decide("ann", ALLOW)
    room.desk.show("bob", NOW_MS, CASE)
    with pytest.raises(ActRefused, match="has changed since you saw it"):
        room.decide("ann", ALLOW)
    room.desk.show("ann", NOW_MS, CASE)
    docket = room.decide("ann", ALLOW)
    assert docket.case.status is Closure.DECIDED
    assert docket.case.decisions[0].position == f"{TOPIC}/1/9"


def test_a_deletion_takes_a_case_out_of_the_hands_that_have_it(room: Room) -> None:
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.book.add([about(a_superseding(cause="deleted"))])

    with pytest.raises(ActRefused, match="is closed by now"):
        room.decide("ann", ALLOW)
    assert room.desk.next("bob", NOW_MS) is None


def test_a_second_person_agrees_and_both_are_in_the_record(room: Room) -> None:
    doubtful = Settled(Outcome.BLOCK, "harassment.HH1", None, "rude")
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    assert room.decide("ann", doubtful).state(NOW_MS) is CaseState.ESCALATED
    assert room.desk.next("ann", NOW_MS) is None
    assert room.outbox.due(NOW_MS + HOUR_MS, 9) == []

    assert room.desk.next("bob", NOW_MS) is not None
    docket = room.decide("bob", doubtful._replace(reason="so it is"), id="d2")
    (decision,) = docket.case.decisions
    assert (decision.by, decision.approved_by) == ("ann", "bob")
    kept = room.book.look(CASE)
    assert kept is not None
    assert kept.case.decisions == (decision,)
    assert [item.id for item in room.outbox.due(NOW_MS + HOUR_MS, 9)] == [
        "d2:decision",
        "d2:verdict",
    ]


def test_an_appeal_is_never_handed_to_whom_it_questions(room: Room) -> None:
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.decide("ann", BLOCK)
    room.book.add([about(an_appeal())])

    assert room.desk.next("ann", NOW_MS + HOUR_MS) is None
    assert room.desk.next("bob", NOW_MS + HOUR_MS) is not None
    docket = room.decide("bob", ALLOW, NOW_MS + HOUR_MS, "d2")
    assert [d.cause for d in docket.case.decisions] == ["human", "appeal"]


def test_a_decision_can_be_taken_back_until_it_goes_out(room: Room) -> None:
    """By whoever made it; then it is as if it had never been, but in the log."""
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.decide("ann", BLOCK)

    with pytest.raises(ActRefused, match="no decision of bob"):
        room.desk.undo("bob", NOW_MS, CASE)
    assert room.outbox.due(NOW_MS + 499, 9) == []
    undone = room.desk.undo("ann", NOW_MS + 499, CASE)
    assert undone.case.status is Concern.FLAG
    assert room.outbox.due(NOW_MS + HOUR_MS, 9) == []
    assert room.desk.next("ann", NOW_MS + 499) is not None
    room.decide("ann", ALLOW, NOW_MS + 499, "d2")
    with pytest.raises(ActRefused, match="has been published"):
        room.desk.undo("ann", NOW_MS + 999, CASE)
    acts = [entry.act for entry in log.entries(room.database)]
    assert acts == ["claim", "decide", "undo", "claim", "decide"]


def test_one_process_at_a_time_has_the_turn_to_publish(room: Room) -> None:
    """Until it gives the turn up, or its time has passed."""
    assert room.outbox.take_turn("a", NOW_MS, 100)
    assert not room.outbox.take_turn("b", NOW_MS + 99, 100)
    assert room.outbox.take_turn("a", NOW_MS + 50, 100)
    assert not room.outbox.take_turn("b", NOW_MS + 149, 100)
    assert room.outbox.take_turn("b", NOW_MS + 150, 100)
    room.outbox.give_turn("a")
    assert not room.outbox.take_turn("a", NOW_MS + 151, 100)
    room.outbox.give_turn("b")
    assert room.outbox.take_turn("a", NOW_MS + 151, 100)


def test_of_a_case_one_decision_goes_out_at_a_time(room: Room) -> None:
    """What a later one says must not pass what an earlier one says."""
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.decide("ann", BLOCK)
    room.book.add([about(an_appeal())])
    room.desk.next("bob", NOW_MS)
    room.decide("bob", ALLOW, id="d2")
    later = NOW_MS + HOUR_MS

    names = [item.id for item in room.outbox.due(later, 9)]
    assert names == ["d1:decision", "d1:verdict"]
    floors = {name: (Output("out", 1), 5) for name in names}
    assert room.outbox.sending({**floors, "taken back": (Output("out", 1), 5)}, later) == set(names)
    sending = room.outbox.due(later, 9)
    assert [(i.state, i.floor, i.floor_offset) for i in sending] == [
        (ItemState.SENDING, Output("out", 1), 5)
    ] * 2
    room.outbox.sent(["d1:decision"])
    assert [item.id for item in room.outbox.due(later, 9)] == ["d1:verdict"]
    room.outbox.give_up("d1:verdict", "the record is gone")
    assert [item.id for item in room.outbox.due(later, 9)] == ["d2:decision", "d2:verdict"]


def test_a_decision_without_a_verdict_to_replace_is_published_alone(room: Room) -> None:
    room.book.add([about(a_report(position=None, verdict=None))])
    room.desk.next("ann", NOW_MS)
    room.decide("ann", ALLOW)

    assert [item.id for item in room.outbox.due(NOW_MS + 500, 9)] == ["d1:decision"]


def test_an_act_that_fails_half_way_leaves_nothing(room: Room) -> None:
    """Neither the claim nor its line in the log."""
    room.book.add([about(a_verdict_fact())])
    with pytest.raises(ZeroDivisionError):
        room.desk.decide("ann", NOW_MS, CASE, lambda _: 1 // 0, "d1")  # type: ignore[arg-type, return-value]
    with pytest.raises(ActRefused):
        room.decide("ann", ALLOW)
    assert log.verify(room.database) == (0, None)


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ("UPDATE log SET who = 'bob' WHERE number = 2", "entry 2 is not as it was written"),
        ("UPDATE log SET detail = '{}' WHERE number = 2", "entry 2 is not as it was written"),
        ("DELETE FROM log WHERE number = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM log WHERE number = 3", "the log ends at 2, but 3 were written"),
        ("UPDATE log SET previous = '' WHERE number = 3", "entry 3 is not as it was written"),
    ],
)
def test_whoever_changes_the_log_is_found_out(room: Room, harm: str, fault: str) -> None:
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    room.desk.hold("ann", NOW_MS, CASE, 5, "wait")
    room.desk.claim("bob", NOW_MS, CASE)
    assert log.verify(room.database) == (3, None)
    with room.database.writing() as connection:
        connection.execute(text(harm))

    assert log.verify(room.database).fault == fault


def test_a_forged_entry_with_a_fitting_digest_breaks_the_next_one(room: Room) -> None:
    room.book.add([about(a_verdict_fact())])
    for _ in range(3):
        room.desk.claim("ann", NOW_MS, CASE)
    with room.database.writing() as connection:
        row = connection.execute(select(log_table).where(log_table.c.number == 2)).one()
        forged = log.Entry(*row)._replace(who="bob")
        connection.execute(
            update(log_table)
            .where(log_table.c.number == 2)
            .values(who="bob", digest=forged.due_digest)
        )
    assert log.verify(room.database) == (2, "entry 3 is not as it was written")


def test_the_same_facts_in_another_order_make_the_same_store(
    store_address: str, room: Room
) -> None:
    found = [
        about(a_verdict_fact()),
        about(a_superseding("v2", "v1", cause="human", outcome="block")),
        about(a_decision(verdict="v2", approved_by="bob")),
        about(a_report()),
        about(an_appeal()),
        about(a_verdict_fact("o1"), "m-2"),
        about(a_report("r9"), "m-2"),
    ]
    room.book.add(found)
    once = _cases(room)
    with room.database.writing() as connection:
        for table in ("facts", "cases", "questioned"):
            connection.execute(text(f"DELETE FROM {table}"))
    for fact in reversed(found):
        room.book.add([fact])

    assert _cases(room) == once
    assert len(once) == 2


def _cases(room: Room) -> list[object]:
    with room.database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(cases).order_by(cases.c.id))]


def test_a_database_that_is_away_is_told_in_words() -> None:
    with pytest.raises(StoreUnavailable, match=r"Look at review\.store"):
        Database("postgresql://safeguard@127.0.0.1:1/store")
    with pytest.raises(StoreUnavailable, match=r"Look at review\.store"):
        Database("sqlite:////no/such/folder/review.sqlite")
    with pytest.raises(InvalidSettings, match=r"review\.store cannot be read"):
        Database("postgresql://host:port/store")


@pytest.mark.postgres
def test_a_server_that_is_started_again_is_used_again() -> None:
    """What was committed is there; what was under way is refused and can be said again."""
    with RealPostgres() as postgres:
        room = Room(postgres.database())
        room.book.add([about(a_verdict_fact())])
        postgres.kill()
        with pytest.raises(StoreUnavailable):
            room.desk.next("ann", NOW_MS)
        postgres.start()
        assert room.desk.next("ann", NOW_MS) is not None
        with room.database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(outbox)).scalar() == 0
        room.database.close()


def test_a_lead_takes_a_case_over(room: Room) -> None:
    """Whoever had it is told who took it and can decide nothing; the lead's claim goes on."""
    room.book.add([about(a_verdict_fact())])
    leads = LeadDesk(room.database, room.desk)
    with pytest.raises(ActRefused, match="nobody else has it"):
        leads.take_over("eve", NOW_MS, CASE)
    room.desk.next("ann", NOW_MS)
    room.desk.draft("ann", NOW_MS, CASE, Ruling(Outcome.BLOCK, None, None, "half a word"))
    with pytest.raises(ActRefused, match="nobody else has it"):
        leads.take_over("ann", NOW_MS, CASE)

    taken = leads.take_over("eve", NOW_MS + 1, CASE)
    assert taken.claimant(NOW_MS + 1) == "eve"
    assert taken.handling.taken == TakenAway("ann", "eve")
    with pytest.raises(ActRefused, match="was taken from you by eve, a lead"):
        room.decide("ann", BLOCK, NOW_MS + 2)
    with pytest.raises(ActRefused, match="was taken from you by eve, a lead"):
        room.desk.extend("ann", NOW_MS + 2, CASE)
    shown = room.desk.show("eve", NOW_MS + 500, CASE)
    assert shown.handling.taken == TakenAway("ann", "eve"), "looking at it tells nobody anything"
    assert (shown.handling.claimed_ms, shown.draft_of("ann")) == (
        NOW_MS + 1,
        Ruling(Outcome.BLOCK, None, None, "half a word"),
    )
    assert room.decide("eve", BLOCK, NOW_MS + 501).state(NOW_MS + 501) is CaseState.DECIDED
    acts = [(each.who, each.act, each.detail) for each in log.entries(room.database)]
    assert ("eve", "take over", '{"from":"ann"}') in acts


def test_a_lead_puts_a_case_back(room: Room) -> None:
    """Anybody may have it, also who had it, who then was not robbed of it any more."""
    room.book.add([about(a_verdict_fact())])
    leads = LeadDesk(room.database, room.desk)
    room.desk.assign("eve", NOW_MS, CASE, "ann", "")
    room.desk.next("ann", NOW_MS)
    (claim,) = claims(room.database, NOW_MS + 60_000 - 59_500)
    assert (claim.person, claim.since_ms) == ("ann", NOW_MS)

    back = leads.put_back("eve", NOW_MS + 1, CASE)
    assert (back.claimant(NOW_MS + 1), back.handling.assigned_to) == (None, None)
    assert claims(room.database, NOW_MS + 1) == []
    with pytest.raises(ActRefused, match="was taken from you by eve, a lead"):
        room.decide("ann", BLOCK, NOW_MS + 2)
    given = room.desk.next("bob", NOW_MS + 3)
    assert given is not None
    assert given.handling.taken == TakenAway("ann", "eve")
    room.desk.skip("bob", NOW_MS + 4, CASE)
    again = room.desk.next("ann", NOW_MS + 5)
    assert again is not None
    assert (again.handling.taken, again.handling.claimed_ms) == (None, NOW_MS + 5)
    assert log.verify(room.database).fault is None


def test_a_lead_has_no_more_right_to_a_queue_than_others(store_address: str) -> None:
    """And does not decide what an appeal questions them about."""
    room = Room(store_address, rights={"review": ["ann"]})
    room.book.add([about(a_verdict_fact())])
    room.desk.next("ann", NOW_MS)
    leads = LeadDesk(room.database, room.desk)
    for act in (leads.put_back, leads.take_over):
        with pytest.raises(ActRefused, match="no right to the queue"):
            act("eve", NOW_MS, CASE)
    room.database.close()


@pytest.mark.parametrize(("word", "due"), [("other", 8), ("same", 10)])
def test_a_claim_asks_the_store_so_often_and_no_more(room: Room, word: str, due: int) -> None:
    """
    Claims are what reviewers wait for, and each statement costs a way to the database and back.

    What somebody has, what is anybody's, its facts, whether others are alike, the case, and three
    for the chained log; of others alike, which are free, and their texts.
    """
    for number in range(20):
        said = " ".join(f"w{number if word == 'other' else 0}x{at}" for at in range(12))
        envelope = {"message": {"id": f"m-{number}", "text": said}, "judgements": []}
        place = f"{TOPIC}/1/{number}"
        fact = a_verdict_fact(f"v{number}", position=place, envelope=envelope)
        room.book.add([about(fact, message_id=f"m-{number}")])
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert room.desk.next("ann", NOW_MS) is not None
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    asked = [each for each in asked if not each.startswith("BEGIN")]
    assert len(asked) == due, asked


@pytest.mark.postgres
def test_a_claim_reads_along_the_index_before_there_are_statistics(
    real_postgres: RealPostgres,
) -> None:
    """Right after a rebuild a database would else sort all that is open, for each claim."""
    room = Room(real_postgres.database())
    with room.database.writing() as connection:
        connection.execute(text("ALTER TABLE cases SET (autovacuum_enabled = false)"))
        connection.execute(
            text(
                "INSERT INTO cases (id, topic, message_id, status, is_open, queue, asked_ms, "
                "due_ms, revision, lease_until_ms, seen, held_until_ms) "
                "SELECT 'c' || n, 't', '\"m\"', "
                "'flag', true, 'review', n, n, 1, 0, 0, 0 FROM generate_series(1, 5000) AS n"
            )
        )
    plans: list[str] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object
    ) -> None:
        if "SKIP LOCKED" in statement and not statement.startswith("EXPLAIN"):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(str(row[0]) for row in cursor.fetchall()))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        # Rows without facts ask nothing; that one is found is the point.
        with pytest.raises(ActRefused, match="is closed"):
            room.desk.next("ann", NOW_MS)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    room.database.close()
    (plan,) = plans
    assert "Index Scan using cases_by_due" in plan, plan
    assert "Sort" not in plan, plan
