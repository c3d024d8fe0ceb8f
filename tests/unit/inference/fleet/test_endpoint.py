"""An endpoint carries questions of any kind, and is well if it answers the one it was given."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from consumer.domain.lane import Lane
from consumer.errors import InferenceUnavailable
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.fleet.standing import Condition
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.telemetry.telemetry import Telemetry
from tests.builders import an_endpoint


@dataclass
class Greeting:
    """A question that no policy puts: what it is answered with is a number."""

    affinity: str = "greetings"
    lane: Lane = Lane.REAL_TIME

    def body(self, format: RequestFormat, priority: int | None = None) -> bytes:
        return f"{format.model} {priority}".encode()

    def read(self, reply: Reply, format: RequestFormat) -> int:
        if not reply.body.isdigit():
            raise InferenceUnavailable("no number came")
        return int(reply.body)


class Counter:
    """A transport that answers with this, and keeps what it was sent."""

    def __init__(self, answer: bytes = b"7") -> None:
        self.answer = answer
        self.sent: list[tuple[str, bytes]] = []

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.sent.append((path, body))
        return Reply(200, {}, self.answer)

    async def get(self, path: str, timeout_s: float) -> Reply:
        raise NotImplementedError

    async def close(self) -> None: ...


def a_server(counter: Counter, name: str = "server") -> Endpoint:
    return an_endpoint(counter, name, probe_every_s=60.0, capacity=2, probe=Greeting())


async def test_what_is_sent_and_what_it_means_is_the_questions_own() -> None:
    """The path goes by the format's API, the lane is the priority; what was read is handed back."""
    counter = Counter()
    fleet = Fleet([a_server(counter)], Telemetry())
    question = Greeting(lane=Lane.REPLAY)
    place = await fleet.places.take(question, None)
    assert place is not None

    number: int = await fleet.calls.ask(place, question, RequestFormat("n", api="responses"), None)

    assert number == 7
    assert counter.sent == [("/responses", b"n %d" % Lane.REPLAY)]
    assert place.capacity.taken == 0


async def test_an_answer_that_its_question_can_read_is_proof_that_the_endpoint_is_well() -> None:
    """Any other proves nothing."""
    counter = Counter(b"hello")
    endpoint = a_server(counter)
    with pytest.raises(InferenceUnavailable):
        await endpoint.ask(Greeting(), endpoint.format, None)
    assert not endpoint.standing.has_judged

    counter.answer = b"1"
    assert await endpoint.ask(Greeting(), endpoint.format, None) == 1
    assert endpoint.standing.has_judged


async def test_a_probe_is_the_question_that_the_endpoint_was_given() -> None:
    """What is asked and when it counts as answered, comes from outside."""
    well, ill = Counter(), Counter(b"no number")
    endpoint, other = a_server(well), a_server(ill)

    assert await endpoint.watch.condition() is Condition.WELL
    assert well.sent == [("/chat/completions", b"m None")]
    assert await other.watch.condition() is Condition.OUT
    await other.close()


async def test_questions_of_one_affinity_like_the_same_endpoint() -> None:
    """Whatever else differs between them."""
    endpoints = [a_server(Counter(), f"server {number}") for number in range(3)]
    fleet = Fleet(endpoints, Telemetry())
    homes = {}
    for affinity in map(str, range(30)):
        places = [
            await fleet.places.take(Greeting(affinity, lane), None)
            for lane in (Lane.REAL_TIME, Lane.REPLAY)
        ]
        assert places[0] is places[1]
        homes[affinity] = places[0]
        for place in places:
            assert place is not None
            fleet.places.give_back(place)

    assert len(set(homes.values())) == 3
