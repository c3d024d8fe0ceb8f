"""Floors rise with what is acknowledged, and belong to one topic."""

from __future__ import annotations

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Output
from consumer.kafka.sink.floors import FloorTracker, lowest

ALLOW = Output("in.allow", 0)
OTHER = Output("in.allow", 1)


def test_a_floor_is_one_past_what_was_last_acknowledged() -> None:
    """Reports may come in any order; none takes it back."""
    floors = FloorTracker()
    assert floors.at(ALLOW) == Floor(0)
    floors.look({ALLOW: Floor(7, "a")})
    sent = floors.at(ALLOW)

    for offset in (9, 8):
        floors.acknowledged(ALLOW, sent, offset)
    assert floors.at(ALLOW) == Floor(10, "a")
    assert floors.look({ALLOW: Floor(99, "a")}) == []
    assert floors.at(ALLOW) == Floor(10, "a"), "what others wrote says nothing of ours"
    assert floors.at(OTHER) == Floor(0)


def test_a_topic_made_again_begins_anew_whatever_is_still_reported_of_the_old_one() -> None:
    """What was sent before is of either: only what was sent since moves the new one's floor."""
    floors = FloorTracker()
    floors.look({ALLOW: Floor(100, "a"), OTHER: Floor(3, "a")})
    before = floors.at(ALLOW)

    assert floors.look({ALLOW: Floor(5, "b"), OTHER: Floor(0, "b")}) == ["in.allow"]
    assert floors.at(ALLOW) == Floor(0, "b")
    floors.acknowledged(ALLOW, before, 100)
    assert floors.at(ALLOW) == Floor(0, "b")
    floors.acknowledged(ALLOW, floors.at(ALLOW), 5)
    assert floors.at(ALLOW) == Floor(6, "b")


def test_a_broker_that_gives_no_ids_tells_no_topics_apart() -> None:
    """Then an end says nothing either: it is as old as the look at it."""
    floors = FloorTracker()
    floors.look({ALLOW: Floor(100)})

    assert floors.look({ALLOW: Floor(0)}) == []
    assert floors.at(ALLOW) == Floor(100)


def test_what_may_be_stored_is_looked_for_where_it_can_lie() -> None:
    """From the lowest floor, or from the beginning of a topic that was made again."""
    assert lowest([Floor(9, "abc"), Floor(4, "abc")], "abc") == 4
    assert lowest([Floor(9), Floor(4)], "") == 4
    assert lowest([Floor(9, "abc"), Floor(4, "abc")], "new") == 0
    assert lowest([Floor(9, "new"), Floor(4, "abc")], "new") == 0
