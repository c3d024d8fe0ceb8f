"""How long to wait before trying again: bounded, growing, and no less than was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.errors import InferenceUnavailable, ModelFault, Overloaded
from consumer.inference.pacing.retry import RetryLimits, wait_s

LIMITS = RetryLimits(attempts_max=4, wait_initial_s=0.2, wait_max_s=10.0)
UNIFORM = st.floats(0, 1, exclude_max=True)


@given(
    st.floats(0.001, 10),
    st.floats(0.001, 300),
    st.integers(1, 10**6),
    UNIFORM,
    st.none() | st.floats(0, 3_600),
)
def test_every_wait_is_bounded(
    initial_s: float, most_s: float, attempt: int, uniform: float, asked_s: float | None
) -> None:
    """However often and whatever was asked for, a wait is neither negative nor above the bound."""
    limits = RetryLimits(4, initial_s, most_s)
    seconds = wait_s(limits, attempt, Overloaded(retry_after_s=asked_s), uniform)
    assert 0 < seconds <= most_s
    assert seconds >= min(asked_s or 0.0, most_s)


@given(st.integers(1, 30), UNIFORM)
def test_waits_grow_and_are_jittered(attempt: int, uniform: float) -> None:
    """The ceiling doubles with each attempt, and a wait lies in its upper half."""
    ceiling = min(10.0, 0.2 * 2 ** (attempt - 1))
    seconds = wait_s(LIMITS, attempt, InferenceUnavailable(), uniform)
    assert ceiling / 2 <= seconds <= ceiling


def test_the_doubling_ends_before_any_number_overflows() -> None:
    """After twenty times: a pause of a fifth of a second has become two days."""
    limits = RetryLimits(4, 1.0, 1e9)
    waits = [wait_s(limits, attempt, InferenceUnavailable(), 0.0) for attempt in (20, 21, 5_000)]
    assert waits == [2.0**19 / 2, 2.0**20 / 2, 2.0**20 / 2]


def test_jitter_spreads() -> None:
    """Two callers that failed together do not come back together."""
    waits = {wait_s(LIMITS, 3, InferenceUnavailable(), uniform / 10) for uniform in range(10)}
    assert len(waits) == 10


@given(st.integers(1, 100), UNIFORM)
def test_a_model_fault_is_asked_again_at_once(attempt: int, uniform: float) -> None:
    """A faulty answer says nothing about the server's load, and the next sample differs."""
    assert wait_s(LIMITS, attempt, ModelFault("unreadable"), uniform) == 0.0


@pytest.mark.parametrize(("asked", "expected"), [(3.0, 3.0), (60.0, 10.0), (None, 0.1)])
def test_what_the_server_asked_for(asked: float | None, expected: float) -> None:
    """Retry-After is the least wait, within our own bound."""
    assert wait_s(LIMITS, 1, Overloaded(retry_after_s=asked), 0.0) == expected
