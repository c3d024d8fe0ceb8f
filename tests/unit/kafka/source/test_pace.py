"""Records that come fast are handed over together, and those that come slowly at once."""

from __future__ import annotations

import pytest

from consumer.kafka.source.pace import FAST_S, GATHER_S, Pace


def gone(*times_s: float) -> Pace:
    """One whose records were handed over then."""
    pace = Pace()
    for now_s in times_s:
        pace.went(now_s)
    return pace


def test_the_first_and_what_comes_slowly_does_not_wait() -> None:
    assert gone().rest_s(10.0) == 0
    assert gone(10.0).rest_s(10.001) == 0
    assert gone(10.0, 10.001 + FAST_S).rest_s(10.001 + FAST_S) == 0


def test_what_comes_fast_gathers_from_the_last_time_on() -> None:
    pace = gone(10.0, 10.003)

    assert pace.rest_s(10.003) == pytest.approx(GATHER_S)
    assert pace.rest_s(10.005) == pytest.approx(GATHER_S - 0.002)
    assert pace.rest_s(10.008) == 0


def test_it_is_slow_again_after_a_pause() -> None:
    pace = gone(10.0, 10.003, 10.5)

    assert pace.rest_s(10.5) == 0
