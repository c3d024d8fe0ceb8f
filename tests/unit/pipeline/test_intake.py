"""Intake on fakes: what is terminal, what is committed, what an ended assignment may still do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from consumer.domain.binding import Binding, Catalogue, MessageTerms
from consumer.domain.lane import Lane
from consumer.domain.messages.message import Headers
from consumer.domain.policy import PolicyVersion
from consumer.errors import DeadLetterFailed, Fatal
from consumer.interfaces import DeliveryReport, Fate
from consumer.pipeline.assignment.assignment import Flight
from consumer.pipeline.flow.limiter import FlowLimits
from consumer.pipeline.sequencer import Sequencer
from tests.unit.pipeline.staging import POLICY, TOPIC, VERSION, ZERO, Stage, record, settle
from tests.waiting import until


async def test_nothing_is_committed_before_the_broker_has_acknowledged() -> None:
    """Judged and sent is not terminal; only the acknowledgement moves the commit."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0), record(1)])
    await settle()
    stage.intake.commit()
    await settle()

    assert stage.sink.topics == ["chat.allow", "chat.allow"]
    assert stage.offsets == []

    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.offsets == [2]
    assert stage.intake.ledger.verdicts == 2
    assert stage.intake.ledger.difference == 0


async def test_the_commit_stops_at_the_first_unfinished_record() -> None:
    """What finished above an unfinished record is not committed past it."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0), record(1, "OK slow"), record(2)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.offsets == [1]

    gate.set()
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.offsets[-1] == 3


async def test_one_keys_verdicts_leave_in_order_and_wait_at_a_change_of_topic() -> None:
    """A later verdict of a key to another topic is sent after the earlier one is acknowledged."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow", b"k"), record(1, "BAD", b"k"), record(2, "BAD", b"j")])
    await settle()

    assert [t.record.position.offset for _, t in stage.sink.sent if isinstance(t, Flight)] == [2]

    gate.set()
    await settle()
    assert stage.sink.topics == ["chat.block", "chat.allow"]
    stage.acknowledge()
    await settle()
    assert stage.sink.topics == ["chat.block"]


async def test_order_none_lets_a_keys_verdicts_overtake_each_other() -> None:
    """A stream that needs no order does not wait."""
    binding = Binding(
        "chat", (TOPIC,), VERSION, MessageTerms(format="text"), order="none", versions={1: VERSION}
    )
    stage = Stage(binding)
    stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow", b"k"), record(1, "BAD", b"k")])
    await settle()

    assert stage.sink.topics == ["chat.block"]


async def test_revocation_drains_and_returns_what_may_be_committed() -> None:
    """A revoked partition's records are finished first; the commit covers them."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    revoked = asyncio.create_task(stage.intake.revoked({ZERO: stage.numbers}))
    await settle()
    assert not revoked.done()

    gate.set()
    await settle()
    stage.acknowledge()

    assert (await revoked)[ZERO].offset == 1
    assert stage.intake.ledger.discarded == 0


async def test_what_the_drain_cannot_finish_is_discarded_and_not_committed() -> None:
    """The budget ends the drain; the unfinished are counted and left to the next owner."""
    stage = Stage(drain_s=0.05)
    stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0), record(1, "OK slow")])
    await settle()
    stage.acknowledge()

    assert (await stage.intake.revoked({ZERO: stage.numbers}))[ZERO].offset == 1
    assert stage.intake.ledger.discarded == 1
    assert stage.intake.ledger.in_flight == 0
    assert stage.intake.ledger.difference == 0


async def test_a_late_report_of_an_ended_assignment_moves_nothing() -> None:
    """After a loss and a new assignment, the old term's acknowledgement commits nothing."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0)])
    await settle()
    stage.intake.lost([ZERO])
    await stage.own()
    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.offsets == [0]
    assert stage.intake.ledger.verdicts == 0
    assert stage.intake.ledger.discarded == 1


async def test_a_late_judgement_of_an_ended_assignment_is_not_published() -> None:
    """A call that was under way when the partition was lost is cancelled and never sent."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    stage.intake.lost([ZERO])
    gate.set()
    await settle()

    assert stage.sink.sent == []


async def test_credits_come_back_after_a_loss() -> None:
    """Lost records free their places; the flow does not dry up over rebalances."""
    stage = Stage(limits=FlowLimits(in_flight_max=4, pending_max=100, pending_total_max=8))
    for _ in range(5):
        stage.hold("OK slow")
        await stage.own()
        taken = [record(offset, "OK slow") for offset in range(stage.source.credits)]
        stage.source.credits = 0
        stage.intake.taken(taken)
        await settle()
        stage.intake.lost([ZERO])
        await until(lambda: stage.source.credits == 4, "four credits")


async def test_a_message_keeps_the_version_chosen_for_it() -> None:
    """A reload while a message is judged changes nothing for that message."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    later = PolicyVersion("chat", 2, (POLICY,), "e" * 32)
    stage.policies.catalogue = Catalogue(
        (Binding("chat", (TOPIC,), later, MessageTerms(format="text"), versions={2: later}),)
    )
    gate.set()
    stage.intake.taken([record(1)])
    await settle()

    versions = [dict(p.headers)["safeguard-policy-version"] for p, _ in stage.sink.sent]
    assert sorted(versions, key=str) == [b"chat@v1", b"chat@v2"]


async def test_a_full_partition_is_paused_and_resumed() -> None:
    """Records not yet committed past are bounded by pausing the partition."""
    stage = Stage(limits=FlowLimits(in_flight_max=50, pending_max=4, pending_total_max=50))
    await stage.own()
    stage.intake.taken([record(offset) for offset in range(4)])
    await settle()
    assert stage.source.paused == [ZERO]

    stage.acknowledge()

    assert stage.source.resumed == [ZERO, ZERO]


async def test_a_tombstone_passed_over_is_counted_and_committed() -> None:
    """`tombstones = "pass-over"` publishes nothing and holds nothing back."""
    binding = Binding(
        "chat",
        (TOPIC,),
        VERSION,
        MessageTerms(format="text"),
        tombstones="pass-over",
        versions={1: VERSION},
    )
    stage = Stage(binding)
    await stage.own()
    stage.intake.taken([record(0)._replace(value=None)])
    await settle()
    stage.intake.commit()
    await settle()

    assert stage.sink.sent == []
    assert stage.offsets == [1]
    assert stage.intake.ledger.passed_over == 1


@pytest.mark.parametrize(
    ("when_empty", "sent"),
    [
        ("dead-letter", [("chat.dead-letter", None)]),
        ("allow", [("chat.allow", "skipped")]),
        ("flag", [("chat.flag", "skipped")]),
        ("pass-over", []),
    ],
)
async def test_a_record_without_text_ends_as_its_topic_says(
    when_empty: Any, sent: list[tuple[str, str | None]]
) -> None:
    """Whatever it is, it is accounted for, committed, and the model is not asked."""
    reading = MessageTerms(when_empty=when_empty)
    stage = Stage(Binding("chat", (TOPIC,), VERSION, reading, versions={1: VERSION}))
    await stage.own()
    stage.intake.taken([record(0)._replace(value=b'{"text":"\\u200b","picture":"cat"}')])
    await settle()
    assert [
        (publication.topic, cause_of(publication.headers)) for publication, _ in stage.sink.sent
    ] == sent
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    ledger = stage.intake.ledger
    ends = (ledger.verdicts, ledger.dead_letters, ledger.passed_over)
    assert ends == (when_empty in ("allow", "flag"), when_empty == "dead-letter", not sent)
    assert ledger.difference == 0
    assert stage.offsets == [1]


def cause_of(headers: Headers) -> str | None:
    found = dict(headers).get("safeguard-cause")
    return found.decode() if found else None


async def test_what_does_not_fit_gets_smaller_until_it_does_or_stops_the_service() -> None:
    """Verdict, cut verdict, dead letter, dead letter without value: no loop, no loss."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "MAYBE " + "x" * 100_000)])
    await settle()
    seen: list[tuple[str, int | None]] = []
    while stage.sink.sent and not stage.intake.failure.done():
        publication, ticket = stage.sink.sent.pop()
        value = publication.value
        seen.append((publication.topic, None if value is None else len(value)))
        stage.intake.reported([DeliveryReport(ticket, Fate.TOO_LARGE)])

    assert [topic for topic, _ in seen] == ["chat.flag"] * (len(seen) - 2) + [
        "chat.dead-letter"
    ] * 2
    sizes = [size for topic, size in seen if topic == "chat.flag" and size is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert seen[-1][1] is None
    with pytest.raises(DeadLetterFailed):
        stage.intake.failure.result()


async def test_what_is_made_smaller_holds_up_the_later_verdicts_of_its_key() -> None:
    """They went to the topic that it does not fit; now it goes elsewhere, and they wait for it."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(number, "BAD", key=b"k") for number in range(3)])
    stage.intake.taken([record(3, "BAD", key=b"other"), record(4, "BAD")])
    await settle()
    assert len(stage.sent) == 5
    stage.report(Fate.STORED)
    stage.report(Fate.TOO_LARGE, *[Fate.NOT_STORED] * 3)

    # Other keys, and what has none, go on.
    assert stage.sent == [
        "chat/0/1 to chat.dead-letter",
        "chat/0/3 to chat.block",
        "chat/0/4 to chat.block",
    ]
    stage.report(Fate.STORED)
    assert stage.sent[-1] == "chat/0/2 to chat.block"
    stage.report(*[Fate.STORED] * 3)
    assert stage.intake.ledger.dead_letters == 1
    assert stage.intake.ledger.verdicts == 4
    assert stage.intake.ledger.difference == 0
    stage.intake.commit()
    assert stage.offsets[-1] == 5
    assert stage.checkpoint.is_released is False


async def test_what_is_withheld_does_not_leave_before_what_is_made_smaller() -> None:
    """It was released to the same topic as the one that goes elsewhere now, and waits for it."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "BAD", key=b"k")])
    await settle()
    stage.sink.takes_one = True
    stage.intake.taken([record(1, "BAD", key=b"k"), record(2, "OK", key=b"k")])
    await settle()
    assert stage.report(Fate.TOO_LARGE) == ["chat/0/0 to chat.block"]

    assert stage.sent == ["chat/0/0 to chat.dead-letter"]
    order = []
    while stage.sent:
        order += stage.report(Fate.STORED)
    assert order == [
        "chat/0/0 to chat.dead-letter",
        "chat/0/1 to chat.block",
        "chat/0/2 to chat.allow",
    ]


async def test_an_output_that_wants_them_one_at_a_time_gets_them_so() -> None:
    """The next leaves with the report on the last, from whichever partition, and none is lost."""
    stage = Stage()
    await stage.own()
    stage.sink.takes_one = True
    stage.intake.taken([record(number) for number in range(5)])
    await settle()

    for number in range(5):
        assert stage.sent == [f"chat/0/{number} to chat.allow"]
        stage.report(Fate.STORED)
    stage.intake.commit()
    assert stage.offsets[-1] == 5


async def test_what_is_withheld_is_not_overtaken_though_its_output_is_free_again() -> None:
    """Of one key and one output the later one has to stay behind what could not go before."""
    stage = Stage()
    await stage.own()
    stage.sink.takes_one = True
    stage.intake.taken([record(number, "BAD", key=b"k") for number in range(2)])
    await settle()
    assert len(stage.sink.sent) == 1, "the second is withheld"
    stage.sink.takes_one = False
    stage.intake.taken([record(2, "BAD", key=b"k")])
    await settle()
    assert len(stage.sink.sent) == 1, "nothing overtakes it"
    stage.acknowledge()
    assert [said.split()[0] for said in stage.sent] == [f"{TOPIC}/0/1", f"{TOPIC}/0/2"]


async def test_what_was_not_stored_is_made_to_fit_what_its_topic_takes_by_now() -> None:
    """Limits are read again while the sink mends: what is surely too large is not tried again."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "MAYBE " + "x" * 40_000), record(1, "MAYBE short")])
    await settle()
    stage.limits["chat.flag"] = 20_000
    stage.report(Fate.NOT_STORED, Fate.NOT_STORED)

    assert stage.sent == ["chat/0/0 to chat.flag", "chat/0/1 to chat.flag"]
    assert len(stage.sink.sent[0][0].value or b"") < 20_000
    stage.limits["chat.flag"] = 500
    stage.report(Fate.NOT_STORED, Fate.NOT_STORED)
    assert stage.sent == ["chat/0/0 to chat.dead-letter", "chat/0/1 to chat.dead-letter"]


async def test_a_lowered_limit_of_the_dead_letter_topic_costs_the_value_alone() -> None:
    """The record's fate stays a dead letter, and what comes after it in its key still waits."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "", key=b"k"), record(1, "OK", key=b"k")])
    await settle()
    assert stage.sent == ["chat/0/0 to chat.dead-letter"]
    stage.report(Fate.TOO_LARGE)

    assert stage.sent == ["chat/0/0 to chat.dead-letter"]
    assert stage.sink.sent[0][0].value is None
    stage.report(Fate.STORED)
    assert stage.sent == ["chat/0/1 to chat.allow"]


async def test_an_unknown_error_stops_the_service() -> None:
    """A bug while judging is not a reason to drop a message or to go on."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "NO-SUCH-LABEL")])
    await settle()

    with pytest.raises(KeyError):
        stage.intake.failure.result()
    stage.intake.commit()
    await settle()
    assert stage.offsets == []


async def test_a_tombstone_with_headers_too_large_for_its_dead_letter_still_ends() -> None:
    """The dead letter of a record without value loses the foreign headers, not the service."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0)._replace(value=None, headers=(("x", b"y" * 999_000),))])
    await settle()
    (publication, ticket) = stage.sink.sent.pop()
    stage.intake.reported([DeliveryReport(ticket, Fate.TOO_LARGE)])
    (smaller, ticket) = stage.sink.sent.pop()
    stage.intake.reported([DeliveryReport(ticket, Fate.STORED)])

    assert publication.topic == smaller.topic == "chat.dead-letter"
    assert sum(len(value or b"") for _, value in smaller.headers) < 2_000
    assert stage.intake.ledger.dead_letters == 1


async def test_after_a_failure_nothing_is_committed_past_what_was_not_tracked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failure while a batch is taken stops the intake; later batches move no commit."""

    def broken(*_: object) -> None:
        raise Fatal("broken")

    stage = Stage()
    await stage.own()
    with monkeypatch.context() as patched:
        patched.setattr(Sequencer, "admit", broken)
        stage.intake.taken([record(0), record(1)])
    stage.intake.taken([record(2)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.intake.failure.done()
    assert isinstance(stage.intake.failure.exception(), Fatal)
    assert stage.offsets == []


async def test_a_topic_that_a_reload_unbinds_keeps_its_policies_until_it_is_left() -> None:
    """A policy set that is taken away does not stop the worker, nor lose what still comes."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0)])
    stage.policies.catalogue = Catalogue(())
    stage.intake.taken([record(1, "BAD")])
    await settle()

    assert stage.sink.topics == ["chat.allow", "chat.block"]
    assert not stage.intake.failure.done()


async def test_what_is_unbound_before_its_first_record_waits() -> None:
    """It was assigned, and nothing binds it: records wait, paused, until it is bound or left."""
    stage = Stage()
    stage.policies.catalogue = Catalogue(())
    await stage.own()
    stage.intake.taken([record(0), record(1, "BAD")])
    await settle()

    assert not stage.intake.failure.done()
    assert stage.sink.sent == []
    assert stage.source.paused == [ZERO]
    assert stage.intake.ledger.in_flight == 2

    stage.policies.catalogue = Catalogue((stage.binding,))
    for _ in range(100):
        # Until the lease is renewed, which is when the policies are looked at again.
        stage.intake.tick()
        stage.clock.move(0.1)
        stage.intake.commit()
        await settle()
    assert stage.sink.topics == ["chat.allow", "chat.block"]
    stage.acknowledge()
    stage.intake.commit()
    assert stage.offsets[-1] == 2


async def test_a_topic_that_nothing_binds_is_given_back_at_once() -> None:
    """Nothing of it has begun, so the drain does not wait for it, and commits nothing past it."""
    stage = Stage(drain_s=1_000)
    stage.policies.catalogue = Catalogue(())
    await stage.own()
    stage.intake.taken([record(0)])

    points = await asyncio.wait_for(stage.intake.revoked({ZERO: stage.numbers}), 5)
    assert points[ZERO].offset == 0
    assert stage.intake.ledger.difference == 0


async def test_a_topic_that_an_operator_pauses_takes_nothing_new_and_finishes_what_it_has() -> None:
    """What was taken is judged and committed; resumed once, however often it is said."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0)])
    for _ in range(2):
        stage.intake.admission.set_paused(frozenset({TOPIC, "another"}))
    await settle()
    stage.acknowledge()
    stage.intake.commit()

    assert stage.source.paused == [ZERO]
    assert stage.source.resumed == [ZERO]
    assert stage.offsets == [1]
    for _ in range(2):
        stage.intake.admission.set_paused(frozenset())
    assert stage.source.resumed == [ZERO, ZERO]


async def test_a_partition_of_a_paused_topic_stays_paused_when_it_is_assigned() -> None:
    """It is recovered and established, and flows only when its topic is resumed."""
    stage = Stage()
    stage.intake.admission.set_paused(frozenset({TOPIC}))
    await stage.own()

    assert stage.intake.recovering == ()
    assert stage.source.resumed == []
    stage.intake.admission.set_paused(frozenset())
    assert stage.source.resumed == [ZERO]


@pytest.mark.parametrize("room_first", [True, False])
async def test_a_full_partition_of_a_paused_topic_is_resumed_when_both_reasons_are_gone(
    room_first: bool,
) -> None:
    """Both reasons to pause must be gone, whichever goes first."""
    stage = Stage(limits=FlowLimits(in_flight_max=50, pending_max=4, pending_total_max=50))
    await stage.own()
    stage.intake.taken([record(offset) for offset in range(4)])
    stage.intake.admission.set_paused(frozenset({TOPIC}))
    await settle()
    assert stage.source.paused == [ZERO]

    def resume() -> None:
        stage.intake.admission.set_paused(frozenset())

    first, second = (stage.acknowledge, resume) if room_first else (resume, stage.acknowledge)
    first()
    assert stage.source.resumed == [ZERO]
    second()
    assert stage.source.resumed == [ZERO, ZERO]


async def test_a_later_lane_waits_for_room_and_goes_on_as_it_comes() -> None:
    """While chat is at work replay fills half of what may be judged; none of it is lost."""
    replay = Binding(
        *("chat", (TOPIC,), VERSION, MessageTerms(format="text")),
        versions={1: VERSION},
        lane=Lane.REPLAY,
    )
    stage = Stage(replay, FlowLimits(4, 100, 100))
    await stage.own()
    # Another topic of this worker carries chat.
    assert stage.intake.admission._limiter.has_room(Lane.REAL_TIME, stage.clock.now_s())
    gates = [stage.hold(f"OK {offset}") for offset in range(4)]
    stage.intake.taken([record(offset, f"OK {offset}") for offset in range(4)])
    await settle()
    assert stage.classifier.judged == ["OK 0", "OK 1"]
    assert stage.source.paused == [ZERO]

    gates[0].set()
    await until(lambda: len(stage.classifier.judged) == 3, "the third")
    assert stage.classifier.judged == ["OK 0", "OK 1", "OK 2"]
    for gate in gates:
        gate.set()
    await until(lambda: len(stage.classifier.judged) == 4, "the last")
    assert stage.classifier.judged == ["OK 0", "OK 1", "OK 2", "OK 3"]
    assert stage.source.resumed[-1:] == [ZERO]


async def test_what_begins_in_the_room_of_another_does_not_overtake_what_that_one_held_up() -> None:
    """A dead letter is concluded as soon as it is taken up; earlier ones of its key go first."""
    stage = Stage(limits=FlowLimits(in_flight_max=1))
    await stage.own()
    stage.intake.taken([record(0, "MAYBE", b"k")])
    await settle()
    gate = stage.hold("OK")
    stage.intake.taken([record(1, "", b"k"), record(2, "OK", b"other"), record(3, "", b"k")])
    await settle()
    assert stage.sent == ["chat/0/0 to chat.flag"]

    gate.set()
    await settle()
    # The place of the second is free, and nobody was told so yet but by what comes back.
    stage.report(Fate.STORED)
    await until(lambda: len(stage.sent) == 3, "all")
    assert [each for each in stage.sent if each != "chat/0/2 to chat.allow"] == [
        "chat/0/1 to chat.dead-letter",
        "chat/0/3 to chat.dead-letter",
    ]
