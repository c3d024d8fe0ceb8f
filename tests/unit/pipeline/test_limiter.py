"""Limiter: credits never exceed the bounds, and none is forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.lane import Lane
from consumer.pipeline.limiter import FlowLimits, Limiter


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


def test_a_lane_that_is_not_used_any_more_keeps_nothing() -> None:
    """Room that nobody has asked for in a minute is everybody's."""
    limiter = Limiter(FlowLimits(2, 100, 100))
    assert limiter.has_room(Lane.REAL_TIME, 0.0)
    limiter.begin(Lane.REPLAY)

    assert not limiter.has_room(Lane.REPLAY, 59.0)
    assert limiter.has_room(Lane.REPLAY, 61.0)
