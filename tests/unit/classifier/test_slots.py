"""Slots: the bound holds, the order holds, and a deadline in the queue holds."""

from __future__ import annotations

import asyncio

from consumer.classifier.slots import Slots


async def test_no_more_than_the_count_are_taken_and_the_queue_is_in_order() -> None:
    """Who came first is served first; a slot given back goes to the next."""
    slots = Slots(1)
    assert await slots.take(None)
    order: list[int] = []

    async def wait(number: int) -> None:
        assert await slots.take(None)
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert order == []
    for _ in range(3):
        slots.give_back()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert order == [0, 1, 2]
    await asyncio.gather(*waiting)
    slots.give_back()
    assert repr(slots) == "<Slots free 1, waiting 0>"


async def test_a_deadline_in_the_queue_holds_and_costs_no_slot() -> None:
    """Whoever runs out of time leaves without a slot; the next in line still gets one."""
    slots = Slots(1)
    assert await slots.take(None)
    now_s = asyncio.get_running_loop().time()
    late = asyncio.create_task(slots.take(now_s + 0.01))
    patient = asyncio.create_task(slots.take(None))

    assert await late is False
    slots.give_back()
    assert await patient is True


async def test_a_cancelled_waiter_gives_on_what_it_was_given() -> None:
    """No slot is lost when a call is cancelled at the moment its turn comes."""
    slots = Slots(1)
    assert await slots.take(None)
    cancelled = asyncio.create_task(slots.take(None))
    await asyncio.sleep(0)
    slots.give_back()
    cancelled.cancel()
    await asyncio.wait([cancelled])

    assert await slots.take(None)
