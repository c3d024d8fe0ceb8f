"""OffsetTracker against a naive oracle: safe, and as far along as is safe, after every step."""

from __future__ import annotations

from itertools import accumulate, pairwise, takewhile
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from consumer.domain.checkpoint import MAP_CHARS_MAX, encode_done, runs_bytes, varint_bytes
from consumer.pipeline.assignment import offsets as offsets_module
from consumer.pipeline.assignment.offsets import MAP_BYTES_MAX, OffsetTracker


class TrackerAgainstOracle(RuleBasedStateMachine):
    """Takes records with gaps, finishes them in any order, and compares with plain sets."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = OffsetTracker(start=10)
        self.taken: list[int] = []
        self.done: set[int] = set()

    @rule(gap=st.integers(min_value=0, max_value=5))
    def take(self, gap: int) -> None:
        offset = (self.taken[-1] + 1 if self.taken else 10) + gap
        assert self.tracker.start(offset)
        self.taken.append(offset)

    @precondition(lambda self: self.taken)
    @rule()
    def take_again(self) -> None:
        assert not self.tracker.start(self.taken[-1])
        assert not self.tracker.start(self.taken[0])

    @precondition(lambda self: set(self.taken) - self.done)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        unfinished = sorted(set(self.taken) - self.done)
        offset = data.draw(st.sampled_from(unfinished))
        self.tracker.finish(offset)
        self.done.add(offset)

    @invariant()
    def commits_exactly_the_unbroken_run(self) -> None:
        expected = 10
        for offset in self.taken:
            if offset not in self.done:
                break
            expected = offset + 1
        assert self.tracker.committable == expected
        unfinished = [offset for offset in self.taken if offset not in self.done]
        assert self.tracker.oldest == (unfinished[0] if unfinished else None)
        assert self.tracker.unfinished == len(unfinished)
        assert self.tracker.pending == sum(1 for offset in self.taken if offset >= expected)


class RecoveredTracker(RuleBasedStateMachine):
    """The same after a recovery: what earlier owners finished is named until it is passed."""

    @initialize(recovered=st.sets(st.integers(min_value=10, max_value=60)))
    def begin(self, recovered: set[int]) -> None:
        self.recovered = recovered
        self.tracker = OffsetTracker(10, recovered)
        self.last = 9
        self.unfinished: set[int] = set()
        self.finished: set[int] = set()

    @rule(gap=st.integers(min_value=0, max_value=5))
    def take(self, gap: int) -> None:
        self.last += gap + 1
        is_recovered = self.tracker.is_recovered(self.last)
        assert is_recovered == (self.last in self.recovered)
        assert self.tracker.start(self.last)
        if is_recovered:
            self.tracker.finish(self.last)
            self.finished.add(self.last)
        else:
            self.unfinished.add(self.last)

    @precondition(lambda self: self.unfinished)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.unfinished)))
        self.tracker.finish(offset)
        self.unfinished.remove(offset)
        self.finished.add(offset)

    @invariant()
    def names_all_that_is_done_above_the_commit_and_nothing_else(self) -> None:
        committable = self.tracker.committable
        assert not any(offset < committable for offset in self.unfinished)
        ahead = {offset for offset in self.recovered if offset > self.last}
        expected = {offset for offset in self.finished if offset >= committable} | ahead
        # One that was never taken, since the input no longer has it, may still be named.
        gone = {offset for offset in self.recovered if offset not in self.finished}
        assert expected <= self.tracker.done <= expected | gone
        assert all(offset >= committable for offset in self.tracker.done)


gaps = st.integers(min_value=1, max_value=3) | st.integers(min_value=1, max_value=2**40)


@given(st.lists(st.tuples(gaps, st.booleans()), max_size=300), st.integers(1, 40))
def test_the_map_fits_wherever_there_was_room(steps: list[tuple[int, bool]], times: int) -> None:
    """Admitting only while `has_room` keeps the checkpoint within what Kafka takes."""
    tracker, offset = OffsetTracker(0), 0
    for gap, finishes in steps * times:
        offset += gap
        if not tracker.has_room(offset):
            break
        tracker.start(offset)
        if finishes:
            tracker.finish(offset)

    assert len(encode_done(tracker.done, tracker.committable)) <= MAP_CHARS_MAX


sparse = st.sampled_from([1, 20, 300, 20_000])
kinds = st.sampled_from(["named", "found", "finishes", "stays"])


@settings(deadline=None)
@given(st.lists(st.tuples(sparse, kinds), min_size=1, max_size=8), st.integers(100, 300))
def test_the_map_fits_with_what_the_last_one_named(
    steps: list[tuple[int, str]], times: int
) -> None:
    """Its records stay in the map until they are passed, so less is taken beside them."""
    offsets = list(accumulate(gap for gap, _ in steps * times))
    kind_of = dict(zip(offsets, (kind for _, kind in steps * times), strict=True))
    named: set[int] = set()
    for offset in offsets:
        # The last owner took no more than it had room for either.
        if kind_of[offset] == "named" and runs_bytes(named, 0) < MAP_BYTES_MAX - 20:
            named.add(offset)
    recovered = named | {offset for offset in offsets if kind_of[offset] == "found"}

    tracker = OffsetTracker(0, recovered, named)
    # It holds the commit back, so that all that is finished is in the map.
    tracker.start(0)
    for offset in offsets:
        if not tracker.has_room(offset):
            break
        tracker.start(offset)
        if kind_of[offset] != "stays":
            tracker.finish(offset)
    assert tracker.done.issuperset(each for each in named if each >= tracker.committable)
    assert len(encode_done(tracker.done, tracker.committable)) <= MAP_CHARS_MAX


def test_one_far_record_does_not_make_the_map_too_long() -> None:
    """Dense records fit as a bitmap; a gap behind them would leave neither form short enough."""
    tracker = OffsetTracker(0)
    for offset in range(4_000):
        assert tracker.has_room(offset)
        tracker.start(offset)
        if offset % 2:
            tracker.finish(offset)

    assert not tracker.has_room(1_000_000)
    assert tracker.has_room(4_000)


class Room:
    """The bytes of the map by its definition: a bitmap of all, or at worst a run for each."""

    def __init__(self, start: int, found: list[int], named: list[int]) -> None:
        self.start, self.found, self.named = start, found, named
        self.taken: list[int] = []
        self.done: set[int] = set()
        self.passed = start - 1
        """What was taken last when something was last finished."""

    def run(self, offset: int, finishes: bool) -> None:
        self.taken.append(offset)
        if finishes:
            self.done.add(offset)
            self.passed = offset

    @property
    def committed(self) -> list[int]:
        return list(takewhile(self.done.__contains__, self.taken))

    def bytes_with(self, earlier: list[int], earlier_bytes: int, further: list[int]) -> int:
        """What earlier owners finished counts until the last of it is passed."""
        pending = [*self.taken[len(self.committed) :], *further]
        floor = (self.committed or [self.start - 1])[-1]
        runs = alone(pending, floor) + (
            earlier_bytes if max(earlier, default=0) > self.passed else 0
        )
        return min((max([floor, *pending, *earlier]) - floor - 1) // 8 + 1, runs)


def alone(offsets: list[int], before: int) -> int:
    """Each as a run of its own: how many are skipped, and one that is done."""
    return sum(varint_bytes(here - last) + 1 for last, here in pairwise([before, *offsets]))


around = st.sampled_from([1, 2, 7, 8, 9, 126, 127, 128, 129, 300])
steps = st.lists(st.tuples(around, st.booleans()), max_size=8)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([0, 1, 2, 130]), steps, steps, st.integers(1, 20))
def test_all_the_room_there_is_can_be_used(
    start: int, before: list[tuple[int, bool]], steps: list[tuple[int, bool]], room: int
) -> None:
    """With less a partition would stand still, and outputs be read in vain, for no reason."""
    found = list(accumulate((gap for gap, _ in before), initial=start - 1))[1:]
    named = [offset for offset, (_, is_named) in zip(found, before, strict=True) if is_named]
    oracle, offset = Room(start, found, named), start - 1
    with patch.object(offsets_module, "MAP_BYTES_MAX", room):
        tracker = OffsetTracker(start, found, named)
        for gap, finishes in steps:
            covered = oracle.bytes_with(found, alone(found, start - 1), [])
            assert tracker.covers_recovered == (covered <= room)
            offset += gap
            needed = oracle.bytes_with(named, runs_bytes(named, start), [offset])
            is_first = oracle.committed == oracle.taken
            assert tracker.has_room(offset) == (is_first or needed <= room)
            tracker.start(offset)
            if finishes:
                tracker.finish(offset)
            oracle.run(offset, finishes)


TestRecoveredTracker = RecoveredTracker.TestCase
TestRecoveredTracker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTracker = TrackerAgainstOracle.TestCase
TestTracker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_finishing_what_was_never_taken_is_an_error() -> None:
    """A finish for an unknown offset is a programming error and says so."""
    tracker = OffsetTracker(start=0)
    tracker.start(5)

    with pytest.raises(ValueError, match="offset 4 is not unfinished"):
        tracker.finish(4)
    with pytest.raises(ValueError, match="offset 6 is not unfinished"):
        tracker.finish(6)


def test_a_gap_in_the_numbers_does_not_hold_the_commit_back() -> None:
    """Compaction and transaction markers leave holes; the run is one of records taken."""
    tracker = OffsetTracker(start=0)
    for offset in (0, 7, 9):
        tracker.start(offset)
    for offset in (7, 0):
        tracker.finish(offset)

    assert tracker.committable == 8
    assert "committable 8" in repr(tracker)


def test_what_the_last_checkpoint_named_is_named_again_where_not_all_fits() -> None:
    """From the committed offset on; what was only found is found again."""
    with patch.object(offsets_module, "MAP_BYTES_MAX", 0):
        tracker = OffsetTracker(10, {9, 10, 11, 12}, {9, 10, 12})
        assert tracker.done == {10, 12}


def test_the_room_that_a_map_has_is_used_but_for_a_little() -> None:
    """Three bytes are four characters; a hundredth of it is to spare."""
    assert 0.98 * MAP_CHARS_MAX < MAP_BYTES_MAX * 4 / 3 < MAP_CHARS_MAX
