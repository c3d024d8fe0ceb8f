"""The data set's ledger sees what is missing, twice there, or out of order."""

from __future__ import annotations

from tests.dataset.ledger import count
from tests.records import Stored


def stored(offset: int, source: int, outcome: str = "allow", ms: int = 1) -> Stored:
    headers = (
        ("safeguard-position", b"in/0/%d" % source),
        ("safeguard-outcome", outcome.encode()),
    )
    return Stored(f"in.{outcome}", 0, offset, b"k", b"", headers, ms)


def test_a_whole_ordered_set_adds_up() -> None:
    """One verdict a message, in the order of the key, over two outputs."""
    found = count(["in/0/0", "in/0/1"], [stored(0, 0), stored(0, 1, "block", 2)])

    assert found.adds_up
    assert (found.messages, found.verdicts, found.dead_letters) == (2, 2, 0)


def test_each_fault_is_seen() -> None:
    """A missing message, a second verdict, a foreign one, and both kinds of disorder count."""
    positions = ["in/0/0", "in/0/1"]

    assert count(positions, [stored(0, 0)]).missing == 1
    assert count(positions, [stored(0, 0), stored(1, 1), stored(2, 1)]).duplicated == 1
    assert count(positions, [stored(0, 0), stored(1, 1), stored(2, 7)]).duplicated == 1
    assert count(positions, [stored(1, 0), stored(0, 1)]).out_of_order == 1
    assert count(positions, [stored(0, 0, ms=5), stored(0, 1, "block", 4)]).out_of_order == 1
    assert not count([], []).adds_up
