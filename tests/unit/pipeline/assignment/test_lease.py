"""The lease: who may publish, and until when, by whichever clock moved further."""

from __future__ import annotations

import pytest

from consumer.pipeline.assignment.lease import Lease, LeaseTerms, Moment, StallWatch

TERMS = LeaseTerms(session_s=30, heartbeat_s=2, request_s=3, margin_s=1, publish_s=10)


def at(seconds: float, wall_s: float | None = None) -> Moment:
    return Moment(seconds, int((seconds if wall_s is None else wall_s) * 1_000))


def test_a_lease_is_the_session_less_what_may_lie_between_heartbeat_and_commit() -> None:
    """And a publication needs the time that it may lie in the client."""
    assert TERMS.length_s == 24
    assert TERMS.needed_s == 11
    assert TERMS.steady_s == 5


def test_without_a_renewal_nothing_may_be_published() -> None:
    """A worker that has just been assigned a partition has no lease yet."""
    lease = Lease(TERMS)

    assert not lease.allows_publishing(at(100))
    assert lease.is_due(at(100))


def test_a_lease_counts_from_when_its_commit_was_asked_for() -> None:
    """Up to the last moment at which what is sent cannot outlive it."""
    lease = Lease(TERMS)
    lease.renew(at(100))

    assert lease.allows_publishing(at(113))
    assert not lease.allows_publishing(at(113.1))
    assert lease.left_s(at(124)) == 0
    assert lease.is_due(at(106.6))
    assert not lease.is_due(at(106.5))


@pytest.mark.parametrize("now", [at(101, 120), at(120, 101), at(120, 90)])
def test_the_clock_that_moved_further_counts(now: Moment) -> None:
    """A sleeping machine stops one clock, an operator sets the other back."""
    lease = Lease(TERMS)
    lease.renew(at(100))

    assert not lease.allows_publishing(now)


def test_an_older_renewal_does_not_shorten_a_lease() -> None:
    """Answers may come late; each counts from its own asking."""
    lease = Lease(TERMS)
    lease.renew(at(100))
    lease.renew(at(90))

    assert lease.left_s(at(100)) == 24


def test_a_process_that_stood_still_is_not_steady_for_a_heartbeat_and_a_request() -> None:
    """What is committed right after a stall proves too little to renew a lease."""
    watch = StallWatch(TERMS)
    watch.tick(at(100))
    watch.tick(at(100.9))
    assert watch.is_steady(at(101.8))

    assert not watch.is_steady(at(103))
    for tenth in range(1, 50):
        watch.tick(at(103 + tenth / 10))
        assert not watch.is_steady(at(103 + tenth / 10))
    assert watch.is_steady(at(108))


def test_ticks_a_whole_margin_apart_are_no_stall() -> None:
    """The margin is what may pass between two; only what is longer took a heartbeat's time."""
    watch = StallWatch(TERMS)
    watch.tick(at(100))
    assert watch.is_steady(at(101))
    assert not watch.is_steady(at(102.1))


def test_a_jump_of_the_wall_clock_counts_as_a_stall() -> None:
    """A machine that slept may show it on that clock alone."""
    watch = StallWatch(TERMS)
    watch.tick(at(100))

    assert not watch.is_steady(at(100.1, 160))


@pytest.mark.parametrize(
    ("now_s", "wall_ms", "since_s"),
    [(7.0, 5_000, 7.0), (7.0, 9_000, 9.0), (7.0, -60_000, 7.0), (0.0, 60_000, 60.0)],
)
def test_as_much_time_has_passed_as_either_clock_says(
    now_s: float, wall_ms: int, since_s: float
) -> None:
    """A host that was suspended stops one of them, and a lease must not outlive that."""
    earlier = Moment(100.0, 1_000_000)
    assert Moment(100.0 + now_s, 1_000_000 + wall_ms).since_s(earlier) == since_s
