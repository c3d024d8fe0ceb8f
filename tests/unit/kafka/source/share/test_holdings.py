"""What is owned now is told from what was owned before by its number."""

from __future__ import annotations

from consumer.interfaces import Partition
from consumer.kafka.source.share.holdings import Holdings

ZERO, ONE = Partition("in", 0), Partition("in", 1)


def test_numbers_count_the_assignments_of_each_partition() -> None:
    """Through all that comes between."""
    holdings = Holdings()
    assert (holdings.take(ZERO), holdings.take(ONE)) == (1, 1)
    holdings.forget([ZERO])
    assert holdings.number_of(ZERO) is None
    assert holdings.partitions == (ONE,)
    assert holdings.take(ZERO) == 2
    assert holdings.among([ZERO, Partition("in", 9)]) == {ZERO: 2}
    assert len(holdings) == 2
    assert ZERO in holdings
    assert Partition("in", 9) not in holdings
    assert (holdings.number_of(ZERO), holdings.number_of(ONE)) == (2, 1)
