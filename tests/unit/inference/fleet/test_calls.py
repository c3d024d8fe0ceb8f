"""A call's end: who goes on before it is read, and that nothing of a call given up is reported."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from unittest.mock import patch

import pytest

from consumer.inference.fleet.calls import FAILED, _call, _less, _worth
from consumer.inference.pacing.hedge import Hedging
from consumer.inference.transports.reply import Reply
from tests.unit.inference.fleet.test_fleet import Server, a_fleet, asked, learned, taken
from tests.waiting import until


@pytest.mark.parametrize("waits", [True, False])
async def test_the_next_call_goes_out_before_an_answer_is_read(waits: bool) -> None:
    """A server is idle meanwhile; where nobody waits for the place nothing is put off."""
    server = Server()
    fleet = a_fleet([server], places=1)
    place = await taken(fleet, asked())
    other: asyncio.Task[Any] | None = None

    async def another() -> None:
        await fleet.calls.answer(await taken(fleet, asked()), asked(), place.format, None)

    if waits:
        other = asyncio.create_task(another())
        await asyncio.sleep(0)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    with patch("consumer.inference.fleet.calls.asyncio.sleep", noted):
        await fleet.calls.answer(place, asked(), place.format, None)
        assert server.asked == (2 if waits else 1)
        assert slept == ([0, 0] if waits else [])
    if other is not None:
        await other


async def test_a_call_that_ended_in_an_error_is_worth_least() -> None:
    async def broken() -> Any:
        raise RuntimeError

    call, given_up = _call(broken()), _call(broken())
    given_up.cancel()
    await asyncio.wait([call, given_up])
    assert _worth(call) == _worth(given_up) == FAILED


async def test_how_a_call_ends_that_was_given_up_is_nobodys_concern() -> None:
    """Not even where it fails over being given up; the metrics count the second one."""

    class Stubborn(Server):
        async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
            try:
                return await super().post(path, body, timeout_s)
            except asyncio.CancelledError:
                raise OSError("the connection broke") from None

    slow, quick = Stubborn(), Server()
    slow.gate.clear()
    fleet = a_fleet([slow, quick], hedging=learned(Hedging(0.95, 1.0)))
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    place = fleet.endpoints[0]
    place.capacity.taken += 1
    await fleet.calls.answer(place, asked(), place.format, 20.0)
    await until(lambda: not place.capacity.taken, "the first call to be over")
    gc.collect()
    assert reported == []
    assert fleet.calls._metrics.hedges._value.get() == 1


async def test_a_call_that_is_asked_anew_is_a_second_one() -> None:
    server = Server()
    server.gate.clear()
    fleet = a_fleet([server], hedging=learned(Hedging(0.95, 1 / 200)), places=1)
    place = await taken(fleet, asked())
    call = asyncio.create_task(fleet.calls.answer(place, asked(), place.format, None))
    await until(lambda: server.asked == 2, "the call to be asked anew")
    server.gate.set()
    await call
    assert fleet.calls._metrics.hedges._value.get() == 1


def test_a_second_call_has_the_time_that_is_left_and_never_none() -> None:
    """A twentieth of a second at least; without a bound it has none either."""
    assert [_less(3.0, 1.0), _less(1.0, 1.0), _less(1.0, 2.0)] == [2.0, 0.05, 0.05]
    assert _less(None, 1.0) is None
