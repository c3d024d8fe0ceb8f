"""OffsetTracker against a naive oracle: safe, and as far along as is safe, after every step."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.pipeline.offsets import OffsetTracker


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
