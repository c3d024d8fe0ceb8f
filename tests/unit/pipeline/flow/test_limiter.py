"""Limiter: credits never exceed the bounds, and none is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.domain.lane import Lane
from consumer.pipeline.flow.limiter import FlowLimits, Limiter

lanes = st.sampled_from(Lane)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(min_value=1, max_value=20),
    st.integers(min_value=1, max_value=40),
    st.lists(st.tuples(st.sampled_from(["take", "judge", "end"]), st.integers(1, 10))),
)
def test_what_is_taken_stays_within_both_bounds(
    in_flight_max: int, pending_max: int, steps: list[tuple[str, int]]
) -> None:
    """Records on credit plus those being judged never exceed the bounds, in any order of events."""
    limiter = Limiter(FlowLimits(in_flight_max, 10, pending_max))
    credits = limiter.credits_to_give()
    for step, count in steps:
        if step == "take":
            taken = min(count, credits)
            credits -= taken
            limiter.took(taken)
            for _ in range(taken):
                limiter.begin(Lane.REAL_TIME)
            limiter.pending += taken
        elif step == "judge":
            for _ in range(min(count, limiter.in_flight)):
                limiter.end(Lane.REAL_TIME)
        else:
            limiter.pending -= min(count, limiter.pending - limiter.in_flight)
        credits += limiter.credits_to_give()

        assert limiter.in_flight + credits <= in_flight_max
        assert limiter.pending + credits <= max(pending_max, limiter.pending)
        room = min(in_flight_max - limiter.in_flight, pending_max - limiter.pending)
        assert credits >= min(room, 0) if room < 0 else credits == room


def test_a_partition_pauses_at_its_bound_and_resumes_well_below() -> None:
    """Pausing costs a refetch, so it does not flap around one number."""
    limiter = Limiter(FlowLimits(pending_max=100))

    assert not limiter.must_pause(99)
    assert limiter.must_pause(100)
    assert not limiter.may_resume(75)
    assert limiter.may_resume(74)


def test_a_later_lane_fills_a_part_while_an_earlier_one_is_in_use() -> None:
    """What replay may hold is half of what may be judged at once, as long as chat is at work."""
    limiter = Limiter(FlowLimits(8, 100, 100))
    for _ in range(4):
        assert limiter.has_room(Lane.REPLAY, 0.0)
        limiter.begin(Lane.REPLAY)
    assert limiter.has_room(Lane.REPLAY, 0.0)
    assert limiter.has_room(Lane.REAL_TIME, 1.0)

    assert not limiter.has_room(Lane.REPLAY, 2.0)
    assert limiter.has_room(Lane.COMMENTS, 2.0)
    limiter.end(Lane.REPLAY)
    assert limiter.has_room(Lane.REPLAY, 2.0)
    assert limiter.has_room(Lane.REAL_TIME, 2.0)


@pytest.mark.parametrize(("lane", "most"), [(Lane.COMMENTS, 6), (Lane.REPLAY, 4)])
def test_each_lane_has_a_share_of_its_own(lane: Lane, most: int) -> None:
    """Beside a chat at work: three quarters for comments with what is later, half for replay."""
    limiter = Limiter(FlowLimits(8, 100, 100))
    assert limiter.has_room(Lane.REAL_TIME, 0.0)
    begun = 0
    while limiter.has_room(lane, 0.0):
        limiter.begin(lane)
        begun += 1

    assert begun == most
    assert limiter.has_room(Lane.REAL_TIME, 0.0)


def test_a_lane_that_is_not_used_any_more_keeps_nothing() -> None:
    """Room that nobody has asked for in a minute is everybody's."""
    limiter = Limiter(FlowLimits(2, 100, 100))
    assert limiter.has_room(Lane.REAL_TIME, 0.0)
    limiter.begin(Lane.REPLAY)

    assert not limiter.has_room(Lane.REPLAY, 59.0)
    assert limiter.has_room(Lane.REPLAY, 61.0)


def test_what_waited_for_its_lane_does_not_begin_beyond_the_bound() -> None:
    """It has no credit left: those were given again, and used by the lane that it waited for."""
    limiter = Limiter(FlowLimits(2, 100, 100))
    assert limiter.has_room(Lane.REAL_TIME, 0.0)
    limiter.begin(Lane.REPLAY)
    assert not limiter.has_room(Lane.REPLAY, 0.0)
    limiter.begin(Lane.REAL_TIME)

    assert not limiter.has_room(Lane.REPLAY, 61.0)
    limiter.end(Lane.REAL_TIME)
    assert limiter.has_room(Lane.REPLAY, 61.0)


SHARES = {Lane.REAL_TIME: 1.0, Lane.COMMENTS: 0.75, Lane.REPLAY: 0.5}
"""Of all that may be judged at once: what a lane and later ones hold while an earlier is used."""
IN_USE_S = 60


class LimiterAgainstRecords(RuleBasedStateMachine):
    """
    Follows each record from its credit to its commit, in plain lists, as an intake moves it.

    The source takes records on credits. One for which there is no room waits, and begins later
    without a credit, when room is looked for again.
    """

    @initialize(in_flight_max=st.integers(1, 12), pending_total_max=st.integers(1, 20))
    def begin(self, in_flight_max: int, pending_total_max: int) -> None:
        self.in_flight_max, self.pending_total_max = in_flight_max, pending_total_max
        self.limiter = Limiter(FlowLimits(in_flight_max, 10, pending_total_max))
        self.now_s = 1_000
        self.credits = 0
        """Given to the source, and not used."""
        self.judged: list[Lane] = []
        """The lane of each record that is being judged."""
        self.published = 0
        """Records that are judged and not acknowledged by the broker."""
        self.waiting: list[Lane] = []
        self.asked_s: dict[Lane, int] = {}
        """When a record of a lane was last looked at, whether it had room or not."""
        self.look_for_room_again()

    @property
    def pending(self) -> int:
        return len(self.judged) + self.published

    def may_begin(self, lane: Lane) -> bool:
        """What the limiter says of a record, after that is held against the lists."""
        has_room = self.limiter.has_room(lane, self.now_s)
        self.asked_s[lane] = self.now_s
        used = {each for each, asked_s in self.asked_s.items() if self.now_s < asked_s + IN_USE_S}
        holds = len([each for each in self.judged if each >= lane])
        share = SHARES[lane] if min(used) < lane else 1.0
        is_full = len(self.judged) >= self.in_flight_max
        assert has_room == (holds < share * self.in_flight_max and not is_full)
        return has_room

    def admit_or_wait(self, lane: Lane) -> None:
        if self.may_begin(lane):
            self.limiter.begin(lane)
            self.limiter.pending += 1
            self.judged.append(lane)
        else:
            self.waiting.append(lane)

    @rule()
    def look_for_room_again(self) -> None:
        """For what waits first; then the source gets all that both bounds leave, and no more."""
        waiting, self.waiting = self.waiting, []
        for lane in waiting:
            self.admit_or_wait(lane)
        # One credit after the other while each fits; those that were given are never taken back.
        expected = self.credits
        while (
            expected + len(self.judged) < self.in_flight_max
            and expected + self.pending < self.pending_total_max
        ):
            expected += 1
        self.credits += self.limiter.credits_to_give()
        assert self.credits == expected

    @precondition(lambda self: self.credits)
    @rule(data=st.data(), lane=lanes)
    def take(self, data: st.DataObject, lane: Lane) -> None:
        """A batch comes; it may be smaller than the credits, and some of it is known as done."""
        count = data.draw(st.integers(1, self.credits))
        recovered = data.draw(st.sampled_from([0, 0, 0, count]))
        self.credits -= count
        self.limiter.took(count)
        for _ in range(count - recovered):
            self.admit_or_wait(lane)
        self.look_for_room_again()

    @precondition(lambda self: self.judged)
    @rule(data=st.data())
    def judge(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(self.judged))
        self.limiter.end(lane)
        self.judged.remove(lane)
        self.published += 1

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, self.published))
        self.limiter.pending -= count
        self.published -= count

    @precondition(lambda self: self.pending)
    @rule(lane=lanes)
    def lose_the_partitions_of_a_lane(self, lane: Lane) -> None:
        """Nobody judges their records any more."""
        for _ in range(self.judged.count(lane)):
            self.limiter.end(lane)
            self.limiter.pending -= 1
        self.judged = [each for each in self.judged if each != lane]
        self.waiting = [each for each in self.waiting if each != lane]

    @rule(seconds=st.sampled_from([1, 29, 30, 31, 60]))
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds

    @invariant()
    def counts_what_is_judged_and_never_more_than_may_be(self) -> None:
        assert self.limiter.in_flight == len(self.judged) <= self.in_flight_max


TestLimiter = LimiterAgainstRecords.TestCase
TestLimiter.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
