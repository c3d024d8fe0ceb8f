"""Nothing overtakes what is held for its output."""

from __future__ import annotations

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Output, Publication
from consumer.kafka.sink.held import Held
from consumer.kafka.sink.under_way import Sending

ONE, OTHER = Output("one", 0), Output("other", 0)


def test_tickets_come_back_in_their_order_and_free_their_output() -> None:
    """Each output has its own."""
    held = Held()
    held.hold(ONE, ["a"])
    held.hold(OTHER, ["x"])
    held.hold(ONE, ["b", "c"])
    assert held.holds(ONE)
    assert held.release(ONE) == ["a", "b", "c"]
    assert not held.holds(ONE)
    assert held.outputs == [OTHER]
    assert held.release(ONE) == []


def test_an_output_may_be_held_before_anything_is_sent_there() -> None:
    """What was too large for the client is not overtaken by the next."""
    held = Held()
    held.hold(ONE)
    assert held.holds(ONE)
    assert not held.is_empty
    assert held.release(ONE) == []
    assert held.is_empty


def test_what_has_failed_holds_its_output_until_it_was_read() -> None:
    """In the order it was sent."""
    held = Held()
    sendings = [
        Sending(Publication(*output, None, b"", ()), output, ticket, Floor(0), 0.0, is_alone=False)
        for output, ticket in ((ONE, "a"), (OTHER, "x"), (ONE, "b"))
    ]
    held.fail(sendings)
    assert [each.ticket for each in held.unread[ONE]] == ["a", "b"]
    assert held.unread_topics == {"one", "other"}
    assert held.holds(ONE)
    del held.unread[ONE]
    assert not held.holds(ONE)
