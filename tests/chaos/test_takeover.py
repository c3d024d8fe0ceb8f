"""A takeover is measured to the first verdict of another term on the same partition."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.crew import Death
from tests.chaos.journal import assignments, terms_held
from tests.chaos.takeover import summed_up, takeovers_s
from tests.records import Stored


def verdict(partition: int, term: int, at_ms: int) -> Stored:
    headers = (("safeguard-term", b"%d" % term),)
    return Stored("in.allow", partition, 0, None, None, headers, at_ms)


def test_what_the_dead_one_wrote_and_other_partitions_do_not_count() -> None:
    """A late verdict of the dead worker's own term is no takeover."""
    death = Death("w", "kill", 1_000, {0: 4, 1: 2})
    written = [
        verdict(0, 4, 1_500),
        verdict(0, 5, 9_000),
        verdict(0, 5, 9_500),
        verdict(0, 6, 12_000),
        verdict(2, 9, 1_200),
    ]

    assert takeovers_s([death], written) == [8.0]
    assert summed_up([8.0, 10.0]) == {"count": 2, "p50": 9.0, "max": 10.0}
    assert summed_up([]) == {"count": 0, "p50": None, "max": None}


def test_an_input_that_was_made_again_counts_its_owners_anew() -> None:
    """Its first owner has a lower term than the dead one, and took over all the same."""
    written = [verdict(0, 1, 500), verdict(0, 1, 4_000), verdict(0, 5, 60_000)]

    assert takeovers_s([Death("w", "kill", 1_000, {0: 4})], written) == [3.0]


def test_a_log_says_what_was_held(tmp_path: Path) -> None:
    """Recovered and not ended is held; half a last line is no event."""
    log = tmp_path / "log"
    rows = [
        {"event": "assigned", "partitions": ["a.in/0", "a.in/1"]},
        {"event": "recovered", "partition": "a.in/0", "term": 3},
        {"event": "recovered", "partition": "a.in/1", "term": 1},
        {"event": "assignment ended", "partition": "a.in/1", "term": 1},
    ]
    log.write_text("some words\n" + "\n".join(map(json.dumps, rows)) + '\n{"event": "assi')

    assert terms_held(log) == {0: 3}
    assert assignments(log) == 1
