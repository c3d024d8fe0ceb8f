"""Hundreds of worlds from seeds: nothing lost, nothing judged twice, every key in order."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.simulate import run_many
from tests.simulation.world import KINDS, SCREENED_CAUSES, WHIMS, simulate

SEEDS = 250


@pytest.mark.timeout(400)
def test_no_seed_loses_or_contradicts_or_disorders_anything() -> None:
    """See `world.py` for what goes wrong in them; a failing seed is named and replays exactly."""
    events: Counter[str] = Counter()
    messages = 0
    failed = []
    for chunk in run_many(0, SEEDS):
        for finding in chunk:
            events += finding.events
            messages += finding.messages
            if not finding.is_fine:
                failed.append(str(finding))

    assert failed == []
    # A simulation in which nothing happens proves nothing.
    assert messages > 10 * SEEDS
    assert all(events[kind] > SEEDS / 4 for kind in KINDS), events
    assert all(events[whim] > SEEDS / 20 for whim in WHIMS), events
    assert all(events[cause] > SEEDS / 4 for cause in SCREENED_CAUSES), events
    assert events["filter"] > SEEDS / 5
    assert events["audited"] > SEEDS / 4, events
    assert events["alarm"] > SEEDS / 100, events
    assert events["rebalances"] > 5 * SEEDS
    assert events["overtaken"] > SEEDS / 20


def test_a_seed_replays_exactly() -> None:
    """The same seed comes to the same end by the same way."""
    first, second = simulate(4_711), simulate(4_711)

    assert str(first) == str(second)
    assert (first.duplicated, first.messages) == (second.duplicated, second.messages)
