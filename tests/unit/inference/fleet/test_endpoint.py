"""An endpoint carries questions of any kind, and is well if it answers the one it was given."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from consumer.domain.lane import Lane
from consumer.errors import InferenceTimeout, InferenceUnavailable, ModelFault, Overloaded
from consumer.inference.blame.failures import Unclear
from consumer.inference.blame.fault import Fault
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.fleet.standing import Condition
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.telemetry import Telemetry
from tests.builders import an_endpoint
from tests.unit.classifier.confidence.test_looks import HandClock


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


@pytest.mark.parametrize(
    ("came", "is_whole", "is_timed"),
    [
        (Reply(200, {}, b"7"), True, 1),
        (Reply(500, {}, b"7"), False, 1),
        (InferenceTimeout(), False, 0),
    ],
)
async def test_an_answer_says_when_it_was_asked_for_and_how_long_it_took(
    came: Reply | InferenceTimeout, is_whole: bool, is_timed: int
) -> None:
    """What never came back is in no metric of latencies."""
    clock, metrics = HandClock(), Metrics()

    class Slow(Counter):
        async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
            self.limit_s = timeout_s
            clock.time_s += 2.0
            if isinstance(came, InferenceTimeout):
                raise came
            return came

    slow = Slow()
    endpoint = an_endpoint(slow, timeout_s=5.0, telemetry=Telemetry(clock, metrics))
    answer = await endpoint.post(Greeting(), endpoint.format, 9.0)
    assert (answer.started_s, answer.latency_s, answer.is_whole) == (100.0, 2.0, is_whole)
    (family,) = metrics.call_seconds.collect()
    shown = {sample.name: sample.value for sample in family.samples if not sample.labels}
    assert shown["safeguard_call_seconds_count"] == is_timed
    assert shown["safeguard_call_seconds_sum"] == 2.0 * is_timed
    assert slow.limit_s == 5.0
    await endpoint.post(Greeting(), endpoint.format, 3.0)
    assert slow.limit_s == 3.0


@pytest.mark.parametrize(
    ("error", "asked"),
    [(InferenceUnavailable("gone"), 3), (InferenceTimeout(), 1), (Overloaded(), 1)],
)
async def test_a_probe_is_asked_again_at_once_where_that_may_tell_more(
    error: Exception, asked: int
) -> None:
    """Three times in all; of one that is known to be out, one that breaks off says all."""

    class Failing(Counter):
        async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
            self.sent.append((path, body))
            assert timeout_s == 30.0
            raise error

    failing = Failing()
    endpoint = an_endpoint(failing, timeout_s=60.0, probe=Greeting())
    assert await endpoint._probe() is error
    assert len(failing.sent) == asked
    endpoint.breaker.trip(0.0)
    await endpoint._probe()
    assert len(failing.sent) == asked + 1


async def test_a_field_is_left_out_once() -> None:
    endpoint = a_server(Counter())
    assert endpoint.leave_out("seed")
    assert endpoint.format.seed is None
    assert not endpoint.leave_out("seed")


@pytest.mark.parametrize(
    ("error", "has_judged", "has_judged_probe", "is_well"),
    [
        (ModelFault(Fault.UNKNOWN_LABEL), False, False, True),
        (ModelFault(Fault.UNREADABLE), False, False, False),
        (ModelFault(Fault.UNREADABLE), True, False, True),
        (ModelFault(Fault.UNREADABLE), True, True, False),
        (Unclear("http_500"), True, False, False),
    ],
)
async def test_a_model_that_judges_texts_need_not_judge_the_probe(
    error: ModelFault, has_judged: bool, has_judged_probe: bool, is_well: bool
) -> None:
    """Unless it did before, or what came is no answer of a model."""

    class Faulty(Greeting):
        def read(self, reply: Reply, format: RequestFormat) -> int:
            raise error

    endpoint = an_endpoint(Counter(), probe=Faulty())
    endpoint.standing.has_judged = has_judged
    endpoint.standing.has_judged_probe = has_judged_probe
    assert await endpoint._probe() is (None if is_well else error)


async def test_a_probe_that_is_judged_is_remembered() -> None:
    endpoint = a_server(Counter())
    assert await endpoint._probe() is None
    assert endpoint.standing.has_judged_probe
