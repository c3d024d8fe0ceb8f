"""Edits and deletions on their way: in order, judged once, and every record with one verdict."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from consumer.domain.binding import Binding, MessageTerms, Outputs
from consumer.domain.messages.context import ContextTerms
from consumer.domain.messages.message import Position, Record
from consumer.domain.messages.rules import EventRule, EventTerms, SkipRule
from consumer.domain.policy import Outcome
from consumer.pipeline.flow.limiter import FlowLimits
from tests.unit.pipeline.staging import TOPIC, VERSION, ZERO, Stage, settle

SETTLE_S = 5.0
EVENT = EventTerms(
    EventRule(frozenset({"edited"}), field=("type",)),
    EventRule(frozenset({"deleted"}), field=("type",)),
    settle_s=SETTLE_S,
)
KEY = b"room"


def a_binding(event: EventTerms = EVENT, **changes: Any) -> Binding:
    reading = MessageTerms(
        id=("id",),
        conversation=("room",),
        event=event,
        skip_when=(SkipRule(frozenset({"bot"}), field=("by",)),),
    )
    return Binding("chat", (TOPIC,), VERSION, reading, versions={1: VERSION}, **changes)


def a_record(offset: int, kind: str, text: str | None = "OK", **more: object) -> Record:
    fields = {"type": kind, "id": "m1", "room": "r"} | ({"text": text} if text else {}) | more
    return Record(Position(TOPIC, 0, offset), 1_000, KEY, orjson.dumps(fields))


def told(stage: Stage) -> list[str]:
    """Offset, cause and topic of what is on its way."""
    found = []
    for publication, _ in stage.sink.sent:
        headers = dict(publication.headers)
        offset = (headers["safeguard-position"] or b"").rpartition(b"/")[2].decode()
        cause = (headers["safeguard-cause"] or b"").decode()
        found.append(f"{offset} {cause} {publication.topic}")
    return found


async def finish(stage: Stage) -> list[str]:
    """Acknowledge until nothing comes any more; all that was sent, in its order."""
    found: list[str] = []
    await settle()
    while stage.sink.sent:
        found += told(stage)
        stage.acknowledge()
        await settle()
    return found


async def begun(binding: Binding, *records: Record) -> Stage:
    stage = Stage(binding)
    await stage.own()
    stage.intake.taken(list(records))
    await settle()
    return stage


async def test_a_deletion_is_passed_on_behind_its_message_and_the_model_is_not_asked() -> None:
    """In the order of the key, though nothing is to be waited for."""
    stage = Stage(a_binding())
    gate = stage.hold("BAD slow")
    await stage.own()
    stage.intake.taken([a_record(0, "posted", "BAD slow"), a_record(1, "deleted", None)])
    await settle()
    assert stage.sink.sent == []
    gate.set()
    assert await finish(stage) == ["0 model chat.block", "1 deleted chat.allow"]
    assert stage.classifier.judged == ["BAD slow"]
    assert stage.intake.ledger.difference == 0


async def test_a_deletion_goes_where_its_topic_says_and_as_it_came() -> None:
    """A reader of the allow topic gets the producer's own bytes, and a header that says what."""
    outputs = Outputs(payload="passthrough")
    for outcome in Outcome:
        event = EventTerms(delete=EVENT.delete, on_delete=outcome)
        stage = await begun(a_binding(event, outputs=outputs), a_record(0, "deleted", None))
        (publication,) = [publication for publication, _ in stage.sink.sent]
        headers = dict(publication.headers)
        assert publication.topic == f"chat.{outcome}"
        assert headers["safeguard-event"] == b"delete"
        assert headers["safeguard-message-id"] == b"m1"
        assert "safeguard-supersedes" not in headers
        if outcome is Outcome.FLAG:
            assert orjson.loads(publication.value or b"")["event"] == "delete"
        else:
            assert publication.value == a_record(0, "deleted", None).value


async def test_a_tombstone_is_a_deletion_that_compacts_what_it_is_written_to() -> None:
    """Its value stays none where records are passed through."""
    binding = a_binding(EventTerms(tombstones=True), outputs=Outputs(payload="passthrough"))
    record = Record(Position(TOPIC, 0, 0), 1_000, b"m1", None)
    stage = await begun(binding, record)
    assert told(stage) == ["0 deleted chat.allow"]
    (publication,) = [publication for publication, _ in stage.sink.sent]
    assert (publication.key, publication.value) == (b"m1", None)


async def test_an_edit_is_judged_at_once_where_nothing_settles() -> None:
    """It has a verdict of its own, which supersedes nothing by id and says what it is."""
    stage = await begun(a_binding(EventTerms(EVENT.edit)), a_record(1, "edited", "BAD"))
    (publication,) = [publication for publication, _ in stage.sink.sent]
    headers = dict(publication.headers)
    assert headers["safeguard-event"] == b"edit"
    assert headers["safeguard-position"] == b"chat/0/1"
    assert "safeguard-supersedes" not in headers


async def test_of_edits_within_the_settling_time_the_last_is_judged() -> None:
    """The others are blocked as overtaken, before it, and nobody asks the model about them."""
    stage = await begun(
        a_binding(),
        a_record(0, "posted", "OK first"),
        a_record(1, "edited", "BAD second"),
        a_record(2, "edited", "BAD third"),
        a_record(3, "edited", "OK fourth"),
    )
    stage.clock.move(SETTLE_S - 0.1)
    stage.intake.tick()
    assert await finish(stage) == [
        "0 model chat.allow",
        "1 overtaken chat.block",
        "2 overtaken chat.block",
    ]
    stage.clock.move(0.1)
    stage.intake.tick()
    assert await finish(stage) == ["3 model chat.allow"]
    assert stage.classifier.judged == ["OK first", "OK fourth"]
    stage.intake.commit()
    await settle()
    assert stage.offsets[-1] == 4
    assert stage.intake.ledger.difference == 0
    assert stage.intake.admission._limiter.in_flight == 0


async def test_an_edit_that_nothing_follows_is_judged_after_its_time_and_later_ones_anew() -> None:
    """What was judged is not overtaken any more."""
    stage = await begun(a_binding(), a_record(0, "edited", "OK one"))
    stage.clock.move(SETTLE_S)
    stage.intake.tick()
    assert await finish(stage) == ["0 model chat.allow"]
    stage.intake.taken([a_record(1, "edited", "OK two")])
    stage.clock.move(SETTLE_S)
    stage.intake.tick()
    assert await finish(stage) == ["1 model chat.allow"]


async def test_a_deletion_overtakes_an_edit_that_waits() -> None:
    """Nobody judges what is gone."""
    stage = await begun(a_binding(), a_record(0, "edited", "BAD"), a_record(1, "deleted", None))
    assert await finish(stage) == ["0 overtaken chat.block", "1 deleted chat.allow"]
    assert stage.classifier.judged == []


async def test_edits_of_other_messages_do_not_overtake() -> None:
    """Nor do records that cannot be read, nor edits that name no message."""
    stage = await begun(
        a_binding(),
        a_record(0, "edited", "OK one"),
        a_record(1, "edited", "OK other", id="m2"),
        Record(Position(TOPIC, 0, 2), 1_000, b"else", b"{"),
        a_record(3, "edited", "OK nameless", id=None),
    )
    assert stage.classifier.judged == ["OK nameless"]
    stage.clock.move(SETTLE_S)
    stage.intake.tick()
    await settle()
    assert sorted(stage.classifier.judged) == ["OK nameless", "OK one", "OK other"]


async def test_an_edit_by_whom_nobody_judges_does_not_wait_and_overtakes() -> None:
    """Only what is judged has to settle."""
    stage = await begun(
        a_binding(), a_record(0, "edited", "BAD"), a_record(1, "edited", "BAD", by="bot")
    )
    assert await finish(stage) == ["0 overtaken chat.block", "1 skipped chat.allow"]


async def test_what_waits_takes_no_place_at_the_model_and_holds_the_commit() -> None:
    """A crash takes it once more."""
    stage = await begun(a_binding(), a_record(0, "edited", "OK"))
    assert stage.intake.admission._limiter.in_flight == 0
    assert stage.intake.admission._limiter.pending == 1
    assert "settling" in repr(stage.intake._assignments[ZERO].unfinished.oldest)
    assert repr(stage.intake.admission.settling) == "<Settling 1>"
    stage.intake.commit()
    await settle()
    assert stage.offsets == []


async def test_who_drains_does_not_wait_for_edits_that_may_come() -> None:
    """What waits is judged at once, within the drain."""
    stage = await begun(a_binding(), a_record(0, "edited", "OK"))
    draining = asyncio.get_running_loop().create_task(stage.intake.drain())
    assert await finish(stage) == ["0 model chat.allow"]
    await draining
    assert stage.offsets[-1] == 1


async def test_an_edit_that_is_admitted_during_a_drain_does_not_wait_either() -> None:
    """It had no room before, and the drain has its own bound."""
    stage = Stage(a_binding(), FlowLimits(in_flight_max=1))
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([a_record(0, "posted", "OK slow"), a_record(1, "edited", "OK")])
    await settle()
    draining = asyncio.get_running_loop().create_task(stage.intake.drain())
    await settle()
    gate.set()
    assert await finish(stage) == ["0 model chat.allow", "1 model chat.allow"]
    await draining
    assert stage.intake.admission.settling._draining == set()


async def test_what_waited_is_forgotten_with_its_assignment() -> None:
    """It is discarded, and its time comes to nothing."""
    stage = await begun(a_binding(), a_record(0, "edited", "OK"))
    stage.intake.lost([ZERO])
    stage.clock.move(SETTLE_S)
    stage.intake.tick()
    await settle()
    assert stage.classifier.judged == []
    assert stage.intake.ledger.discarded == 1
    assert stage.intake.admission._limiter.pending == 0
    assert repr(stage.intake.admission.settling) == "<Settling 0>"


async def test_an_edit_is_shown_what_lay_before_it_however_long_it_waits() -> None:
    """What came while it waited is not among its context."""
    stage = await begun(
        a_binding(context=ContextTerms(messages=5)),
        a_record(0, "posted", "OK before", id="m0"),
        a_record(1, "edited", "OK edit"),
        a_record(2, "posted", "OK after", id="m2"),
    )
    stage.clock.move(SETTLE_S)
    stage.intake.tick()
    await settle()
    context = stage.classifier.contexts["OK edit"]
    assert context is not None
    assert [line.text for line in context.lines] == ["OK before"]


async def test_the_deadline_of_an_edit_begins_when_it_has_settled() -> None:
    """It is about the model; waiting for an edit is not the model's."""
    stage = await begun(a_binding(), a_record(0, "edited", "OK"))
    flight = stage.intake._assignments[ZERO].unfinished.oldest
    assert flight is not None
    taken_s = flight.taken_s
    stage.clock.move(SETTLE_S + 1)
    stage.intake.tick()
    assert flight.taken_s == taken_s + SETTLE_S + 1
    await finish(stage)
