"""A capacity is a fixed number, or what answers show."""

from __future__ import annotations

from consumer.inference.pacing.capacity import Capacity
from consumer.inference.pacing.knee import KneeFinder
from consumer.inference.transports.reply import Reply


def test_without_a_finder_it_is_as_it_was_set() -> None:
    capacity = Capacity(7)
    assert (capacity.limit, capacity.sent()) == (7, None)


def test_refusals_for_load_narrow_it_and_other_failures_do_not() -> None:
    """A 500 says nothing of how many calls a server takes."""
    capacity = Capacity(64, KneeFinder(4, 64, 32))
    capacity.taken = 32
    for status, is_narrowed in ((500, False), (429, True)):
        for _ in range(8):
            sent = capacity.sent()
            assert sent is not None
            capacity.learn(sent, Reply(status, {}, b""), 0.1, True, 0.0)
        assert (capacity.limit < 32) == is_narrowed
