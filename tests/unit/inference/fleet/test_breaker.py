"""The breaker: opened once, probed at intervals, closed by the first answer."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.inference.fleet.breaker import Breaker


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


PROBE_EVERY_S = 4.0


class BreakerAgainstHistory(RuleBasedStateMachine):
    """Keeps all that ever happened, and looks everything up in it anew after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(PROBE_EVERY_S)
        self.now_s = 100.0
        self.history: list[tuple[str, float]] = []
        """What came and when: a probe "failed", or something was "answered"."""

    @property
    def failed_since_answer_s(self) -> list[float]:
        """When probes failed that no answer has followed; the endpoint is out while there are."""
        failed: list[float] = []
        for what, when_s in self.history:
            failed = [*failed, when_s] if what == "failed" else []
        return failed

    # Eighths of a second are exact as floats, so that every comparison can be one of equality.
    @rule(eighths=st.integers(min_value=1, max_value=80))
    def time_passes(self, eighths: int) -> None:
        self.now_s += eighths / 8

    @precondition(lambda self: self.failed_since_answer_s)
    @rule()
    def wait_for_the_next_probe(self) -> None:
        """Who waits for as long as it says is at the moment when the probe is due, not before."""
        self.now_s += self.breaker.probe_in_s(self.now_s)
        assert self.breaker.probe_in_s(self.now_s) == 0
        assert self.now_s >= self.failed_since_answer_s[-1] + PROBE_EVERY_S

    # A probe can fail at any time: several calls may have been under way when the server went.
    @rule()
    def probe_fails(self) -> None:
        was_out = bool(self.failed_since_answer_s)
        assert self.breaker.trip(self.now_s) != was_out
        self.history.append(("failed", self.now_s))

    # So can an answer come: to a probe, or late to a call of before.
    @rule()
    def an_answer_comes(self) -> None:
        failed = self.failed_since_answer_s
        expected = self.now_s - failed[0] if failed else None
        assert self.breaker.recover(self.now_s) == expected
        self.history.append(("answered", self.now_s))

    @invariant()
    def is_open_while_no_answer_has_followed_a_failed_probe(self) -> None:
        assert self.breaker.is_open == bool(self.failed_since_answer_s)

    @invariant()
    def lets_a_probe_out_an_interval_after_the_last_one_failed(self) -> None:
        failed = self.failed_since_answer_s
        due_s = failed[-1] + PROBE_EVERY_S if failed else self.now_s
        expected = due_s - self.now_s if due_s > self.now_s else 0.0
        assert self.breaker.probe_in_s(self.now_s) == expected

    @invariant()
    def counts_each_outage_once(self) -> None:
        before = ["answered", *(what for what, _ in self.history)]
        outages = list(pairwise(before)).count(("answered", "failed"))
        assert self.breaker.opened == outages


TestBreaker = BreakerAgainstHistory.TestCase
TestBreaker.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
