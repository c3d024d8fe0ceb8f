"""What is known of an endpoint as it judges, falls and comes back."""

from __future__ import annotations

import pytest

from consumer.errors import EndpointRefused, InferenceTimeout, Retryable
from consumer.inference.blame.failures import Declined
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.standing import Standing
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.telemetry import Telemetry


class World:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.breaker = Breaker(1.0)
        self.standing = Standing("s", self.breaker, Telemetry(SystemClock(), self.metrics))
        self.back = 0
        self.standing.when_back = self.comes_back

    def comes_back(self) -> None:
        self.back += 1

    def falls(self, error: Retryable | None = None) -> bool:
        return self.standing.is_out(100.0, error or InferenceTimeout())

    @property
    def is_shown_out(self) -> float:
        (family,) = self.metrics.breaker_open.collect()
        (sample,) = family.samples
        return sample.value


def test_a_new_endpoint_has_judged_nothing() -> None:
    standing = World().standing
    assert (standing.has_judged, standing.has_judged_probe, standing.refusal) == (
        False,
        False,
        None,
    )
    assert standing.last_judgement_s == float("-inf")


def test_a_judgement_is_noted_and_is_not_a_probes() -> None:
    standing = World().standing
    standing.judged(7.0)
    assert (standing.has_judged, standing.has_judged_probe) == (True, False)
    assert standing.last_judgement_s == 7.0


def test_a_probe_that_was_judged_says_both() -> None:
    standing = World().standing
    standing.probe_judged()
    assert (standing.has_judged, standing.has_judged_probe) == (True, True)


def test_it_is_out_once_until_it_is_back() -> None:
    """In the metrics too; whoever waits for it is told once."""
    world = World()
    assert world.falls()
    assert world.is_shown_out == 1
    assert not world.falls()
    world.standing.is_there(105.0)
    assert world.is_shown_out == 0
    assert not world.breaker.is_open
    world.standing.is_there(106.0)
    assert world.back == 1


def test_a_call_that_is_judged_brings_it_back_as_a_probe_does() -> None:
    world = World()
    world.standing.judged(99.0)
    assert world.back == 0
    world.falls()
    world.standing.judged(105.0)
    assert not world.breaker.is_open
    assert world.back == 1


@pytest.mark.parametrize(("status", "is_refusal"), [(401, True), (404, True), (402, False)])
def test_wrong_settings_are_remembered_until_it_answers(status: int, is_refusal: bool) -> None:
    """Also where it was known to be out: the last probe counts."""
    world = World()
    world.falls()
    world.falls(Declined(status))
    assert isinstance(world.standing.refusal, EndpointRefused) == is_refusal
    assert not is_refusal or "endpoint s: " in str(world.standing.refusal)
    world.standing.is_there(105.0)
    assert world.standing.refusal is None
