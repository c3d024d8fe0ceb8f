"""Key order: what offsets and times of writing prove, and what they do not."""

from __future__ import annotations

from consumer.commands.audit.order import KeyOrder, Place, first_of

NO_TIME = -1


def late(*places: Place) -> list[int]:
    """The indexes of those that came out before one that precedes them."""
    order = KeyOrder()
    return [index for index, place in enumerate(places) if not order.follows(place)]


def test_within_an_output_partition_the_offset_decides() -> None:
    """Whatever the clocks of the writers said."""
    assert late(Place(0, 0, 4, 90), Place(0, 0, 5, 10)) == []
    assert late(Place(0, 0, 5, 10), Place(0, 0, 4, 90)) == [1]


def test_across_outputs_the_time_of_writing_decides() -> None:
    """Offsets of different partitions say nothing about each other."""
    assert late(Place(0, 0, 9, 10), Place(1, 0, 1, 11)) == []
    assert late(Place(0, 0, 1, 11), Place(1, 0, 9, 10)) == [1]
    assert late(Place(0, 0, 1, 11), Place(0, 1, 9, 10)) == [1]


def test_equal_milliseconds_and_unknown_times_prove_nothing() -> None:
    """Only what is proved is a fault."""
    for time_ms in (0, 10):
        assert late(Place(0, 0, 1, time_ms), Place(1, 0, 1, time_ms)) == []
    assert late(Place(0, 0, 1, 10), Place(1, 0, 1, NO_TIME)) == []
    assert late(Place(0, 0, 1, NO_TIME), Place(1, 0, 1, 0)) == []
    # The first millisecond is a time like others.
    assert late(Place(0, 0, 1, 1), Place(1, 0, 1, 0)) == [1]


def test_a_record_is_compared_with_all_before_it_not_its_neighbour_alone() -> None:
    """A neighbour at another output may prove nothing where the one before it does."""
    assert late(Place(0, 0, 5, 10), Place(1, 0, 1, 10), Place(0, 0, 4, 10)) == [2]
    assert late(Place(0, 0, 5, 10), Place(0, 0, 3, 10), Place(0, 0, 4, 10)) == [1, 2]
    assert late(Place(0, 0, 5, 30), Place(0, 0, 6, 20), Place(1, 0, 1, 25)) == [2]


def test_the_first_of_repeats_has_the_lowest_offset() -> None:
    """Not the lowest time: the writers' clocks may differ."""
    assert first_of([Place(0, 0, 7, 10), Place(0, 0, 3, 20)]) == Place(0, 0, 3, 20)


def test_of_several_topics_the_oldest_first_counts() -> None:
    """Each topic's first is found before times are compared."""
    places = [Place(0, 0, 3, 20), Place(0, 0, 7, 10), Place(1, 0, 9, 15)]

    assert first_of(places) == Place(1, 0, 9, 15)


def test_the_same_record_seen_again_is_not_late() -> None:
    """It was not written before itself."""
    assert late(Place(0, 0, 4, 10), Place(0, 0, 4, 10), Place(0, 0, 5, 10)) == []
