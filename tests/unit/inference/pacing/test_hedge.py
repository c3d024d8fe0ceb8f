"""Second calls for long ones: when they go out, for how long, which counts, what they cost."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from consumer.domain.verdicts.usage import Tally, Usage
from consumer.domain.verdicts.verdict import NO_TOKENS
from consumer.errors import InferenceUnavailable, Overloaded
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.hedge import SEEN_MIN, Hedging
from consumer.inference.transports.reply import Reply
from tests.builders import a_completion, an_answer
from tests.unit.inference.fleet.test_fleet import Server, a_fleet, asked, learned, taken
from tests.waiting import until

LIMIT_S = 20.0
"""A test that takes longer waits for something that never comes."""


class Held(Server):
    """Notes the time that each call is given, and holds each one for itself until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts_s: list[float] = []
        self.answers: list[asyncio.Future[Reply]] = []

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.timeouts_s.append(timeout_s)
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    def answer(self, call: int = 0, label: str = "HH0") -> None:
        self.answers[call].set_result(Reply(200, {}, a_completion(an_answer(label))))


ONE_CALL = 1 / SEEN_MIN
"""The share that allows one second call, once it is known what is long."""


def fleet_of(*servers: Server, share_max: float = ONE_CALL, places: int = 2) -> Fleet:
    return a_fleet(list(servers), hedging=learned(Hedging(0.95, share_max)), places=places)


def by_place(fleet: Fleet, servers: list[Held], place: Endpoint) -> tuple[Held, Held]:
    """The server of this place, and the other one."""
    first = fleet.endpoints.index(place)
    return servers[first], servers[1 - first]


async def label_of(asking: asyncio.Task[Any]) -> str:
    reading = await asyncio.wait_for(asking, LIMIT_S)
    label: str = reading.judgement.label
    return label


async def all_given_back(fleet: Fleet) -> None:
    """What was given up leaves its place in a later turn of the loop."""
    await until(
        lambda: not any(each.capacity.taken for each in fleet.endpoints), "places given back"
    )


async def two_calls(
    kind: type[Held] = Held, tally: Tally | None = None
) -> tuple[Fleet, Held, Held, asyncio.Task[Any]]:
    """A call that takes long, and the second one for it that has just gone out elsewhere."""
    servers = [kind(), kind()]
    fleet = fleet_of(*servers)
    place = await taken(fleet, asked())
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 4.0, tally))
    first, second = by_place(fleet, servers, place)
    await until(lambda: second.answers, "the second call")
    return fleet, first, second, asking


async def test_a_second_call_has_the_time_that_the_first_one_has_left() -> None:
    """Both end together, at the message's deadline."""
    fleet, first, second, asking = await two_calls()
    assert fleet.calls.hedging is not None
    after_s = fleet.calls.hedging.after_s()
    assert after_s is not None
    assert first.timeouts_s == [4.0]
    assert second.timeouts_s == [pytest.approx(4.0 - after_s)]
    second.answer()
    assert await label_of(asking) == "HH0"


async def test_a_new_call_in_the_place_of_the_first_has_the_time_that_is_left() -> None:
    """It goes out after twice the time, so that twice the time is gone."""
    server = Held()
    fleet = fleet_of(server, places=1)
    place = await taken(fleet, asked())
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 4.0))
    await until(lambda: len(server.answers) == 2, "the new call")
    assert fleet.calls.hedging is not None
    after_s = fleet.calls.hedging.after_s()
    assert after_s is not None
    assert server.timeouts_s == [4.0, pytest.approx(4.0 - 2 * after_s)]
    assert server.answers[0].cancelled()
    server.answer(1)
    assert await label_of(asking) == "HH0"
    assert place.capacity.taken == 0


@pytest.mark.parametrize("places", [1, 2], ids=["in its own place", "elsewhere"])
async def test_no_call_has_a_second_one_where_the_share_is_spent(places: int) -> None:
    """However long it takes, and whether or not a place is free."""
    servers = [Held()] if places == 1 else [Held(), Held()]
    fleet = fleet_of(*servers, share_max=0.0, places=1)
    place = await taken(fleet, asked())
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 4.0))
    first = servers[fleet.endpoints.index(place)]
    await until(lambda: first.answers, "the call")
    assert fleet.calls.hedging is not None
    after_s = fleet.calls.hedging.after_s()
    assert after_s is not None
    # Longer than both waits of a call that may have a second one.
    await asyncio.wait([asking], timeout=4 * after_s)
    assert sum(len(server.timeouts_s) for server in servers) == 1
    first.answer()
    assert await label_of(asking) == "HH0"
    assert fleet.calls.hedging.hedged == 0


async def test_a_call_that_is_quick_has_no_second_one() -> None:
    """Nothing is sent twice, and nothing counts as such."""
    servers = [Server(), Server()]
    fleet = fleet_of(*servers)
    tally = Tally()
    place = await taken(fleet, asked())
    await fleet.calls.ask(place, asked(), place.format, 4.0, tally)
    assert sum(server.asked for server in servers) == 1
    assert tally.usage == Usage()


async def test_before_enough_answers_are_known_no_call_counts_as_long() -> None:
    """Nobody knows yet what is unusual."""
    few = Hedging(0.5, 1.0)
    for _ in range(SEEN_MIN - 1):
        few.answered(0.01)
    assert few.after_s() is None
    few.answered(0.01)
    assert few.after_s() == pytest.approx(0.01, rel=0.1)


def test_the_time_is_that_of_the_slowest_share_of_calls() -> None:
    """At 0.9, nine calls in ten are faster."""
    of_two_kinds = Hedging(0.9, 1.0)
    for number in range(1_000):
        of_two_kinds.answered(0.01 if number % 100 < 85 else 1.0)
    assert of_two_kinds.after_s() == pytest.approx(1.0, rel=0.1)
    assert Hedging(0.9, 0.5).hedged == 0


async def test_half_an_answer_does_not_win_over_a_whole_one_that_comes_later() -> None:
    """A second call that is answered with an error leaves the first its time."""
    fleet, first, second, asking = await two_calls()
    second.answers[0].set_result(Reply(500, {}, b""))
    await asyncio.sleep(0.02)
    assert not asking.done()
    first.answer()
    assert await label_of(asking) == "HH0"
    await all_given_back(fleet)


async def test_of_two_that_bring_nothing_the_one_that_was_answered_is_told() -> None:
    """An answer says more than a connection that broke, whichever comes first."""
    for refuses_first in (True, False):
        fleet, first, second, asking = await two_calls()
        refusal, failure = Reply(429, {}, b""), InferenceUnavailable()
        if refuses_first:
            first.answers[0].set_result(refusal)
            second.answers[0].set_exception(failure)
        else:
            first.answers[0].set_exception(failure)
            second.answers[0].set_result(refusal)
        with pytest.raises(Overloaded):
            await asyncio.wait_for(asking, LIMIT_S)
        await all_given_back(fleet)


@pytest.mark.parametrize("fails", ["first", "second"])
@pytest.mark.parametrize("turns", range(-4, 5))
async def test_of_two_that_end_together_the_whole_answer_wins_and_the_other_is_no_stray_error(
    fails: str, turns: int
) -> None:
    """Whichever is a few turns of the loop earlier, nothing reaches its exception handler."""
    stray: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: stray.append(context))
    fleet, first, second, asking = await two_calls()
    good, bad = (second, first) if fails == "first" else (first, second)
    for turn in range(-4, 5):
        # It may be given up by then.
        if turn == 0 and not bad.answers[0].done():
            bad.answers[0].set_exception(InferenceUnavailable())
        if turn == turns:
            good.answer()
        await asyncio.sleep(0)
    assert await label_of(asking) == "HH0"
    await all_given_back(fleet)
    del asking, first, second, good, bad
    gc.collect()
    await asyncio.sleep(0)
    assert stray == []


async def test_a_pair_whose_message_is_given_up_leaves_no_stray_error_and_no_place_taken() -> None:
    """A partition is revoked while both are under way, and one fails at that moment."""
    stray: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: stray.append(context))
    fleet, first, second, asking = await two_calls()
    asking.cancel()
    second.answers[0].set_exception(InferenceUnavailable())
    await asyncio.wait([asking], timeout=LIMIT_S)
    assert asking.cancelled()
    del asking, first, second
    await all_given_back(fleet)
    gc.collect()
    await asyncio.sleep(0)
    assert stray == []


class Breaks(Held):
    """A transport whose call, when it is given up, ends with an error of its own."""

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        try:
            return await super().post(path, body, timeout_s)
        except asyncio.CancelledError:
            raise InferenceUnavailable from None


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["answered", "given up"])
async def test_a_call_that_ends_with_an_error_as_it_is_given_up_is_no_stray_error(
    is_cancelled: bool,
) -> None:
    """Its time may run out in that very moment: nobody waits to hear of it."""
    stray: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: stray.append(context))
    fleet, first, second, asking = await two_calls(Breaks)
    if is_cancelled:
        asking.cancel()
        await asyncio.wait([asking], timeout=LIMIT_S)
    else:
        second.answer()
        assert await label_of(asking) == "HH0"
    await all_given_back(fleet)
    del asking, first, second
    gc.collect()
    await asyncio.sleep(0)
    assert stray == []


async def test_the_call_that_is_given_up_is_counted_once_as_one_without_a_judgement() -> None:
    """The server works for it, and may bill it; its tokens are not known."""
    tally = Tally()
    _, first, second, asking = await two_calls(tally=tally)
    assert tally.usage == Usage(1, 1, NO_TOKENS, NO_TOKENS)
    second.answer()
    assert await label_of(asking) == "HH0"
    assert tally.usage == Usage(1, 1, NO_TOKENS, NO_TOKENS)
    assert first.answers[0].cancelled()


async def test_a_call_that_is_asked_anew_is_counted_too() -> None:
    """The server has worked for what was given up."""
    server, tally = Held(), Tally()
    fleet = fleet_of(server, places=1)
    place = await taken(fleet, asked())
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 4.0, tally))
    await until(lambda: len(server.answers) == 2, "the new call")
    server.answer(1)
    assert await label_of(asking) == "HH0"
    assert tally.usage == Usage(1, 1, NO_TOKENS, NO_TOKENS)


async def test_a_second_call_takes_no_place_for_which_another_waits() -> None:
    """Somebody else's first call goes before it."""
    servers = [Held(), Held()]
    fleet = fleet_of(*servers, places=1)
    place = await taken(fleet, asked())
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 4.0))
    first, other = by_place(fleet, servers, place)
    taken_too = await taken(fleet, asked())
    waiting = asyncio.create_task(taken(fleet, asked(1)))
    await until(lambda: len(first.answers) == 2, "the call to be asked anew in its own place")
    assert not other.answers
    first.answer(1)
    assert await label_of(asking) == "HH0"
    fleet.places.give_back(taken_too)
    assert await asyncio.wait_for(waiting, LIMIT_S) in fleet.endpoints


async def test_what_is_answered_teaches_what_is_long_and_what_fails_does_not() -> None:
    """A server that refuses at once would else make every call seem long."""
    server = Server()
    known = Hedging(0.95, 0.0)
    fleet = a_fleet([server], hedging=known)
    for status, seen in ((503, 0), (200, 1)):
        server.status = status
        place = await taken(fleet, asked())
        if status == 200:
            await fleet.calls.ask(place, asked(), place.format, None)
        else:
            with pytest.raises(Overloaded):
                await fleet.calls.ask(place, asked(), place.format, None)
        assert known._latencies.seen == seen


def test_a_share_of_the_calls_so_far_may_have_a_second_one() -> None:
    """Of the first call none, where it is a half; then one in two."""
    hedging = Hedging(0.95, 0.5)
    found = []
    for _ in range(4):
        hedging.after_s()
        found.append(hedging.may_hedge())
    assert found == [False, True, False, True]


def test_calls_of_more_than_ten_minutes_are_all_alike() -> None:
    hedging = Hedging(0.95, 1.0)
    for _ in range(200):
        assert hedging.after_s() is None
        hedging.answered(3_600.0)
    assert hedging.after_s() == pytest.approx(600.0, rel=0.1)
