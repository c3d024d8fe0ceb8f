"""The fleet: affinity, room, failover, lanes and second calls."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from consumer.classifier.question import PolicyQuestion
from consumer.domain.lane import Lane
from consumer.errors import EndpointRefused, InferenceUnavailable, Overloaded
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.fleet.standing import Condition
from consumer.inference.pacing.capacity import Capacity
from consumer.inference.pacing.hedge import SEEN_MIN, Hedging
from consumer.inference.pacing.knee import KneeFinder
from consumer.inference.profiles import VLLM
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.interfaces import Clock
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from tests.builders import a_completion, a_policy, an_answer, an_endpoint
from tests.unit.classifier.confidence.test_looks import HandClock
from tests.waiting import until

POLICIES = [a_policy(name=f"policy {number}") for number in range(40)]


class Server:
    """A transport that answers when the test lets it, or as it was told."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_out = False
        self.status = 200
        self.bodies: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.asked += 1
        self.bodies.append(body)
        await self.gate.wait()
        if self.is_out:
            raise InferenceUnavailable
        return Reply(self.status, {}, a_completion(an_answer("HH0")))

    async def get(self, path: str, timeout_s: float) -> Reply:
        return Reply(200, {}, b'{"data": []}')

    async def close(self) -> None:
        pass


def a_fleet(
    servers: list[Server],
    *,
    places: int = 2,
    reserved_share: float = 0.0,
    hedging: Hedging | None = None,
    clock: Clock | None = None,
    finder: KneeFinder | None = None,
) -> Fleet:
    telemetry = Telemetry(clock or SystemClock())
    endpoints = [
        an_endpoint(
            server,
            f"server {number}",
            capacity=Capacity(1, finder) if finder else places,
            telemetry=telemetry,
        )
        for number, server in enumerate(servers)
    ]
    return Fleet(endpoints, telemetry, reserved_share, hedging)


def asked(policy_number: int = 0, lane: Lane = Lane.REAL_TIME) -> PolicyQuestion:
    return PolicyQuestion(POLICIES[policy_number], "text", lane)


async def taken(fleet: Fleet, question: PolicyQuestion, avoid: Endpoint | None = None) -> Endpoint:
    place = await fleet.places.take(question, None, avoid)
    assert place is not None
    return place


async def test_a_policy_stays_with_its_endpoint_and_all_endpoints_have_policies() -> None:
    """The prefix stays warm where it is, and the load is spread by policy."""
    fleet = a_fleet([Server(), Server(), Server()], places=100)
    homes = []
    for number in range(len(POLICIES)):
        first, again = await taken(fleet, asked(number)), await taken(fleet, asked(number))
        assert first is again
        homes.append(first.name)

    assert set(homes) == {"server 0", "server 1", "server 2"}


async def test_an_endpoint_that_goes_moves_its_own_policies_alone() -> None:
    """The others keep their warm prefixes."""
    fleet = a_fleet([Server(), Server(), Server()], places=100)
    before = [await taken(fleet, asked(number)) for number in range(len(POLICIES))]
    gone = fleet.endpoints[0]
    gone.breaker.trip(0.0)
    after = [await taken(fleet, asked(number)) for number in range(len(POLICIES))]

    assert gone not in after
    stayed = [(b, a) for b, a in zip(before, after, strict=True) if b is not gone]
    assert len(stayed) < len(POLICIES)
    assert all(b is a for b, a in stayed)


async def test_what_finds_no_place_goes_to_the_next_endpoint_and_then_waits() -> None:
    """A full endpoint spills over; a full fleet keeps its calls here."""
    fleet = a_fleet([Server(), Server()], places=1)
    first, second = await taken(fleet, asked()), await taken(fleet, asked())
    waiting = asyncio.create_task(fleet.places.take(asked(), None))
    await asyncio.sleep(0)
    assert first is not second
    assert not waiting.done()

    assert fleet.places.give_back(second)
    assert await waiting is second


async def test_a_call_that_failed_is_asked_elsewhere() -> None:
    """The endpoint that failed is avoided while another has room."""
    fleet = a_fleet([Server(), Server()], places=1)
    failed = await taken(fleet, asked())
    fleet.places.give_back(failed)

    other = await taken(fleet, asked(), avoid=failed)
    assert other is not failed
    assert await taken(fleet, asked(), avoid=failed) is failed


async def test_later_lanes_leave_room_while_an_earlier_one_is_in_use() -> None:
    """Replay cannot take the last places from under a chat that is at work."""
    fleet = a_fleet([Server()], places=4, reserved_share=0.25)
    chat = await taken(fleet, asked())
    fleet.places.give_back(chat)
    replays = [await taken(fleet, asked(lane=Lane.REPLAY)) for _ in range(3)]
    late = asyncio.create_task(fleet.places.take(asked(lane=Lane.REPLAY), None))
    await asyncio.sleep(0)

    assert not late.done()
    assert await taken(fleet, asked()) is chat
    fleet.places.give_back(chat)
    await asyncio.sleep(0)
    assert not late.done()
    fleet.places.give_back(replays[0])
    assert await late is chat


@pytest.mark.parametrize(
    ("places", "share", "free"),
    [
        (4, 0.25, 3),
        (4, 0.5, 2),
        (4, 0.75, 1),
        (4, 1.0, 1),
        (10, 0.26, 7),
        (10, 0.01, 9),
        (10, 0.0, 10),
        (1, 0.5, 1),
    ],
)
async def test_the_share_that_is_kept_for_earlier_lanes(
    places: int, share: float, free: int
) -> None:
    """It is a share of the places, one at least, and one place at least is for everybody."""
    for lane in (Lane.COMMENTS, Lane.REPLAY):
        fleet = a_fleet([Server()], places=places, reserved_share=share)
        fleet.places.give_back(await taken(fleet, asked()))
        for _ in range(free):
            await taken(fleet, asked(lane=lane))
        if free == places:
            continue
        late = asyncio.create_task(fleet.places.take(asked(lane=lane), None))
        await asyncio.sleep(0)
        assert not late.done()
        for _ in range(places - free):
            await taken(fleet, asked())
        late.cancel()


async def test_room_is_kept_for_earlier_lanes_and_from_later_ones_alone() -> None:
    """Comments that are in use keep nothing from a chat, and room from replay."""
    fleet = a_fleet([Server()], places=2, reserved_share=0.5)
    fleet.places.give_back(await taken(fleet, asked(lane=Lane.COMMENTS)))
    replay = await taken(fleet, asked(lane=Lane.REPLAY))
    late = asyncio.create_task(fleet.places.take(asked(lane=Lane.REPLAY), None))
    await asyncio.sleep(0)
    assert not late.done()
    late.cancel()
    fleet.places.give_back(replay)
    assert [await taken(fleet, asked()) for _ in range(2)] == [replay] * 2


async def test_a_lane_alone_has_all_places() -> None:
    """Nothing is kept for a lane that nobody uses."""
    fleet = a_fleet([Server()], places=2, reserved_share=0.5)

    assert [await taken(fleet, asked(lane=Lane.REPLAY)) for _ in range(2)]


async def test_a_waiter_that_is_cancelled_as_its_turn_comes_gives_its_place_on() -> None:
    """No place is lost when a partition is revoked at that moment."""
    fleet = a_fleet([Server()], places=1)
    place = await taken(fleet, asked())
    cancelled = asyncio.create_task(fleet.places.take(asked(), None))
    next_one = asyncio.create_task(fleet.places.take(asked(), None))
    await asyncio.sleep(0)
    fleet.places.give_back(place)
    cancelled.cancel()

    assert await next_one is place
    assert place.capacity.taken == 1


async def test_a_place_is_given_back_whatever_became_of_the_call() -> None:
    """Also where nothing came."""
    server = Server()
    server.is_out = True
    fleet = a_fleet([server])
    place = await taken(fleet, asked())

    with pytest.raises(InferenceUnavailable):
        await fleet.calls.ask(place, asked(), place.format, None)
    assert place.capacity.taken == 0


@pytest.mark.parametrize(("after_s", "has_room"), [(59.0, False), (61.0, True)])
async def test_room_is_kept_for_a_minute(after_s: float, has_room: bool) -> None:
    """A chat that is quiet for so long is not waited for."""
    clock = HandClock()
    fleet = a_fleet([Server()], reserved_share=0.5, clock=clock)
    await taken(fleet, asked())
    clock.time_s += after_s
    taking = asyncio.create_task(taken(fleet, asked(1, Lane.REPLAY)))
    await asyncio.sleep(0)
    assert taking.done() is has_room
    taking.cancel()


async def test_no_room_is_kept_where_nobody_asked_for_it() -> None:
    fleet = Fleet([an_endpoint(Server(), capacity=2)], Telemetry())
    await taken(fleet, asked())
    await asyncio.wait_for(taken(fleet, asked(1, Lane.REPLAY)), 5.0)


async def test_nobody_waits_where_nobody_goes_on() -> None:
    fleet = a_fleet([Server()], places=1)
    place = await taken(fleet, asked())
    waiting = asyncio.create_task(taken(fleet, asked()))
    await asyncio.sleep(0)
    assert fleet.places.give_back(place)
    assert await waiting is place
    assert not fleet.places.give_back(place)


async def test_what_waits_is_counted_with_what_waits_for_a_second_look() -> None:
    telemetry = Telemetry(SystemClock())
    second = Fleet([an_endpoint(Server(), capacity=1)], telemetry)
    fleet = Fleet([an_endpoint(Server(), capacity=1)], telemetry, second=second)

    def shown() -> float:
        (family,) = telemetry.metrics.calls_waiting.collect()
        return {s.labels["lane"]: s.value for s in family.samples}["real-time"]

    assert shown() == 0
    waiting = []
    for each, count in ((fleet, 2), (second, 3)):
        waiting += [asyncio.create_task(each.places.take(asked(), None)) for _ in range(1 + count)]
    await asyncio.sleep(0)
    assert shown() == 5
    for task in waiting:
        task.cancel()


async def test_where_nothing_was_ever_judged_wrong_settings_are_fatal() -> None:
    """Once all are out; a fleet that has judged waits."""
    server = Server()
    server.status = 401
    fleet = a_fleet([server])
    with pytest.raises(EndpointRefused, match="api_key_file"):
        await fleet.condition()
    judged = a_fleet([server])
    judged.endpoints[0].standing.judged(0.0)
    assert await judged.condition() is Condition.OUT
    server.status = 429
    assert await a_fleet([server]).condition() is Condition.BUSY


async def test_all_endpoints_are_probed_and_closed() -> None:
    """Those of the second looks are closed with them."""

    class Closing(Server):
        closed = False

        async def close(self) -> None:
            self.closed = True

    servers = [Closing() for _ in range(3)]
    second = a_fleet([servers[2]])
    fleet = a_fleet(list(servers[:2]))
    fleet.second = second
    fleet.probe_soon()
    await until(lambda: all(server.asked for server in servers[:2]), "each to be probed")
    with patch.object(second.calls, "close") as close:
        await fleet.close()
    close.assert_called_once_with()
    assert all(server.closed for server in servers)


async def test_one_endpoint_that_is_there_is_enough() -> None:
    """A fleet is out only when all of it is."""
    servers = [Server(), Server()]
    servers[0].is_out = True
    fleet = a_fleet(servers)
    fleet.endpoints[0].breaker.trip(0.0)

    assert not fleet.is_out
    assert await fleet.condition() is Condition.WELL


async def test_an_endpoint_that_is_out_is_probed_while_another_judges() -> None:
    """It comes back by itself, though every call goes elsewhere and none asks for it."""
    servers = [Server(), Server()]
    servers[0].is_out = True
    fleet = a_fleet(servers)
    first = fleet.endpoints[0]
    assert await first.watch.condition() is Condition.OUT
    asked = servers[0].asked
    await until(lambda: servers[0].asked > asked + 2, "more probes")
    assert first.breaker.is_open
    servers[0].is_out = False
    await until(lambda: not first.breaker.is_open, "the endpoint")
    await fleet.close()


def learned(hedging: Hedging) -> Hedging:
    for _ in range(SEEN_MIN):
        hedging.after_s()
        hedging.answered(0.01)
    return hedging


async def test_a_call_that_takes_unusually_long_is_asked_again_elsewhere() -> None:
    """The first answer counts, and the other call is let go."""
    servers = [Server(), Server()]
    fleet = a_fleet(servers, hedging=learned(Hedging(0.95, 0.05)))
    place = await taken(fleet, asked())
    servers[fleet.endpoints.index(place)].gate.clear()
    reading = await asyncio.wait_for(fleet.calls.ask(place, asked(), place.format, 5.0), 5.0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert reading.judgement.label == "HH0"
    assert [server.asked for server in servers] == [1, 1]
    assert [endpoint.capacity.taken for endpoint in fleet.endpoints] == [0, 0]


def test_second_calls_keep_to_their_share() -> None:
    """Where the share is spent the first call is waited for."""
    hedging = learned(Hedging(0.5, 0.05))
    allowed = sum(hedging.may_hedge() for _ in range(100))

    assert allowed == SEEN_MIN // 20


async def test_what_failed_first_does_not_hide_the_answer_that_comes() -> None:
    """A second call that breaks off leaves the first one its time."""
    servers = [Server(), Server()]
    fleet = a_fleet(servers, hedging=learned(Hedging(0.95, 0.05)))
    place = await taken(fleet, asked())
    first = servers[fleet.endpoints.index(place)]
    second = servers[1 - fleet.endpoints.index(place)]
    first.gate.clear()
    second.is_out = True
    asking = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 5.0))
    while not second.asked:
        await asyncio.sleep(0.005)
    first.gate.set()

    assert (await asking).judgement.label == "HH0"


class HangsOnce(Server):
    """Never answers its first call."""

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        if not self.asked:
            self.asked += 1
            await asyncio.Event().wait()
        return await super().post(path, body, timeout_s)


async def test_a_call_that_hangs_is_asked_anew_in_its_own_place() -> None:
    """No place is free and another call waits for one: it neither loses its turn nor is passed."""
    server = HangsOnce()
    fleet = a_fleet([server], places=1, hedging=learned(Hedging(0.95, 0.05)))
    place = await taken(fleet, asked())
    hanging = asyncio.create_task(fleet.calls.ask(place, asked(), place.format, 5.0))
    waiting = asyncio.create_task(taken(fleet, asked(1)))
    reading = await asyncio.wait_for(hanging, 5.0)

    assert reading.judgement.label == "HH0"
    assert server.asked == 2
    assert place.capacity.taken == 1
    assert await asyncio.wait_for(waiting, 5.0) is place


async def test_the_lane_is_the_calls_priority_where_the_server_knows_priorities() -> None:
    """A server that other workers use as well puts replay behind their chat."""
    server = Server()
    fleet = a_fleet([server])
    for with_priority in (True, False):
        format = RequestFormat("m", with_priority=with_priority, profile=VLLM)
        question = asked(lane=Lane.REPLAY)
        await fleet.calls.ask(await taken(fleet, question), question, format, None)

    assert [b'"priority":2' in body for body in server.bodies] == [True, False]


class Heard:
    """Stands for the finder of a knee, and notes what it is told."""

    limit = 1

    def __init__(self) -> None:
        self.told: list[object] = []

    def sent(self, at_once: int) -> int:
        return at_once

    def answered(self, sent: int, latency_s: float, is_full: bool, late_s: float) -> None:
        self.told.append(is_full)
        self.late_s = late_s

    def refused(self, sent: int) -> None:
        self.told.append("refused")


async def test_the_knee_is_told_of_answers_of_who_waits_and_of_refusals() -> None:
    """An answer while nobody waits teaches nothing; a refusal always does."""
    server, heard = Server(), Heard()
    fleet = a_fleet([server], finder=heard)  # type: ignore[arg-type]
    fleet.calls._lateness.mean_s = 0.25
    place = await taken(fleet, asked())
    await fleet.calls.ask(place, asked(), place.format, None)
    place = await taken(fleet, asked())
    waiting = asyncio.create_task(fleet.places.take(asked(), None))
    await asyncio.sleep(0)
    await fleet.calls.ask(place, asked(), place.format, None)
    server.status = 503
    with pytest.raises(Overloaded):
        await fleet.calls.ask(place, asked(), place.format, None)

    assert await waiting is place
    assert heard.told == [False, True, "refused"]
    assert heard.late_s == 0.25
    assert fleet.calls._lateness.is_watching
    await fleet.close()
    assert not fleet.calls._lateness.is_watching
