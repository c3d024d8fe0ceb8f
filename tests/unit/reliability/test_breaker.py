"""The breaker: opened once, probed at intervals, closed by the first answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.reliability.breaker import Breaker


def test_a_new_breaker_lets_calls_pass() -> None:
    """Nothing is out until a probe has failed, and a probe may go out at any time."""
    breaker = Breaker(1.0)
    assert not breaker.is_open
    assert breaker.probe_in_s(0.0) == 0.0
    assert breaker.recover(5.0) is None


def test_it_opens_once() -> None:
    """The first failed probe opens it and says so; those after it only put off the next probe."""
    breaker = Breaker(1.0)
    assert breaker.trip(10.0)
    assert not breaker.trip(11.0)
    assert breaker.is_open
    assert breaker.opened == 1
    assert breaker.probe_in_s(11.25) == 0.75


def test_it_tells_how_long_it_was_open() -> None:
    """The first answer closes it, and the time counts from its opening, not from the last probe."""
    breaker = Breaker(1.0)
    breaker.trip(10.0)
    breaker.trip(12.0)
    assert breaker.recover(15.0) == 5.0
    assert not breaker.is_open
    assert breaker.recover(16.0) is None
    assert breaker.probe_in_s(15.1) == 0.0


def test_it_prints_its_state() -> None:
    """An operator sees whether it is open, and how often it has been."""
    breaker = Breaker(1.0)
    assert repr(breaker) == "<Breaker closed, opened 0 times>"
    breaker.trip(0.0)
    assert repr(breaker) == "<Breaker open, opened 1 times>"


@given(
    st.floats(0.1, 100),
    st.lists(st.tuples(st.sampled_from(["trip", "recover", "look"]), st.floats(0, 50))),
)
def test_any_history(probe_every_s: float, steps: list[tuple[str, float]]) -> None:
    """Whatever happens, waits are within the interval and openings and closings take turns."""
    breaker = Breaker(probe_every_s)
    now_s = 0.0
    openings = closings = 0
    for step, seconds in steps:
        now_s += seconds
        if step == "trip":
            openings += breaker.trip(now_s)
        elif step == "recover":
            open_for_s = breaker.recover(now_s)
            closings += open_for_s is not None
            assert open_for_s is None or open_for_s >= 0
        assert 0.0 <= breaker.probe_in_s(now_s) <= probe_every_s * (1 + 1e-9)
        assert openings - closings == breaker.is_open
        assert breaker.opened == openings
