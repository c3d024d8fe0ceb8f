"""A call that outlives its limit is told so; one that is cancelled for another reason is not."""

from __future__ import annotations

import asyncio

import pytest

from consumer.inference.transports.time_limits import SWEEP_S, TimeLimits


class Over(Exception):
    """The call's time was over."""


async def call(limits: TimeLimits, takes_s: float, may_take_s: float) -> str:
    """As a transport makes one."""
    task = limits.begin(may_take_s)
    try:
        await asyncio.sleep(takes_s)
        return "answered"
    except asyncio.CancelledError:
        if limits.was_over(task):
            raise Over from None
        raise
    finally:
        limits.end(task)


async def test_what_is_answered_in_time_is_left_alone() -> None:
    """Also long after its end would have come, and in the task's next call."""
    limits = TimeLimits()
    assert await call(limits, 0.0, SWEEP_S) == "answered"
    assert await call(limits, 3 * SWEEP_S, 60.0) == "answered"


async def test_each_call_ends_at_its_own_limit_and_the_task_goes_on() -> None:
    """The task of a call that was over is not a cancelled one."""
    limits = TimeLimits()

    async def twice() -> str:
        with pytest.raises(Over):
            await call(limits, 60.0, SWEEP_S / 2)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return await call(limits, 0.0, 60.0)

    long = asyncio.create_task(call(limits, 4 * SWEEP_S, 60.0))
    assert await asyncio.wait_for(twice(), 5) == "answered"
    assert await long == "answered"
    assert repr(limits) == "<TimeLimits of 0 calls, 0 over>"


async def test_who_cancels_the_task_cancels_the_call() -> None:
    """A drain or a hedge is not told that the server was slow."""
    limits = TimeLimits()
    task = asyncio.create_task(call(limits, 60.0, 60.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert repr(limits) == "<TimeLimits of 0 calls, 0 over>"


async def test_a_task_that_is_cancelled_while_its_time_runs_out_stays_cancelled() -> None:
    """Both come before the task has its turn: whoever cancelled it waits for its end."""
    limits = TimeLimits()
    task = asyncio.create_task(call(limits, 60.0, 0.0))
    await asyncio.sleep(0)
    limits._sweep(asyncio.get_running_loop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_of_the_caller_is_its_own() -> None:
    """`asyncio.timeout` around a call fires as ever, and a call inside it may run out before."""
    limits = TimeLimits()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SWEEP_S / 5):
            await call(limits, 60.0, 60.0)
    with pytest.raises(Over):
        async with asyncio.timeout(60.0):
            await call(limits, 60.0, SWEEP_S / 5)


async def test_a_call_made_while_cleaning_up_has_its_limit() -> None:
    """A task that was cancelled before may still make calls, and hears of their limits."""
    limits = TimeLimits()

    async def cleaning_up() -> str:
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            with pytest.raises(Over):
                await call(limits, 60.0, SWEEP_S / 5)
        return "clean"

    task = asyncio.create_task(cleaning_up())
    await asyncio.sleep(0)
    task.cancel()
    assert await asyncio.wait_for(task, 5) == "clean"


async def test_a_closed_one_cancels_nothing() -> None:
    """The loop is not kept busy after the transport has gone."""
    limits = TimeLimits()
    task = asyncio.create_task(call(limits, 2 * SWEEP_S, SWEEP_S / 2))
    await asyncio.sleep(0)
    limits.close()
    assert await task == "answered"
