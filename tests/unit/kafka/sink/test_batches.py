"""Batches become smaller after a refusal, and larger again only where outputs say that they can."""

from __future__ import annotations

from consumer.kafka.sink.batches import BatchSize

MIB = 1_048_576


def test_they_follow_a_limit_that_was_lowered_and_raised_again() -> None:
    """Never beyond what anybody wants."""
    size = BatchSize(1_000_000, 1_000_000)
    size.refused(6_000)
    assert size.bytes_max == 6_000
    size.looked(6_000)
    size.looked(5_000)
    assert size.bytes_max == 6_000
    size.looked(50_000)
    assert size.bytes_max == 50_000
    size.looked(MIB)
    assert size.bytes_max == 1_000_000


def test_a_limit_that_was_not_why_a_batch_was_refused_is_no_reason_to_grow() -> None:
    """It would be refused again, each time that the limits are read."""
    size = BatchSize(1_000_000, 1_000_000)
    size.refused(MIB)
    assert size.bytes_max == 250_000
    size.looked(MIB)
    assert size.bytes_max == 250_000
    size.looked(2 * MIB)
    assert size.bytes_max == 1_000_000


def test_without_a_word_from_the_brokers_they_stay_small() -> None:
    """Until they say more than they were known to take."""
    size = BatchSize(1_000_000, 1_000_000)
    size.refused(None)
    size.looked(1_000_000)
    assert size.bytes_max == 250_000
    size.refused(None)
    assert size.bytes_max == 62_500
    size.looked(MIB)
    assert size.bytes_max == 1_000_000


def test_what_began_small_grows_with_its_outputs() -> None:
    """An output took little when the worker was started."""
    size = BatchSize(6_000, 1_000_000)
    size.looked(6_000)
    assert size.bytes_max == 6_000
    size.looked(20_000)
    assert size.bytes_max == 20_000
