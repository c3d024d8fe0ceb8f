"""What was sent comes out once, and what has failed in the order it was sent."""

from __future__ import annotations

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Output, Publication
from consumer.kafka.sink.under_way import Sending, UnderWay


def sending(number: int) -> Sending:
    output = Output(f"out{number % 2}", 0)
    publication = Publication(*output, None, b"v", ())
    return Sending(publication, output, f"t{number}", Floor(0), float(number), is_alone=False)


def test_a_report_settles_a_sending_once() -> None:
    """A second one for it is nobody's."""
    under_way = UnderWay()
    number = under_way.add(sending(0))
    assert under_way.take(number) == sending(0)
    assert under_way.take(number) is None
    assert under_way.is_empty


def test_failures_come_in_the_old_order() -> None:
    """However they were reported, and until then nothing counts as finished."""
    under_way = UnderWay()
    numbers = [under_way.add(sending(n)) for n in range(4)]
    under_way.fail(numbers[2])
    taken = under_way.take(numbers[0])
    under_way.fail(numbers[0], taken)
    under_way.take(numbers[1])
    assert len(under_way) == 1
    under_way.fail(numbers[3])
    assert len(under_way) == 0
    assert not under_way.is_empty
    assert under_way.failed_topics == {"out0", "out1"}
    assert [each.ticket for each in under_way.take_failed()] == ["t0", "t2", "t3"]
    assert under_way.is_empty


def test_the_oldest_is_late_first() -> None:
    """Where nothing is on its way nothing is late."""
    under_way = UnderWay()
    assert not under_way.is_late(100.0, 1.0)
    first = under_way.add(sending(0))
    under_way.add(sending(5))
    assert not under_way.is_late(1.0, 1.0)
    assert under_way.is_late(1.1, 1.0)
    under_way.take(first)
    assert not under_way.is_late(6.0, 1.0)


def test_one_that_is_looked_at_alone_is_known_to_be() -> None:
    """Then its refusal means it, and not its batch."""
    under_way = UnderWay()
    number = under_way.add(sending(0))
    under_way.put_alone(number)
    taken = under_way.take(number)
    assert taken is not None
    assert taken.is_alone
