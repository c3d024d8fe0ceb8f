"""The schedule repeats itself for a seed, keeps its bounds, and has every kind of fault."""

from __future__ import annotations

import itertools

import pytest

from tests.chaos.schedule import LASTS_S, Fault, Kind, schedule

SEEDS = range(300)
LONG = range(20)


def test_a_seed_is_a_schedule() -> None:
    """The same seed gives the same faults, another seed others."""
    assert schedule(1, 120) == schedule(1, 120)
    assert schedule(1, 120) != schedule(2, 120)


def test_a_short_run_has_what_must_be_in_it() -> None:
    """In 30 s: a kill, a freeze over the session, a stop in good order and a broker."""
    for seed in SEEDS:
        kinds = {fault.kind for fault in schedule(seed, 30)}

        assert kinds >= {Kind.KILL, Kind.FREEZE, Kind.TERM, Kind.BROKER}, seed


@pytest.mark.parametrize("seed", LONG)
def test_faults_are_in_order_in_bounds_and_over_in_time(seed: int) -> None:
    """Each lasts as its kind does, and the last one is over at the end."""
    faults = schedule(seed, 240)

    assert faults == sorted(faults)
    assert {fault.kind for fault in faults} == set(Kind)
    for fault in faults:
        assert fault.end_s <= 240
        low, high = LASTS_S[fault.kind]
        assert low <= fault.lasts_s <= high


@pytest.mark.parametrize("seed", LONG)
def test_nobody_is_struck_twice_at_once(seed: int) -> None:
    """One fault a worker at a time, and one broker down at a time."""
    faults = schedule(seed, 240)
    lanes: dict[object, list[Fault]] = {}
    for fault in faults:
        is_own = fault.kind in (Kind.BROKER, Kind.SERVER)
        lanes.setdefault(fault.kind if is_own else fault.target, []).append(fault)
    for lane in lanes.values():
        for earlier, later in itertools.pairwise(lane):
            assert earlier.end_s <= later.at_s
