"""The schedule repeats itself for a seed, keeps its bounds, and has every kind of fault."""

from __future__ import annotations

import itertools

import pytest

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.kinds import KINDS
from tests.chaos.schedule import schedule

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

        assert kinds >= {"kill", "freeze", "term", "broker"}, seed


@pytest.mark.parametrize("seed", LONG)
def test_faults_are_in_order_in_bounds_and_over_in_time(seed: int) -> None:
    """Each lasts as its kind does, and the last one is over at the end."""
    faults = schedule(seed, 240)

    assert faults == sorted(faults)
    assert {fault.kind for fault in faults} == set(KINDS)
    for fault in faults:
        assert fault.end_s <= 240
        low, high = KINDS[fault.kind].lasts_s
        assert low <= fault.lasts_s <= high


@pytest.mark.parametrize("seed", LONG)
def test_nobody_is_struck_twice_at_once(seed: int) -> None:
    """One fault a worker at a time, and one of each kind with a rhythm."""
    faults = schedule(seed, 240)
    lanes: dict[object, list[Fault]] = {}
    for fault in faults:
        is_own = KINDS[fault.kind].rhythm is not None
        lanes.setdefault(fault.kind if is_own else fault.target, []).append(fault)
    for lane in lanes.values():
        for earlier, later in itertools.pairwise(lane):
            assert earlier.end_s <= later.at_s


def test_a_kind_with_a_rhythm_moves_no_other() -> None:
    """One more of them leaves the faults of all others as they were, for the same seed."""
    more = Kind("more", "", (1.0, 2.0), lambda *_: True, Rhythm((3.0, 4.0), (5.0, 6.0)))
    before = schedule(1, 240)

    after = schedule(1, 240, [*KINDS.values(), more])

    assert [fault for fault in after if fault.kind != "more"] == before
    assert any(fault.kind == "more" for fault in after)
    assert "more" not in {f.kind for f in schedule(1, 2.0, [more])}
