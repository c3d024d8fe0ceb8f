"""When the source is given credits: a gift wakes its thread, and a quiet topic needs none."""

from __future__ import annotations

from typing import cast

from consumer.interfaces import Source
from consumer.pipeline.flow.credits import Credits
from consumer.pipeline.flow.limiter import FlowLimits, Limiter


class Counting:
    """A source that counts what it is given."""

    def __init__(self) -> None:
        self.credits = 0

    def give_credits(self, count: int) -> None:
        self.credits += count


class Flow:
    """A worker with room for eight records, all of whose credits have been given."""

    def __init__(self) -> None:
        self.source = Counting()
        self.limiter = Limiter(FlowLimits(in_flight_max=8))
        self.is_awaited = False
        self.credits = Credits(
            cast(Source, self.source), self.limiter, lambda: None, lambda: self.is_awaited
        )
        self.credits.give()

    def is_due(self) -> bool:
        return "due" in repr(self.credits)


async def test_a_source_with_plenty_is_left_alone_until_it_has_used_half() -> None:
    flow = Flow()
    assert flow.source.credits == 8

    flow.limiter.took(4)
    flow.credits.give_soon()
    assert not flow.is_due()

    flow.limiter.took(1)
    flow.credits.give_soon()
    assert flow.is_due()
    flow.credits.give()
    assert flow.source.credits == 8 + 5


async def test_what_waits_for_room_is_seen_to_however_many_credits_are_left() -> None:
    """Records that were crowded out of their lane wait for no credit: they have used theirs."""
    flow = Flow()
    flow.is_awaited = True

    flow.credits.give_soon()

    assert flow.is_due()


async def test_a_worker_with_room_for_one_record_is_not_starved() -> None:
    flow = Flow()
    flow.limiter = Limiter(FlowLimits(in_flight_max=1))
    flow.credits = Credits(
        cast(Source, flow.source), flow.limiter, lambda: None, lambda: flow.is_awaited
    )
    flow.credits.give()

    flow.limiter.took(1)
    flow.credits.give_soon()

    assert flow.is_due()
