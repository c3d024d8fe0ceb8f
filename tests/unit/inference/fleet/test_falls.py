"""A server that fell is told apart from a message whose own calls break off."""

from __future__ import annotations

from consumer.inference.fleet.falls import Falls


def test_a_server_fell_where_calls_about_others_broke_off_since() -> None:
    """One's own are no proof, however many, and neither are those of long ago."""
    falls = Falls()
    for _ in range(3):
        falls.note(10.0, "mine")
    assert not falls.of_others(0.0, "mine")
    falls.note(11.0, "another")
    assert falls.of_others(11.0, "mine")
    assert not falls.of_others(11.5, "mine")
    assert falls.of_others(10.0, "another")


def test_only_the_last_ones_are_remembered() -> None:
    falls = Falls()
    falls.note(1.0, "another")
    for _ in range(16):
        falls.note(1.0, "mine")
    assert not falls.of_others(0.0, "mine")
