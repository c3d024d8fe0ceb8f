"""
The table of mutants: what is broken, how, and who must notice.

A mutant is a function that breaks the product in the running process; nothing is written to disk.
`seeds` is how many worlds of the simulation it must be caught within; with 0 the tests named under
`tests` must fail instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.classifier import grammar
from consumer.domain.binding import Binding
from consumer.domain.checkpoint import Floor
from consumer.domain.messages.message import Headers
from consumer.domain.policy import Outcome
from consumer.domain.verdicts import decision
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.interfaces import Assigned, DeliveryReport, Fate, Output
from consumer.kafka.sink.floors import FloorTracker
from consumer.pipeline import intake
from consumer.pipeline.assignment.assignment import Assignment, Conclusion, Flight
from consumer.pipeline.assignment.commits import Commits
from consumer.pipeline.assignment.lease import Lease, Moment, StallWatch
from consumer.pipeline.assignment.offsets import OffsetTracker
from consumer.pipeline.assignment.outputs import OutputFloors
from consumer.pipeline.assignment.recovery import Recovered, Recovery
from consumer.pipeline.assignment.suspicion import Suspicion
from consumer.pipeline.intake import Intake
from consumer.pipeline.release import Release
from consumer.pipeline.seams import Seams
from consumer.pipeline.sequencer import Sequencer

INTAKE = "tests/unit/pipeline/test_intake.py"
RECOVERY = "tests/unit/pipeline/assignment/test_recovery.py"
AGAIN = "tests/unit/pipeline/test_topics_made_again.py"
LEASE = "tests/unit/pipeline/assignment/test_lease.py"


class Mutant(NamedTuple):
    """One bug."""

    name: str
    breaks: str
    apply: Callable[[], None]
    seeds: int = 0
    tests: tuple[str, ...] = ()


def commit_highest_seen() -> None:
    finish = OffsetTracker.finish

    def bug(self: OffsetTracker, offset: int) -> None:
        finish(self, offset)
        self.committable = self._last + 1

    OffsetTracker.finish = bug  # type: ignore[method-assign]


def commit_at_judgement() -> None:
    concluded = Release.concluded

    def bug(self: Release, flight: Flight, conclusion: Conclusion | None) -> None:
        concluded(self, flight, conclusion)
        assignment, offset = flight.assignment, flight.record.position.offset
        tracker = assignment.commits.offsets
        if flight.conclusion is not None and offset in assignment.unfinished.admitted:
            tracker.finish(offset)
            tracker.finish = lambda *_: None  # type: ignore[method-assign]

    Release.concluded = bug  # type: ignore[method-assign]


def drop_failed_dead_letter() -> None:
    report = Release.reported

    def bug(self: Release, reports: Sequence[DeliveryReport]) -> None:
        report(self, [_as_stored(each) for each in reports])

    def _as_stored(each: DeliveryReport) -> DeliveryReport:
        flight = each.ticket
        assert isinstance(flight, Flight)
        found = flight.conclusion
        is_lost = bool(found and found.rejection) and each.fate is Fate.NOT_STORED
        return DeliveryReport(flight, Fate.STORED) if is_lost else each

    Release.reported = bug  # type: ignore[method-assign]


def drop_failed_verdict() -> None:
    report = Release.reported

    def bug(self: Release, reports: Sequence[DeliveryReport]) -> None:
        report(self, [each._replace(fate=Fate.STORED) for each in reports])

    Release.reported = bug  # type: ignore[method-assign]


def no_term() -> None:
    Flight.is_live = property(lambda self: True)  # type: ignore[assignment, method-assign]


def no_drain() -> None:
    async def bug(*_: object) -> None:
        return

    intake.until_empty = bug  # type: ignore[assignment, attr-defined]


def trust_the_committed_offset() -> None:
    _change_recovered(lambda found: found._replace(done=frozenset(), found_floors=found.floors))


def ignore_the_tails() -> None:
    async def bug(*_: Any) -> dict[Any, int]:
        return {}

    Recovery._floors = bug  # type: ignore[assignment, method-assign]


def ignore_the_done_map() -> None:
    original = Commits._point

    def bug(self: Commits, *args: Any, **options: Any) -> Any:
        tracker = self.offsets
        done = type(tracker).done
        try:
            type(tracker).done = property(lambda _: frozenset())  # type: ignore[assignment, method-assign]
            return original(self, *args, **options)
        finally:
            type(tracker).done = done  # type: ignore[method-assign]

    Commits._point = bug  # type: ignore[method-assign]


def floors_pass_what_is_on_its_way() -> None:
    def bug(self: OutputFloors, topic: str, is_whole: bool) -> Floor:
        return self._floor(topic)

    OutputFloors._floor_to_note = bug  # type: ignore[method-assign]


def release_while_unacknowledged() -> None:
    def bug(self: Commits, now: Moment) -> Any:
        return self._point(now, 0.0, is_released=True)

    Commits.last_point = bug  # type: ignore[method-assign]


def ends_before_the_lease_is_over() -> None:
    original = Recovery._recover

    async def bug(self: Recovery, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        wait_out, waits = self._wait_out, []

        async def later(*args: Any) -> None:
            waits.append(args)

        self._wait_out = later  # type: ignore[assignment, method-assign]
        try:
            found = await original(self, assigned, outputs)
        finally:
            self._wait_out = wait_out  # type: ignore[method-assign]
        for args in waits:
            await self._wait_out(*args)
        return found

    Recovery._recover = bug  # type: ignore[method-assign]


def floors_from_later_ends() -> None:
    original = Recovery._recover

    async def bug(self: Recovery, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        found = await original(self, assigned, outputs)
        beyond = {name: each._replace(offset=1_000_000) for name, each in found.floors.items()}
        return found._replace(floors=beyond, found_floors=beyond)

    Recovery._recover = bug  # type: ignore[method-assign]


def no_lease() -> None:
    Lease.allows_publishing = lambda self, now: True  # type: ignore[method-assign]


def no_wait_for_the_last_owner() -> None:
    async def bug(*_: Any) -> None:
        return

    Recovery._wait_out = bug  # type: ignore[assignment, method-assign]


def lease_from_the_answer() -> None:
    answered = Commits.answered

    def bug(self: Commits, metadata: str, is_accepted: bool) -> None:
        answered(self, metadata, is_accepted)
        if is_accepted and self.lease._renewed is not None:
            # As if the clock were read only now: nobody knows how long the answer took.
            renewed = self.lease._renewed
            self.lease.renew(Moment(renewed.now_s + 6.0, renewed.wall_ms + 6_000))

    Commits.answered = bug  # type: ignore[method-assign]


def stalls_go_unnoticed() -> None:
    StallWatch.is_steady = lambda self, now: True  # type: ignore[method-assign]


def publish_to_unnamed_outputs() -> None:
    Commits.may_publish = lambda self, topic, now: self.lease.allows_publishing(now)  # type: ignore[method-assign]


def sequencer_releases_on_completion() -> None:
    def bug(self: Any, item: Any, destination: str) -> list[Any]:
        item.destination = destination
        if item.order_key is None:
            return [item]
        lane = self._lanes[item.order_key]
        lane.waiting.remove(item)
        lane.unacknowledged += 1
        return [item]

    Sequencer.ready = bug  # type: ignore[method-assign]


def order_across_topics_is_left_to_chance() -> None:
    released = Sequencer._released

    def bug(self: Any, lane: Any) -> list[Any]:
        lane.unacknowledged, before = 0, lane.unacknowledged
        found = released(self, lane)
        lane.unacknowledged += before
        return found

    Sequencer._released = bug  # type: ignore[method-assign]


def release_after_a_failure() -> None:
    original = Intake.revoked

    async def bug(self: Intake, assignments: Any) -> Any:
        failure, self.failure = self.failure, asyncio.get_running_loop().create_future()
        try:
            return await original(self, assignments)
        finally:
            self.failure = failure

    Intake.revoked = bug  # type: ignore[method-assign]


def attempts_are_not_counted() -> None:
    Suspicion.is_marked = lambda self, offset: self._mark[0] == offset  # type: ignore[method-assign]


def believe_incoming_headers() -> None:
    import consumer.domain.messages.retry as retry

    def bug(headers: Headers) -> list[tuple[str, bytes | None]]:
        return list(headers)

    retry.renamed = bug  # type: ignore[attr-defined]


def retry_loses_the_key() -> None:
    import consumer.commands.dead_letters.letter as letter

    original = letter.retry_of

    def bug(*args: Any) -> Any:
        return original(*args)._replace(key=None)

    letter.retry_of = bug  # type: ignore[assignment]


def ids_of_deleted_topics_are_believed() -> None:
    from consumer.kafka.reader import tail

    tail.is_of_topic = lambda *_: True  # type: ignore[attr-defined]


def floors_of_old_outputs_stay() -> None:
    def only_rises(self: OutputFloors, topic: str) -> Floor:
        own, sinks = self._floors[topic], self._floor_of(Output(topic, self._partition))
        return Floor(max(own.offset, sinks.offset), own.topic_id)

    def acknowledged(self: FloorTracker, output: Output, sent: Floor, offset: int) -> None:
        self._floors[output] = Floor(max(self.at(output).offset, offset + 1))

    def look(self: FloorTracker, ends: Mapping[Output, Floor]) -> list[str]:
        for output, end in ends.items():
            self._floors.setdefault(output, end)
        return []

    OutputFloors._floor = only_rises  # type: ignore[method-assign]
    FloorTracker.look = look  # type: ignore[method-assign]
    FloorTracker.acknowledged = acknowledged  # type: ignore[method-assign]


def blame_the_batch() -> None:
    from consumer.kafka.sink.probation import Probation

    Probation.is_to_blame = lambda self, output, *, is_alone: True  # type: ignore[method-assign]


def smaller_ones_overtake() -> None:
    Sequencer.put_back = lambda self, items: list(items)  # type: ignore[method-assign]


def limits_are_read_once() -> None:
    fit_again = Release._fit_again

    def bug(self: Release, flight: Flight, *, is_refused: bool) -> None:
        if is_refused:
            fit_again(self, flight, is_refused=True)

    Release._fit_again = bug  # type: ignore[method-assign]


def deaths_in_an_outage_count() -> None:
    original = Intake.__init__

    def bug(self: Intake, seams: Seams, *args: Any) -> None:
        original(self, seams._replace(is_model_well=lambda: True), *args)

    Intake.__init__ = bug  # type: ignore[assignment, method-assign]


def every_death_counts() -> None:
    original = Suspicion.__init__

    def bug(self: Suspicion, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        self._is_at_risk = True

    Suspicion.__init__ = bug  # type: ignore[method-assign]
    Suspicion.put_at_risk = lambda self, is_at_risk: False  # type: ignore[method-assign]


def old_commits_are_believed() -> None:
    from consumer.pipeline.assignment import recovery

    recovery.is_same_topic = lambda *_: True  # type: ignore[attr-defined]


def starts_of_old_topics_are_believed() -> None:
    from consumer.kafka.cluster import commits

    commits.is_same_topic = lambda *_: True  # type: ignore[attr-defined]


def the_name_stands_in_for_the_id() -> None:
    Assignment.topic_id = property(lambda _: "")  # type: ignore[assignment, method-assign]


def outputs_made_again_are_read_late() -> None:
    from consumer.pipeline.assignment import recovery

    original = recovery._floor_in

    def bug(floor: Floor, topic_id: str, end: int) -> int:
        return original(floor, topic_id, end) or min(1, end)

    recovery._floor_in = bug


def repairs_read_from_old_floors() -> None:
    from consumer.kafka.sink import floors

    floors.is_same_topic = lambda *_: True  # type: ignore[attr-defined]


def begun_on_another_topic_than_the_start_was_found_for() -> None:
    original = Recovery.recover

    async def bug(self: Recovery, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        return await original(self, assigned._replace(topic_id=""), outputs)

    Recovery.recover = bug  # type: ignore[method-assign]


def unknown_maps_are_runs() -> None:
    from consumer.domain import checkpoint

    original = checkpoint.decode_done

    def bug(text: str, offset: int) -> frozenset[int]:
        return original("r" + text[1:] if text[:1] not in ("", "b") else text, offset)

    checkpoint.decode_done = bug


def lanes_leak() -> None:
    original = Sequencer.passed_over

    def bug(self: Sequencer[Any], item: Any) -> list[Any]:
        key = item.order_key
        lane = self._lanes.get(key)
        released = original(self, item)
        if lane is not None:
            self._lanes.setdefault(key, lane)
        return released

    Sequencer.passed_over = bug  # type: ignore[method-assign]


def batches_of_scans_vanish() -> None:
    from consumer.kafka.reader import reader

    original = reader._within

    def bug(consumer: Any, ends: dict[tuple[str, int], int], count: int) -> list[Any]:
        left = len(ends)
        batch = original(consumer, ends, count)
        return batch if len(ends) < left else []

    reader._within = bug


def groups_keep_what_was_overturned() -> None:
    from consumer.review.store.batches import Batch, BatchDesk

    def bug(*args: Any) -> Batch:
        return Batch("")

    BatchDesk._followed = bug  # type: ignore[assignment, method-assign]


def a_stuck_record_holds_up_an_active_room() -> None:
    original = Intake.end_pinned

    def bug(self: Intake, pinned_s: float, is_out: bool) -> None:
        if all(len(each.unfinished.admitted) == 1 for each in self._assignments.values()):
            original(self, pinned_s, is_out)

    Intake.end_pinned = bug  # type: ignore[method-assign]


def _change_recovered(change: Callable[[Recovered], Recovered]) -> None:
    original = Recovery._recover

    async def bug(self: Recovery, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        return change(await original(self, assigned, outputs))

    Recovery._recover = bug  # type: ignore[method-assign]


def any_word_is_a_stub() -> None:
    pattern = grammar._STUB.pattern.replace(grammar._NAME, r"[^:(*]{1,60}")
    grammar._STUB = re.compile(pattern, grammar._FLAGS)


def any_prose_is_a_courtesy() -> None:
    grammar._COURTESY = re.compile(r"(?s).*")


def a_refusal_weighs_like_any_reason() -> None:
    def bug(reason: UnjudgedReason | None, binding: Binding) -> Outcome:
        return binding.on_unjudged

    decision.weight_of = bug


MUTANTS = (
    Mutant(
        "commit_highest_seen",
        "the commit is one past the highest record taken, not past the unbroken run",
        commit_highest_seen,
        seeds=100,
    ),
    Mutant(
        "commit_at_judgement",
        "a record is finished when the model has answered, not when the verdict is stored",
        commit_at_judgement,
        seeds=200,
    ),
    Mutant(
        "drop_failed_verdict",
        "a verdict whose produce failed counts as published",
        drop_failed_verdict,
        seeds=200,
    ),
    Mutant(
        "drop_failed_dead_letter",
        "a dead letter whose produce failed counts as published",
        drop_failed_dead_letter,
        seeds=1_500,
    ),
    Mutant("no_term", "what an ended assignment left behind still moves things", no_term, 200),
    Mutant(
        "no_drain",
        "a revocation does not wait for what is in flight",
        no_drain,
        tests=(f"{INTAKE}::test_revocation_drains_and_returns_what_may_be_committed",),
    ),
    Mutant(
        "trust_the_committed_offset",
        "recovery takes all above the committed offset for undone",
        trust_the_committed_offset,
        seeds=100,
    ),
    Mutant("ignore_the_tails", "recovery reads no outputs", ignore_the_tails, 100),
    Mutant(
        "ignore_the_done_map",
        "commits do not say what was done above their offset",
        ignore_the_done_map,
        seeds=300,
    ),
    Mutant(
        "floors_pass_what_is_on_its_way",
        "a floor is past the last acknowledgement, whatever else is on its way",
        floors_pass_what_is_on_its_way,
        tests=(f"{RECOVERY}::test_a_floor_is_where_what_is_on_its_way_can_lie",),
    ),
    Mutant(
        "release_while_unacknowledged",
        "the last commit releases although verdicts are on their way",
        release_while_unacknowledged,
        tests=(
            f"{RECOVERY}::test_a_clean_end_releases_and_one_with_verdicts_on_their_way_does_not",
        ),
    ),
    Mutant(
        "ends_before_the_lease_is_over",
        "tails are read before the last owner's lease has run out",
        ends_before_the_lease_is_over,
        tests=(
            f"{RECOVERY}::test_an_owner_that_did_not_release_is_waited_out_before_anything_is_read",
        ),
    ),
    Mutant(
        "no_wait_for_the_last_owner",
        "the last owner's lease is not waited out",
        no_wait_for_the_last_owner,
        seeds=1_500,
    ),
    Mutant(
        "floors_from_later_ends",
        "bounds come from ends beyond what was read at the assignment",
        floors_from_later_ends,
        seeds=300,
    ),
    Mutant("no_lease", "a worker publishes whether or not it has a lease", no_lease, 1_000),
    Mutant(
        "lease_from_the_answer",
        "a lease counts from the commit's answer instead of its asking",
        lease_from_the_answer,
        tests=(
            f"{RECOVERY}::test_without_a_lease_finished_verdicts_wait_for_a_commit_that_renews_it",
        ),
    ),
    Mutant(
        "stalls_go_unnoticed",
        "a commit renews the lease right after the process stood still",
        stalls_go_unnoticed,
        tests=(
            f"{LEASE}::test_a_process_that_stood_still_is_not_steady_for_a_heartbeat_and_a_request",
        ),
    ),
    Mutant(
        "publish_to_unnamed_outputs",
        "verdicts go to outputs that no commit has named",
        publish_to_unnamed_outputs,
        tests=(f"{RECOVERY}::test_nothing_goes_to_an_output_before_a_commit_has_named_it",),
    ),
    Mutant(
        "sequencer_releases_on_completion",
        "verdicts leave as they become ready, not in the order of their key",
        sequencer_releases_on_completion,
        seeds=100,
    ),
    Mutant(
        "order_across_topics_is_left_to_chance",
        "a key's next verdict goes to another topic before the last is acknowledged",
        order_across_topics_is_left_to_chance,
        seeds=500,
    ),
    Mutant(
        "release_after_a_failure",
        "a worker that fails releases its partitions",
        release_after_a_failure,
        tests=(f"{RECOVERY}::test_after_a_failure_nothing_is_released",),
    ),
    Mutant(
        "attempts_are_not_counted",
        "a record begun alone is begun again without a note",
        attempts_are_not_counted,
        tests=(
            f"{RECOVERY}::"
            "test_a_record_that_ends_every_worker_is_quarantined_after_two_lonely_attempts",
        ),
    ),
    Mutant(
        "blame_the_batch",
        "each record of a batch that the broker refused counts as too large",
        blame_the_batch,
        seeds=100,
    ),
    Mutant(
        "smaller_ones_overtake",
        "what is made smaller leaves at once, and what it was before does not wait for it",
        smaller_ones_overtake,
        seeds=300,
    ),
    Mutant(
        "limits_are_read_once",
        "what was not stored is sent again as it was, whatever its topic takes by now",
        limits_are_read_once,
        tests=(f"{INTAKE}::test_what_was_not_stored_is_made_to_fit_what_its_topic_takes_by_now",),
    ),
    Mutant(
        "deaths_in_an_outage_count",
        "a worker that is killed while the model is out casts suspicion on what waits for it",
        deaths_in_an_outage_count,
        seeds=300,
    ),
    Mutant(
        "every_death_counts",
        "a worker that is killed idle, or before it began, casts suspicion on its next record",
        every_death_counts,
        tests=("tests/unit/pipeline/assignment/test_suspicion.py",),
    ),
    Mutant(
        "believe_incoming_headers",
        "the input's own safeguard-* headers are handed on",
        believe_incoming_headers,
        tests=("tests/unit/pipeline/test_dead_letters.py",),
    ),
    Mutant(
        "retry_loses_the_key",
        "a dead letter that is sent again has no key",
        retry_loses_the_key,
        tests=("tests/unit/commands/dead_letters/test_letter.py",),
    ),
    Mutant(
        "ids_of_deleted_topics_are_believed",
        "verdicts on a deleted topic's records count for the topic made since",
        ids_of_deleted_topics_are_believed,
        tests=(
            "tests/contracts/test_sink.py::test_a_tail_tells_a_topic_from_an_earlier_one_of_its_name",
        ),
    ),
    Mutant(
        "any_word_is_a_stub",
        "a label counts whatever stands before the last colon",
        any_word_is_a_stub,
        tests=("tests/unit/classifier/test_grammar.py",),
    ),
    Mutant(
        "any_prose_is_a_courtesy",
        "an object counts whatever stands around it",
        any_prose_is_a_courtesy,
        tests=("tests/unit/classifier/test_grammar.py",),
    ),
    Mutant(
        "a_refusal_weighs_like_any_reason",
        "a refused message is allowed where the topic allows the unjudged",
        a_refusal_weighs_like_any_reason,
        tests=("tests/unit/domain/verdicts/test_decision.py",),
    ),
    Mutant(
        "floors_of_old_outputs_stay",
        "floors only rise, and are noted under the id of an output that was made again",
        floors_of_old_outputs_stay,
        seeds=300,
    ),
    Mutant(
        "old_commits_are_believed",
        "what was done on an input that is gone counts for the one made since",
        old_commits_are_believed,
        tests=(AGAIN,),
    ),
    Mutant(
        "starts_of_old_topics_are_believed",
        "a topic that was made again begins where the old one was committed",
        starts_of_old_topics_are_believed,
        # One world in some hundreds makes an input again with as many records as were committed.
        seeds=1_000,
    ),
    Mutant(
        "the_name_stands_in_for_the_id",
        "verdict ids and dead letters of a topic are those of one made again under its name",
        the_name_stands_in_for_the_id,
        tests=(AGAIN,),
    ),
    Mutant(
        "outputs_made_again_are_read_late",
        "the first record of an output that was made again is passed over",
        outputs_made_again_are_read_late,
        tests=(AGAIN,),
    ),
    Mutant(
        "repairs_read_from_old_floors",
        "what may have been stored on an output made again is looked for where the old one ended",
        repairs_read_from_old_floors,
        tests=("tests/unit/kafka/sink/test_floors.py",),
    ),
    Mutant(
        "begun_on_another_topic_than_the_start_was_found_for",
        "an assignment goes on though its topic was made again since",
        begun_on_another_topic_than_the_start_was_found_for,
        tests=(AGAIN,),
    ),
    Mutant(
        "unknown_maps_are_runs",
        "a map of finished records of an unknown kind is read as runs",
        unknown_maps_are_runs,
        tests=("tests/unit/domain/test_checkpoint.py",),
    ),
    Mutant(
        "lanes_leak",
        "a key whose only record was passed over is kept for ever",
        lanes_leak,
        tests=("tests/unit/pipeline/test_sequencer.py",),
    ),
    Mutant(
        "batches_of_scans_vanish",
        "a scan hands on only the batches that end a partition",
        batches_of_scans_vanish,
        tests=("tests/unit/kafka/reader/test_reader.py",),
    ),
    Mutant(
        "groups_keep_what_was_overturned",
        "cases that were decided along with an overturned one silently keep their decision",
        groups_keep_what_was_overturned,
        tests=("tests/unit/review/console/test_overturning.py",),
    ),
    Mutant(
        "a_stuck_record_holds_up_an_active_room",
        "a record that hangs is ended only where no other comes",
        a_stuck_record_holds_up_an_active_room,
        tests=(f"{RECOVERY}::test_a_record_that_hangs_is_ended_in_a_room_that_never_rests",),
    ),
)
