"""What an assignment begins with: what was done before, and when it is safe to look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from math import ceil
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from consumer.domain.binding import Binding, Catalogue, MessageTerms, Outputs
from consumer.domain.checkpoint import (
    Checkpoint,
    Floor,
    decode_checkpoint,
    encode_done,
    is_same_topic,
)
from consumer.domain.messages.message import Position, Record
from consumer.errors import Fatal
from consumer.interfaces import Assigned, CommitPoint, Committed, DeliveryReport, Fate, Output
from consumer.pipeline.assignment import offsets
from consumer.pipeline.assignment.recovery import RecoveryLimits
from consumer.pipeline.flow.limiter import FlowLimits
from tests.unit.pipeline.staging import TOPIC, VERSION, ZERO, Stage, record, settle
from tests.unit.pipeline.succession import FOREIGN, OUTPUTS, Broker, Worker

ALLOW, FLAG, BLOCK, LETTER = (
    f"{TOPIC}{end}" for end in (".allow", ".flag", ".block", ".dead-letter")
)
ALL = (ALLOW, FLAG, BLOCK, LETTER)


def left_behind(**changes: object) -> Checkpoint:
    """The checkpoint of an owner that released; nothing lies on the outputs beyond it."""
    checkpoint = Checkpoint("other", 4, 0, True, floors={topic: Floor(0) for topic in ALL})
    return checkpoint._replace(**changes)  # type: ignore[arg-type]


async def test_what_lies_on_the_outputs_is_not_judged_again() -> None:
    """Found in a tail or named in the checkpoint: counted as recovered, and committed past."""
    stage = Stage()
    stage.tails.outputs = {ALLOW: {0: 10, 1: 12}, BLOCK: {5: 13}, LETTER: {0: 15}}
    await stage.own(10, left_behind(done=frozenset({11})))
    stage.intake.taken([record(offset) for offset in range(10, 17)])
    await settle()

    assert len(stage.classifier.judged) == 2
    assert stage.intake.ledger.recovered == 5
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert stage.offsets[-1] == 17
    assert stage.intake.ledger.difference == 0


async def test_tails_are_read_from_their_floors_to_their_ends() -> None:
    """Not from the beginning, and not where there is nothing new."""
    stage = Stage()
    stage.tails.outputs = {ALLOW: {90: 1, 99: 2}, BLOCK: {49: 3}}
    floors = {ALLOW: Floor(95), BLOCK: Floor(50), FLAG: Floor(0), LETTER: Floor(0)}
    await stage.own(0, left_behind(floors=floors))

    assert stage.tails.reads == [(ALLOW, 95, 100)]
    assert stage.checkpoint.done == {2}
    # The bounds that were found: only what is named in `done` may lie above them.
    assert {topic: floor.offset for topic, floor in stage.checkpoint.floors.items()} == {
        ALLOW: 95,
        BLOCK: 50,
        FLAG: 0,
        LETTER: 0,
    }


async def test_nothing_is_judged_before_the_beginning_is_committed() -> None:
    """The next owner must know of this one before it publishes; until then all is paused."""
    stage = Stage()
    stage.source.answer = None
    await stage.own(0, left_behind())
    assert stage.checkpoint.term == 5
    assert stage.checkpoint.owner == "me"
    assert not stage.checkpoint.is_released
    assert stage.source.resumed == []
    assert stage.intake.recovering == (ZERO,)

    stage.source.answer_last(is_accepted=False)
    assert stage.source.resumed == []
    stage.intake.commit()
    stage.source.answer_last()
    assert stage.source.resumed == [ZERO]
    assert not stage.intake.recovering


async def test_an_owner_that_did_not_release_is_waited_out_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its verdicts may come until its lease ends; the ends are taken after that."""
    stage = Stage()
    ends_at: list[int] = []
    ends = stage.tails.ends

    async def looking(outputs: object) -> object:
        ends_at.append(stage.clock.wall_ms())
        return await ends(outputs)  # type: ignore[arg-type]

    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        stage.clock.move(seconds)
        await sleep(0)

    stage.tails.ends = looking  # type: ignore[assignment, method-assign]
    lease_end_ms = stage.clock.wall_ms() + 7_000
    left = left_behind(is_released=False, lease_end_ms=lease_end_ms)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleeping)
        stage.intake.assigned([stage.assignment(0, left)])
        for _ in range(50):
            await sleep(0)

    assert ends_at == [lease_end_ms + 1_000]


async def test_without_a_checkpoint_the_outputs_are_read_by_time() -> None:
    """An operator's reset leaves no metadata: the first record's time, less a skew."""
    stage = Stage(recovery=RecoveryLimits(scan_skew_s=60))
    stage.tails.outputs = {ALLOW: {0: 7, 8: 3}}
    stage.tails.by_time = dict.fromkeys(ALL, 5)
    stage.tails.first_ms = 100_000
    await stage.own(0, metadata="somebody else's")

    assert "at 40000" in stage.tails.calls
    assert stage.tails.reads == [(ALLOW, 5, 9)]
    assert stage.checkpoint.done == {3}


@pytest.mark.parametrize("ahead_ms", [60_001, 10**18, 2**62])
async def test_a_record_from_the_future_has_the_outputs_read_from_their_start(
    ahead_ms: int,
) -> None:
    """Some clients stamp with nanoseconds: it ended the worker, and no verdict is so late."""
    stage = Stage(recovery=RecoveryLimits(scan_skew_s=60))
    stage.tails.outputs = {ALLOW: {0: 7, 8: 3}}
    stage.tails.first_ms = stage.clock.wall_ms() + ahead_ms
    await stage.own(0, metadata="somebody else's")

    assert "at 0" in stage.tails.calls
    assert stage.checkpoint.done == {3, 7}


async def test_a_record_whose_clock_is_a_little_ahead_is_believed() -> None:
    stage = Stage(recovery=RecoveryLimits(scan_skew_s=60))
    stage.tails.outputs = {ALLOW: {8: 3}}
    stage.tails.first_ms = stage.clock.wall_ms() + 60_000
    await stage.own(0, metadata="somebody else's")

    assert f"at {stage.clock.wall_ms()}" in stage.tails.calls


async def test_where_nobody_has_published_anything_no_record_is_looked_at() -> None:
    """The first start of a service with a thousand partitions would open a client for each."""
    stage = Stage()
    stage.tails.first_ms = 100_000
    await stage.own(0)

    assert stage.tails.calls == ["ids", "ends", "ids"]
    assert stage.tails.reads == []


async def test_a_foreign_commit_is_refused_where_the_setting_says_so() -> None:
    """With the setting that mends it named."""
    stage = Stage(recovery=RecoveryLimits(when_unknown="refuse"))
    await stage.own(3, metadata="somebody else's")

    error = stage.intake.failure.exception()
    assert isinstance(error, Fatal)
    assert "kafka.when_unknown" in str(error)


async def test_more_than_fits_the_metadata_is_found_again_from_where_it_was_found() -> None:
    """The floors stay where the tails began for as long as the map cannot name all of it."""
    stage = Stage()
    found = {at: at * 300_000 for at in range(1, 2_000)}
    stage.tails.outputs = {ALLOW: found}
    stage.tails.first_ms = 0
    await stage.own(0, metadata="somebody else's")
    assert stage.checkpoint.floors[ALLOW].offset == 0
    assert stage.checkpoint.done == frozenset()

    stage.intake.taken([record(0), record(300_000)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert stage.checkpoint.floors[ALLOW].offset == 0
    assert stage.intake.ledger.recovered == 1


async def test_what_only_the_last_checkpoint_names_is_named_by_the_next_one_too() -> None:
    """Its verdicts lie below the floors: nobody would find them there, whatever else there is."""
    stage = Stage()
    stage.tails.outputs = {ALLOW: {500 + at: at * 300_000 for at in range(1, 2_000)}}
    floors = {topic: Floor(500) for topic in ALL}
    await stage.own(0, left_behind(done=frozenset({3, 5}), floors=floors))

    assert stage.checkpoint.done == {3, 5}
    assert stage.checkpoint.floors[ALLOW].offset == 500


async def test_what_was_found_done_is_not_taken_beyond_the_room_of_the_map() -> None:
    """It is named as well once it is taken, as long as something before it is unfinished."""
    stage = Stage(limits=FlowLimits(10_000, 10_000, 10_000))
    stage.tails.outputs = {ALLOW: {at: at * 300_000 for at in range(1, 2_000)}}
    stage.tails.first_ms = 0
    gate = stage.hold("OK slow")
    await stage.own(0, metadata="somebody else's")
    sparse = [record(number * 300_000) for number in range(1, 2_000)]
    stage.intake.taken([record(0, "OK slow"), *sparse])
    stage.intake.commit()
    await settle()
    assert 200 < stage.intake.ledger.recovered < 1_000
    assert len(stage.checkpoint.done) == stage.intake.ledger.recovered
    assert stage.source.paused == [ZERO]

    gate.set()
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert stage.offsets[-1] == 1_999 * 300_000 + 1
    assert stage.intake.ledger.difference == 0


async def test_a_floor_is_where_what_is_on_its_way_can_lie() -> None:
    """Noted before the first attempt, kept until the acknowledgement, then past all of it."""
    stage = Stage()
    await stage.own(0, left_behind())
    stage.sink.floors = {Output(ALLOW, 0): Floor(40)}
    stage.intake.taken([record(0), record(1, "BAD")])
    await settle()
    stage.sink.floors = {Output(ALLOW, 0): Floor(90), Output(BLOCK, 0): Floor(20)}
    stage.intake.reported([DeliveryReport(stage.sink.sent[1][1], Fate.STORED)])
    stage.intake.commit()
    await settle()

    assert stage.checkpoint.floors[ALLOW].offset == 40
    assert stage.checkpoint.floors[BLOCK].offset == 20
    assert stage.checkpoint.done == {1}


async def test_without_a_lease_finished_verdicts_wait_for_a_commit_that_renews_it() -> None:
    """While nothing can be committed nothing is published: that is the price."""
    stage = Stage()
    await stage.own()
    stage.source.answer = None
    stage.clock.move(14)
    stage.intake.taken([record(0)])
    await settle()
    assert stage.sink.sent == []

    for _ in range(60):
        stage.intake.tick()
        stage.clock.move(0.1)
    stage.intake.commit()
    assert stage.checkpoint.lease_end_ms == stage.clock.wall_ms() + 24_000
    stage.clock.move(14)
    stage.source.answer_last()
    assert stage.sink.sent == [], "the commit was accepted, and too long ago"

    stage.intake.commit()
    stage.intake.tick()
    stage.source.answer_last()
    assert stage.sink.sent == [], "this process stood still just before it"
    for _ in range(60):
        stage.intake.tick()
        stage.clock.move(0.1)
    stage.intake.commit()
    stage.source.answer_last()
    assert stage.sink.topics == [ALLOW]


async def test_what_was_not_stored_waits_for_the_lease_in_its_old_order() -> None:
    """The sink cannot say whether it may be sent again; a lost lease says no."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, key=b"k"), record(1, key=b"k")])
    await settle()
    sent, stage.sink.sent = stage.sink.sent, []
    stage.clock.move(14)
    stage.intake.taken([record(2, key=b"k")])
    await settle()
    stage.intake.reported([DeliveryReport(ticket, Fate.NOT_STORED) for _, ticket in sent])
    assert stage.sink.sent == []
    for _ in range(60):
        stage.intake.tick()
        stage.clock.move(0.1)
    stage.intake.commit()
    await settle()

    positions = [dict(p.headers)["safeguard-position"] for p, _ in stage.sink.sent]
    assert positions == [b"chat/0/0", b"chat/0/1", b"chat/0/2"]


async def test_nothing_goes_to_an_output_before_a_commit_has_named_it() -> None:
    """A reload brings new outputs; the next owner would not look there."""
    stage = Stage()
    await stage.own()
    stage.source.answer = None
    outputs = Outputs(allow="elsewhere")
    stage.policies.catalogue = stage.policies.catalogue.__class__(
        (Binding("chat", (TOPIC,), VERSION, MessageTerms(format="text"), outputs),)
    )
    stage.intake.taken([record(0)])
    await settle()
    assert stage.sink.sent == []

    stage.intake.commit()
    assert "elsewhere" in stage.checkpoint.floors
    stage.source.answer_last()
    assert stage.sink.topics == ["elsewhere"]


async def test_a_clean_end_releases_and_one_with_verdicts_on_their_way_does_not() -> None:
    """Released means that the next owner need not wait."""
    for is_acknowledged in (True, False):
        stage = Stage(drain_s=0.05)
        await stage.own()
        stage.intake.taken([record(0)])
        await settle()
        if is_acknowledged:
            stage.acknowledge()
        points = await stage.intake.revoked({ZERO: stage.numbers})
        stage.source.commits.append(points)

        assert stage.checkpoint.is_released == is_acknowledged
        assert (stage.checkpoint.lease_end_ms == 0) == is_acknowledged


async def test_a_partition_revoked_while_it_is_recovered_commits_nothing() -> None:
    """What its last owner committed stands."""
    stage = Stage()
    stage.tails.failures = 1_000
    await stage.own(0, left_behind())

    assert await stage.intake.revoked({ZERO: stage.numbers}) == {}
    assert stage.source.commits == []


async def test_a_first_commit_without_an_answer_is_released_at_the_revocation() -> None:
    """It may have been accepted: the next owner need not wait, nor count a bad end."""
    stage = Stage()
    stage.source.answer = None
    await stage.own(0, left_behind())
    stage.source.commits.append(await stage.intake.revoked({ZERO: stage.numbers}))

    assert stage.checkpoint.is_released
    assert stage.checkpoint.starts == 0


async def test_the_answer_to_another_assignments_commit_establishes_nothing() -> None:
    """A commit of before the loss may be answered after the next assignment."""
    stage = Stage()
    stage.source.answer = None
    await stage.own()
    stage.intake.lost([ZERO])
    await stage.own()
    stage.intake.committed([Committed(ZERO, 1, stage.source.commits[0][ZERO].metadata, True)])
    assert stage.intake.recovering == (ZERO,)


async def test_repeated_deaths_at_one_offset_make_its_records_go_one_at_a_time() -> None:
    """Each attempt is noted first; the one that was alone twice when its worker died is ended."""
    recovery = RecoveryLimits(careful_after=3, careful_offsets=2)
    died = left_behind(is_released=False, starts=3)
    stage = Stage(recovery=recovery)
    stage.source.answer = None
    await stage.own(5, died)
    stage.source.answer_last()
    assert stage.checkpoint.starts == 3
    assert stage.checkpoint.careful_until == 7
    stage.intake.taken([record(offset, f"OK {offset}") for offset in (5, 6, 7)])
    await settle()
    assert stage.classifier.judged == []
    assert (stage.checkpoint.attempted, stage.checkpoint.attempts) == (5, 1)
    assert stage.checkpoint.starts == 4

    stage.source.answer_last()
    await settle()
    assert stage.classifier.judged == ["OK 5"]

    again = Stage(recovery=recovery)
    await again.own(5, stage.checkpoint._replace(attempts=2, lease_end_ms=0))
    again.intake.taken([record(offset, f"OK {offset}") for offset in (5, 6, 7)])
    await settle()
    again.acknowledge()
    await settle()
    again.acknowledge()
    await settle()
    assert again.classifier.judged == ["OK 6", "OK 7"]
    assert again.intake.ledger.dead_letters == 1


async def test_a_record_that_ends_every_worker_is_quarantined_after_two_lonely_attempts() -> None:
    """The whole chain, by the checkpoints that the workers themselves leave behind."""
    recovery = RecoveryLimits(careful_after=2, careful_offsets=2)
    left = left_behind(is_released=False, starts=2)
    judged: list[list[str]] = []
    for _ in range(3):
        stage = Stage(recovery=recovery)
        await stage.own(5, left._replace(lease_end_ms=0))
        stage.intake.taken([record(5, "OK kills"), record(6)])
        await settle()
        judged.append(stage.classifier.judged)
        # It dies here: what it committed last is what the next one finds.
        left = stage.checkpoint

    assert judged == [["OK kills"], ["OK kills"], []]
    assert stage.sink.topics == [LETTER]
    (publication, _) = stage.sink.sent[0]
    assert dict(publication.headers)["safeguard-dead-letter-reason"] == b"poison"


async def test_after_a_failure_nothing_is_released() -> None:
    """A bug that ends the worker counts as a bad end, also when the group is left in good order."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, "NO-SUCH-LABEL")])
    await settle()
    await stage.intake.drain()

    assert stage.intake.failure.done()
    assert await stage.intake.revoked({ZERO: stage.numbers}) == {}
    assert not any(
        "r=1" in points[ZERO].metadata.split(";") for points in stage.source.commits if points
    )


async def test_an_assignment_that_comes_over_another_ends_it() -> None:
    """And the late revocation of the first does not end the second."""
    stage = Stage()
    stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    await stage.own()
    assert stage.intake.ledger.discarded == 1

    assert await stage.intake.revoked({ZERO: 1}) == {}
    stage.intake.taken([record(0)])
    await settle()
    assert stage.sink.topics == [ALLOW]


async def test_a_start_below_the_commit_looks_at_the_outputs_by_time() -> None:
    """The log was cut back, or the topic is another one: the checkpoint speaks of what is gone."""
    stage = Stage()
    stage.tails.outputs = {ALLOW: {0: 3}}
    stage.tails.first_ms = 0
    checkpoint = left_behind(done=frozenset({105, 106}))
    text = checkpoint.encode(100, TOPIC)
    stage.intake.assigned([Assigned(ZERO, 1, 0, 100, text)])
    await settle()

    assert stage.checkpoint.done == {3}
    assert stage.checkpoint.term == checkpoint.term + 1


async def test_what_is_too_large_becomes_smaller_before_its_turn_comes() -> None:
    """Else the cut envelope would leave after the later verdicts of its key."""
    stage = Stage()
    await stage.own()
    stage.intake.taken(
        [record(0, "MAYBE " + "x" * 1_200_000, b"k"), record(1, "MAYBE short", b"k")]
    )
    await settle()

    assert [dict(p.headers)["safeguard-position"] for p, _ in stage.sink.sent] == [
        b"chat/0/0",
        b"chat/0/1",
    ]
    assert len(stage.sink.sent[0][0].value or b"") < 1_000_000


async def test_an_output_of_before_a_reload_is_named_while_something_goes_there() -> None:
    """And no longer: its topic may be deleted then."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    outputs = Outputs(allow="elsewhere")
    stage.policies.catalogue = Catalogue(
        (Binding("chat", (TOPIC,), VERSION, MessageTerms(format="text"), outputs),)
    )
    stage.intake.taken([record(1)])
    stage.intake.commit()
    await settle()
    assert stage.checkpoint.floors.keys() == {"elsewhere", FLAG, BLOCK, LETTER}

    gate.set()
    await settle()
    stage.intake.commit()
    await settle()
    assert stage.sink.topics == ["elsewhere", ALLOW]
    assert ALLOW in stage.checkpoint.floors


async def test_an_output_that_a_commit_under_way_does_not_name_any_more_gets_nothing() -> None:
    """That commit may be stored by now: the next owner would not look there."""
    stage = Stage()
    gate = stage.hold("OK slow")
    await stage.own()
    stage.intake.taken([record(0, "OK slow")])
    await settle()
    stage.source.answer = None
    outputs = Outputs(allow="elsewhere")
    stage.policies.catalogue = Catalogue(
        (Binding("chat", (TOPIC,), VERSION, MessageTerms(format="text"), outputs),)
    )
    stage.intake.taken([record(1, "BAD")])
    stage.intake.commit()
    assert ALLOW not in stage.checkpoint.floors
    gate.set()
    await settle()
    assert stage.sink.topics == [BLOCK]

    stage.source.answer_last()
    assert stage.sink.topics == [BLOCK]
    stage.intake.commit()
    assert ALLOW in stage.checkpoint.floors
    stage.source.answer_last()
    assert stage.sink.topics == [BLOCK, ALLOW]


async def test_an_answer_that_never_comes_is_not_waited_for_longer_than_a_lease() -> None:
    """The commit is asked for anew; the late answer to the old one renews nothing."""
    stage = Stage()
    await stage.own()
    stage.source.answer = None
    stage.intake.taken([record(0)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    stage.intake.commit()
    assert stage.offsets == [1]

    stage.clock.move(25)
    stage.intake.commit()
    assert stage.offsets == [1, 1]
    first = stage.source.commits[1][ZERO]
    stage.intake.committed([Committed(ZERO, first.number, first.metadata, True)])
    stage.intake.commit()
    assert stage.offsets == [1, 1], "the second is still under way"


async def test_a_clean_stop_forgets_the_attempts() -> None:
    """A rebalance in the middle of an attempt is not the record's fault."""
    stage = Stage(recovery=RecoveryLimits(careful_after=1))
    await stage.own(5, left_behind(careful_until=9, attempted=5, attempts=2, starts=7))
    stage.intake.taken([record(5, "OK 5")])
    await settle()
    await settle()

    assert stage.classifier.judged == ["OK 5"]


async def test_a_record_that_alone_holds_up_its_partition_is_ended() -> None:
    """Unjudged, stuck; but never while the model answers nobody."""
    stage = Stage()
    stage.hold("OK hangs")
    await stage.own()
    stage.intake.taken([record(0, "OK hangs"), record(1)])
    await settle()
    stage.acknowledge()
    stage.clock.move(9)
    stage.intake.end_pinned(10, is_out=False)
    stage.clock.move(2)
    stage.intake.end_pinned(10, is_out=True)
    await settle()
    assert stage.sink.sent == []

    stage.intake.end_pinned(10, is_out=False)
    await settle()
    assert stage.sink.topics == [FLAG]
    (publication, _) = stage.sink.sent[0]
    assert b'"unjudged_reason":"stuck"' in (publication.value or b"")


async def test_a_record_that_hangs_is_ended_in_a_room_that_never_rests() -> None:
    """New ones come all the time, all of one key: they are judged, and wait for it in its order."""
    stage = Stage()
    stage.hold("OK hangs")
    await stage.own()
    stage.intake.taken([record(0, "OK hangs", b"room"), record(1, "BAD", b"room")])
    await settle()
    stage.clock.move(11)
    stage.hold("OK new")
    stage.intake.taken([record(2, "OK new", b"room")])
    await settle()
    assert stage.sink.sent == []

    stage.intake.end_pinned(10, is_out=False)
    await settle()
    stage.acknowledge()
    assert stage.sink.topics == [BLOCK]
    stage.intake.end_pinned(10, is_out=False)
    assert list(stage.intake._assignments[ZERO].unfinished.admitted) == [1, 2], (
        "the new one has its time"
    )


async def test_nobody_is_ended_where_all_of_a_partition_hang() -> None:
    """Then it is no record's fault."""
    stage = Stage()
    stage.hold("OK hangs")
    await stage.own()
    stage.intake.taken([record(0, "OK hangs"), record(1, "OK hangs")])
    await settle()
    stage.clock.move(11)
    stage.intake.end_pinned(10, is_out=False)
    await settle()

    assert stage.sink.sent == []


async def test_what_the_map_has_no_room_for_waits_and_is_admitted_later() -> None:
    """Sparse offsets fill the metadata; the partition is paused, nothing is dropped or stripped."""
    stage = Stage(limits=FlowLimits(10_000, 10_000, 10_000))
    gate = stage.hold("OK slow")
    await stage.own()
    sparse = [record(number * 300_000) for number in range(1, 2_000)]
    stage.intake.taken([record(0, "OK slow"), *sparse])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert stage.source.paused == [ZERO]
    assert 200 < len(stage.classifier.judged) < 1_000
    assert len(stage.checkpoint.done) == len(stage.classifier.judged) - 1

    gate.set()
    for _ in range(20):
        await settle()
        stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert stage.offsets[-1] == 1_999 * 300_000 + 1
    assert stage.source.resumed == [ZERO, ZERO]
    assert stage.intake.ledger.difference == 0


def test_a_record_taken_before_its_partition_is_recovered_stops_the_service() -> None:
    """It would be passed over without a word: the source may never do this."""

    async def run() -> None:
        stage = Stage()
        stage.tails.failures = 1_000
        await stage.own(0, left_behind())
        stage.intake.taken([Record(Position(TOPIC, 0, 0), 1, None, b"OK")])
        assert isinstance(stage.intake.failure.exception(), Fatal)

    asyncio.run(run())


some_outputs = st.lists(st.sampled_from(OUTPUTS), min_size=1, unique=True)


class Work(NamedTuple):
    """How much of each a worker does in one step."""

    gaps: list[int]
    """One for each record that it takes; what the input lacks comes with this gap before it."""
    judged: int
    stored: int
    reported: list[str]
    """Outputs that reports come from, in this order."""
    is_followed: bool
    """Whether things happen between two reports of one batch."""
    is_committed: bool


some_work = st.builds(
    Work,
    gaps=st.lists(st.sampled_from([1, 1, 1, 2, 9]), max_size=8),
    judged=st.sampled_from([9, 3, 1, 0]),
    stored=st.sampled_from([9, 3, 1, 0]),
    reported=st.permutations(OUTPUTS) | st.lists(st.sampled_from(OUTPUTS), unique=True),
    is_followed=st.booleans(),
    is_committed=st.booleans(),
)


class SuccessionAgainstOutputs(RuleBasedStateMachine):
    """
    One worker after another owns a partition; the oracle is what lies on the outputs.

    An owner may crash at any step, or be expelled and go on without knowing it. What it had sent
    is stored then or never, and its last commit may be one of long ago.
    """

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.broker.when_read = self.nobody_else_may_publish_any_more
        self.alive: list[Worker] = []
        """The owner comes last; one before it was expelled and does not know it."""
        self.patches = ExitStack()

    def teardown(self) -> None:
        self.patches.close()

    @property
    def established(self) -> list[Worker]:
        return [worker for worker in self.alive if worker.commits.is_established]

    # Owners come and go.

    @initialize(
        data=st.data(),
        map_bytes_max=st.sampled_from([1, 3, offsets.MAP_BYTES_MAX]),
        outputs=some_outputs,
        work=some_work,
    )
    def begin(
        self, data: st.DataObject, map_bytes_max: int, outputs: list[str], work: Work
    ) -> None:
        """The map of finished records may have so little room that a few of them fill it."""
        self.map_chars_max = 1 + 4 * ceil(map_bytes_max / 3)
        self.patches.enter_context(patch.object(offsets, "MAP_BYTES_MAX", map_bytes_max))
        self.take_over(outputs, True)
        self.commit(self.alive[-1])
        self.go_on(data, self.alive[-1], work)

    def take_over(
        self,
        outputs: list[str],
        knows_ends: bool,
        while_waiting: Callable[[int], None] = lambda seconds: None,
    ) -> None:
        worker = Worker(self.broker, outputs, knows_ends)
        # From here on the commits of whoever was the owner are refused.
        self.broker.member = worker
        worker.recover(while_waiting)
        self.alive.append(worker)
        # What is on an output counts as done, and beside it only what was on one that is gone.
        start, done = worker.assigned.start, worker.recovered.done
        assert done >= {each for each in self.broker.judged if each >= start}
        assert done <= {*self.broker.judged, *self.broker.gone}

    def nobody_else_may_publish_any_more(self) -> None:
        """When an owner begins to read, nothing can come that it would miss."""
        assert not self.broker.sent
        for other in self.alive:
            assert not any(other.commits.may_publish(topic, other.now) for topic in OUTPUTS)

    @precondition(lambda self: self.alive[-1].is_at_work)
    @rule(
        end=st.sampled_from(["crashed", "crashed", "expelled", "expelled", "revoked"]),
        are_commits_in=st.booleans(),
        outputs=some_outputs,
        knows_ends=st.booleans(),
        data=st.data(),
        work=some_work | st.none(),
        sends_after_s=st.integers(0, 30),
        stored_after_s=st.integers(0, 30),
    )
    def succeed(
        self,
        end: str,
        are_commits_in: bool,
        outputs: list[str],
        knows_ends: bool,
        data: st.DataObject,
        work: Work | None,
        sends_after_s: int,
        stored_after_s: int,
    ) -> None:
        """What others had sent, and still may send, is stored while the new owner waits."""
        last = self.alive[-1]
        while are_commits_in and self.broker.asked:
            self.broker.coordinate()
        if end == "revoked" and are_commits_in:
            self.broker.commit = last.commits.last_point(last.now)
        self.alive = [last] if end == "expelled" else []

        def others_go_on(seconds: int) -> None:
            if seconds == sends_after_s:
                for other in self.alive:
                    other.send()
            if seconds == stored_after_s:
                while self.broker.sent:
                    self.broker.store(self.broker.sent[0])

        self.take_over(outputs, knows_ends, others_go_on)
        if work is not None:
            self.commit(self.alive[-1])
            self.go_on(data, self.alive[-1], work)

    @precondition(lambda self: self.broker.commit and self.broker.commit.offset)
    @rule(data=st.data())
    def reset_by_an_operator(self, data: st.DataObject) -> None:
        """
        In an empty group the commit is replaced by an earlier one that says nothing.

        Nothing then names an output but the policies, so these still name all of them.
        """
        self.alive = []
        self.time_passes(30)
        self.broker.asked.clear()
        assert self.broker.commit is not None
        offset = data.draw(st.integers(0, self.broker.commit.offset))
        self.broker.commit = CommitPoint(1, offset, "")
        self.take_over(list(OUTPUTS), True)
        self.commit(self.alive[-1])

    @rule(data=st.data(), outputs=some_outputs)
    def reload(self, data: st.DataObject, outputs: list[str]) -> None:
        """Other policies come into force, which publish elsewhere."""
        worker = data.draw(st.sampled_from(self.alive))
        worker.outputs = outputs
        worker.commits.outputs.use(outputs)

    # Records.

    @precondition(lambda self: self.established)
    @rule(data=st.data(), work=some_work)
    def work(self, data: st.DataObject, work: Work) -> None:
        self.go_on(data, data.draw(st.sampled_from(self.established)), work)

    def go_on(self, data: st.DataObject, worker: Worker, work: Work) -> None:
        """
        A worker does so much of each, in any order and to any output.

        One rule goes the whole way, since random steps would hardly ever come as far as a commit.
        """
        for gap in work.gaps:
            if worker.position > self.broker.input[-1]:
                self.broker.input.append(self.broker.input[-1] + gap)
            worker.take()
        for _ in range(min(work.judged, len(worker.taken))):
            # The next owner may come to another verdict: that is why it must not judge again.
            offset = data.draw(st.sampled_from(worker.taken))
            worker.taken.remove(offset)
            worker.ready.append((data.draw(st.sampled_from(worker.outputs)), offset))
        worker.send()
        for _ in range(min(work.stored, len(self.broker.sent))):
            self.broker.store(data.draw(st.sampled_from(self.broker.first_sent())))
        for topic in work.reported:
            worker.report(topic, data.draw(st.sampled_from([9, 1])), work.is_followed)
        if work.is_committed:
            self.commit(worker)

    # What is on its way to the outputs.

    @precondition(lambda self: self.broker.sent)
    @rule(data=st.data())
    def fail_to_publish(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([sent.worker for sent in self.broker.sent]))
        worker.give_up()
        if worker in self.alive:
            worker.send()

    @rule(topic=st.sampled_from(OUTPUTS), count=st.integers(1, 3))
    def somebody_else_publishes(self, topic: str, count: int) -> None:
        for _ in range(count):
            self.broker.append(topic, FOREIGN)

    # Outputs made again.

    @rule(topic=st.sampled_from(OUTPUTS), is_seen=st.booleans(), data=st.data())
    def make_an_output_again(self, topic: str, is_seen: bool, data: st.DataObject) -> None:
        """It is another topic from here on; a worker sees it at its next look at the topics."""
        self.broker.make_again(topic)
        if is_seen:
            self.look(data)

    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.alive)).floors.look(self.broker.look())

    # Commits.

    def commit(self, worker: Worker) -> None:
        """From the question to the answer, if there is anything new to be said."""
        worker.ask(is_steady=True)
        while self.broker.asked:
            self.broker.coordinate()
        while worker.answers:
            worker.answered()

    @rule(data=st.data(), is_steady=st.booleans())
    def ask(self, data: st.DataObject, is_steady: bool) -> None:
        data.draw(st.sampled_from(self.alive)).ask(is_steady)

    @precondition(lambda self: self.broker.asked)
    @rule()
    def coordinate(self) -> None:
        self.broker.coordinate()

    @precondition(lambda self: self.broker.asked)
    @rule(data=st.data())
    def stop_waiting_for_an_answer(self, data: st.DataObject) -> None:
        """It is told as refused, though it may yet be accepted."""
        worker, point = data.draw(st.sampled_from(list(self.broker.asked)))
        worker.commits.answered(point.metadata, is_accepted=False)

    @precondition(lambda self: any(worker.answers for worker in self.alive))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([each for each in self.alive if each.answers])).answered()

    @rule(seconds=st.sampled_from([0.2, 1, 5, 25]))
    def time_passes(self, seconds: float) -> None:
        self.broker.clock.move(seconds)
        self.broker.expire()

    # What must hold after every step.

    @invariant()
    def no_record_has_two_verdicts(self) -> None:
        judged = self.broker.judged
        assert len(judged) == len(set(judged))

    @invariant()
    def what_is_committed_past_has_a_verdict(self) -> None:
        committed = self.broker.commit.offset if self.broker.commit else 0
        judged = {*self.broker.judged, *self.broker.gone}
        assert judged.issuperset(offset for offset in self.broker.input if offset < committed)

    @invariant()
    def what_the_commit_does_not_name_lies_where_it_says(self) -> None:
        """At or above the floor of its output: who would recover now would find it."""
        commit = self.broker.commit
        left = decode_checkpoint(commit.metadata, commit.offset, TOPIC) if commit else None
        if commit is None or left is None:
            return
        assert left.done <= {*self.broker.judged, *self.broker.gone}
        assert len(encode_done(left.done, commit.offset)) <= self.map_chars_max
        for topic, lying in self.broker.outputs.items():
            named = {FOREIGN, *left.done}
            unnamed = {at for at, o in lying.items() if o >= commit.offset and o not in named}
            assert not unnamed or topic in left.floors
            floor = left.floors.get(topic)
            if floor is not None and is_same_topic(floor.topic_id, self.broker.topic_ids[topic]):
                assert not unnamed or floor.offset <= min(unnamed)


# Where it fails, finding the shortest failing history takes a while.
TestSuccession = pytest.mark.timeout(400)(SuccessionAgainstOutputs.TestCase)
TestSuccession.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
