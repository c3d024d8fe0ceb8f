"""What could be found on an output when, and who rightly found nothing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.journal import Recoveries
from tests.chaos.lives import Life, compare
from tests.chaos.shown import Shown
from tests.chaos.test_reckoning import verdict

OUT = ("in.allow", 0)


def test_a_record_is_hidden_until_the_end_is_beyond_it() -> None:
    shown = Shown()
    shown.note(OUT, 10.0, 4)
    shown.note(OUT, 30.0, 6)

    assert shown.was_hidden(OUT, 5, at_ms=10.0, until_ms=99.0)
    assert shown.was_hidden(OUT, 4, at_ms=9.0, until_ms=99.0)
    assert not shown.was_hidden(OUT, 3, at_ms=9.0, until_ms=99.0), "the end was behind it"
    assert not shown.was_hidden(OUT, 5, at_ms=11.0, until_ms=99.0), "seen before that alone"
    assert not shown.was_hidden(OUT, 5, at_ms=9.0, until_ms=10.0), "seen after it was gone"
    assert not shown.was_hidden(("in.allow", 1), 5, at_ms=0.0, until_ms=99.0)


def test_who_began_is_the_last_of_that_term_before(tmp_path: Path) -> None:
    """Terms begin anew with an input that is made again."""
    lines = [
        {"event": "recovered", "partition": "in/0", "term": 2, "timestamp": stamp}
        for stamp in ("2026-12-01T10:00:00.000Z", "2026-12-01T10:05:00.250Z")
    ]
    log = tmp_path / "w.log"
    log.write_text("\n".join(map(json.dumps, lines)))
    recoveries = Recoveries([log])
    first, second = 1_796_119_200_000.0, 1_796_119_500_250.0

    assert recoveries.before(0, 2, second + 1) == second
    assert recoveries.before(0, 2, second - 1) == first
    assert recoveries.before(0, 2, first - 1) is None
    assert recoveries.before(1, 2, second) is None


def test_another_owner_is_not_to_blame_for_what_was_not_shown_when_it_looked() -> None:
    life = Life([verdict(0, 0, 10), verdict(0, 1, 30, term=2)])
    hidden, plain = Shown(), Shown()
    hidden.note(OUT, 21.0, 0)
    plain.note(OUT, 21.0, 1)

    def began(partition: int, term: int, before_ms: float) -> float | None:
        return 20.0 if (partition, term) == (0, 2) and before_ms == 30 else None

    def found(shown: Shown) -> tuple[list[str], list[str]]:
        compared = compare([life], "in", ["id"], "g", shown, began)
        return compared.judged_twice, compared.judged_unshown

    assert found(hidden) == ([], ["in/0/0"])
    assert found(plain) == (["in/0/0"], [])
    assert found(Shown()) == (["in/0/0"], []), "nobody knows, so it is a fault"
