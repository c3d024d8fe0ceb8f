"""How far a storm is, for whoever has to keep pace with it."""

from __future__ import annotations

from typing import Any, cast

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm


def test_progress_follows_the_faults_and_not_the_clock() -> None:
    """What is written keeps pace with it, or the last faults would strike idle workers."""
    seen: list[float] = []

    def strike(storm: Storm, _fault: Fault) -> bool:
        with storm.turn("one"):
            seen.append(storm.progress)
        return True

    nothing = cast(Any, None)
    storm = Storm(nothing, nothing, nothing, nothing, nothing, 1, lambda _: None)
    kind = Kind("k", "a fault", (0.0, 0.0), strike, Rhythm(first_s=(0, 0), gap_s=(1, 1)))
    faults = [Fault(0.0, "k", 0, 0.0)] * 3

    storm.run(faults, {"k": kind}, 0.0)

    assert max(seen) < 1
    assert storm.progress == 1
    storm.run(faults, {"k": kind}, 0.0)
    assert min(seen[3:]) >= 1
    assert storm.progress == 2
    assert storm.done["k"] == 6
