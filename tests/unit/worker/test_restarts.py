"""Restarts: when a process that ended is started again, and when it is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.errors import EndpointRefused, InvalidPolicy, InvalidSettings, TopicsMissing
from consumer.worker.restarts import TO_MEND, RestartLimits, Restarts


def lives(restarts: Restarts, *lengths_s: float, code: int = 1) -> list[float | None]:
    """The wait after each of these lives."""
    now_s = 100.0
    waits: list[float | None] = []
    for length_s in lengths_s:
        restarts.started(now_s)
        now_s += length_s
        waits.append(restarts.ended(code, now_s))
        now_s += waits[-1] or 0.0
    return waits


def test_the_wait_doubles_up_to_its_bound() -> None:
    """A process that keeps dying is tried after 1, 2, 4 … seconds, never later than after 30."""
    assert lives(Restarts(), *[0.5] * 8) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_life_of_a_minute_begins_anew() -> None:
    """What lived for 60 s has shown that it can; a little less has not."""
    assert lives(Restarts(), 0, 0, 59.9, 60, 0) == [1, 2, 4, 1, 2]


def test_what_must_be_mended_is_not_started_again() -> None:
    """Settings, policies and topics are not mended by another start."""
    restarts = Restarts()
    for error in (InvalidSettings, InvalidPolicy, EndpointRefused, TopicsMissing):
        assert error.exit_code == TO_MEND
        assert lives(restarts, 5, code=error.exit_code) == [None]
    assert restarts.count == 0


def test_every_other_end_is_mended_by_a_start() -> None:
    """Errors, signals, and an end without a reason."""
    for code in (0, 1, 130, -9, -11, -15):
        assert lives(Restarts(), 5, code=code) == [1.0]


def test_it_prints_its_state() -> None:
    """How often it was started again, and what the next wait will be."""
    restarts = Restarts()
    lives(restarts, 0, 0)
    assert repr(restarts) == "<Restarts 2 so far, next wait 4 s>"


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from([0, 1, 2, -9])), max_size=30))
def test_any_history(history: list[tuple[float, int]]) -> None:
    """Every wait is within the bounds, and at most twice the one before."""
    limits = RestartLimits()
    restarts = Restarts(limits)
    now_s, last_s = 0.0, limits.wait_initial_s
    for length_s, code in history:
        restarts.started(now_s)
        now_s += length_s
        wait_s = restarts.ended(code, now_s)
        assert (wait_s is None) == (code == TO_MEND)
        if wait_s is not None:
            assert limits.wait_initial_s <= wait_s <= min(limits.wait_max_s, 2 * last_s)
            last_s = wait_s
            now_s += wait_s
