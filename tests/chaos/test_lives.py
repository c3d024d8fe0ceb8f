"""What was stored in which part of a run."""

from __future__ import annotations

from tests.chaos.lives import stored_since
from tests.records import Stored


def test_a_record_belongs_to_the_part_that_had_begun() -> None:
    records = [Stored("out", 0, n, None, None, (), ms) for n, ms in enumerate((5, 10, 19, 20, 99))]

    found = stored_since({"classic": 10, "consumer": 20}, records)

    assert found == {"classic": 2, "consumer": 2}
