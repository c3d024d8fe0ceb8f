"""What an assignment begins with: what was done before, and when it is safe to look."""

from __future__ import annotations

import asyncio

import pytest

from consumer.domain.binding import Binding, Catalogue, Outputs, Reading
from consumer.domain.checkpoint import Checkpoint, Floor
from consumer.domain.message import Position, Record
from consumer.errors import Fatal
from consumer.interfaces import Assigned, Committed, Fate, Report
from consumer.pipeline.limiter import FlowLimits
from consumer.pipeline.recovery import RecoveryLimits
from tests.unit.pipeline.staging import TOPIC, VERSION, ZERO, Stage, record, settle

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
    stage.sink.floors = {(ALLOW, 0): 40}  # type: ignore[dict-item]
    stage.intake.taken([record(0), record(1, "BAD")])
    await settle()
    stage.sink.floors = {(ALLOW, 0): 90, (BLOCK, 0): 20}  # type: ignore[dict-item]
    stage.intake.reported([Report(stage.sink.sent[1][1], Fate.STORED)])
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
    stage.intake.reported([Report(ticket, Fate.NOT_STORED) for _, ticket in sent])
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
        (Binding("chat", (TOPIC,), VERSION, Reading(format="text"), outputs),)
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
    assert stage.checkpoint.starts == 4
    assert stage.checkpoint.careful_until == 7
    stage.intake.taken([record(offset, f"OK {offset}") for offset in (5, 6, 7)])
    await settle()
    assert stage.classifier.judged == []
    assert (stage.checkpoint.attempted, stage.checkpoint.attempts) == (5, 1)

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
        (Binding("chat", (TOPIC,), VERSION, Reading(format="text"), outputs),)
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
        (Binding("chat", (TOPIC,), VERSION, Reading(format="text"), outputs),)
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
