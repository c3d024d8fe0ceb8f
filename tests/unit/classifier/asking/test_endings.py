"""How the asking about one message ends: whose time it costs, whom a probe blames, what lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from consumer.classifier.judge import SegmentLimits
from consumer.classifier.question import PolicyQuestion
from consumer.domain.binding import Binding
from consumer.domain.policy import Outcome, Policy
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.ranking import Ranking
from consumer.inference.fleet.standing import Condition
from consumer.inference.transports.reply import Reply
from tests.builders import a_completion, a_policy, a_version
from tests.unit.classifier.test_judge import (
    GO_ON,
    WAIT,
    HandClock,
    Scripted,
    World,
    answer_to,
    ended,
    is_probe,
)

REFUSAL = a_completion("I'm sorry, but I can't help with that.")
NONSENSE = a_completion("?")
BUSY = Reply(429, {}, b"")
BUSY_IN_200 = Reply(200, {}, b'{"error":{"message":"Provider returned error","code":429}}')
LIMIT_S = 20.0
"""A test that takes longer waits for something that never comes."""

Answer = bytes | Reply | Exception
Script = Callable[[dict[str, Any], float], Awaitable[bytes | Reply]]


def in_turn(*answers: Answer, probe: Answer | None = None, last: Answer | None = None) -> Scripted:
    """
    A server that answers messages so, one after the other, and every probe so.

    What comes after them is answered like `last`, or judged.
    """
    left = iter(answers)

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        answer = probe if is_probe(asked) else next(left, last)
        if isinstance(answer, Exception):
            raise answer
        return answer_to(asked) if answer is None else answer

    return Scripted(script)


def text_of(asked: dict[str, Any]) -> str:
    found: str = asked["messages"][1]["content"]
    return found


async def end_of(world: World, text: str = "a text", **options: Any) -> str | UnjudgedReason:
    return ended(await asyncio.wait_for(world.judge(text, **options), LIMIT_S))


# Whose time it is.


async def test_a_healthy_server_does_not_stretch_the_deadline_of_what_it_hangs_at() -> None:
    """The time of a call that hangs is the message's own, that of the probe is nobody's."""
    clock = HandClock()
    limits: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            clock.seconds += 1
            return answer_to(asked)
        limits.append(timeout_s)
        clock.seconds += 3
        raise InferenceTimeout

    world = World(Scripted(script), clock=clock, timeout_s=60, attempts_max=10)
    assert await end_of(world, binding=WAIT, within_s=5) is UnjudgedReason.DEADLINE
    assert limits == [5, 2]


async def test_the_time_of_an_outage_is_given_back_to_the_second() -> None:
    """What the call and the probe took is added to the deadline, and nothing else."""
    clock = HandClock()
    limits: list[float] = []
    is_out = iter([True] * 4)

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if not is_probe(asked):
            limits.append(timeout_s)
        if next(is_out, False):
            clock.seconds += 7
            raise InferenceUnavailable
        clock.seconds += 2
        return answer_to(asked)

    world = World(Scripted(script), clock=clock, timeout_s=60)
    assert await end_of(world, binding=WAIT, within_s=5) == "HH2"
    assert limits == [5, 5]


async def test_load_is_waited_out_on_the_messages_time_while_others_are_judged() -> None:
    """A server that refuses one message for load, slowly, and judges the rest is no outage."""
    clock = HandClock()
    limits: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if "refused" not in text_of(asked):
            return answer_to(asked)
        limits.append(timeout_s)
        clock.seconds += 3
        assert ended(await world.judge("another")) == "HH2"
        return BUSY

    world = World(Scripted(script), clock=clock, timeout_s=60)
    found = await end_of(world, "refused", binding=WAIT, within_s=5)
    assert found is UnjudgedReason.DEADLINE
    assert limits == [5, 2]


async def test_load_of_everything_is_not_charged_to_a_message_that_waits() -> None:
    """Where nobody is judged meanwhile, nor a probe, the time of refused calls is the server's."""
    clock = HandClock()
    refusals = iter([True] * 10)

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        clock.seconds += 3
        return BUSY if next(refusals, False) else answer_to(asked)

    world = World(Scripted(script), clock=clock, timeout_s=60)
    began_s = clock.seconds
    assert await end_of(world, binding=WAIT, within_s=5) == "HH2"
    assert clock.seconds > began_s + 30


async def test_load_that_a_probe_gets_through_ends_the_message_at_twice_its_time() -> None:
    """Nobody else is asked meanwhile; a server that judges a probe refuses this message alone."""
    clock = HandClock()

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        clock.seconds += 1
        return answer_to(asked) if is_probe(asked) else BUSY

    world = World(Scripted(script), clock=clock, timeout_s=60)
    assert await end_of(world, binding=WAIT, within_s=5) is UnjudgedReason.DEADLINE
    assert 10 <= clock.seconds - 1_000 <= 14


@pytest.fixture(name="paused")
def a_clock_that_pauses_move(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """A clock that pauses move, and that nobody waits for."""
    found, turn = HandClock(), asyncio.sleep

    async def pause(seconds: float) -> None:
        found.seconds += seconds
        await turn(0)

    monkeypatch.setattr(asyncio, "sleep", pause)
    return found


@pytest.mark.parametrize(
    "busy", [BUSY, Reply(503, {}, b""), BUSY_IN_200], ids=["429", "503", "200"]
)
async def test_a_server_that_refuses_everything_for_load_is_waited_out(
    busy: Reply, paused: HandClock
) -> None:
    """The pauses between the refusals are its time too: a gateway without servers says 503."""
    asked_s: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        asked_s.append(paused.seconds)
        return busy if paused.seconds < asked_s[0] + 60 else answer_to(asked)

    world = World(Scripted(script), clock=paused, wait_initial_s=1.0)
    assert await end_of(world, binding=WAIT, within_s=5) == "HH2"
    pauses = [later - earlier for earlier, later in pairwise(asked_s)]
    assert max(pauses) <= 10


@pytest.mark.parametrize("binding", [GO_ON, WAIT], ids=["goes on", "waits"])
async def test_load_that_others_get_through_costs_the_messages_own_time(
    binding: Binding, paused: HandClock
) -> None:
    """To the second: no pause is longer than what is left of the deadline."""

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if "refused" not in text_of(asked):
            return answer_to(asked)
        paused.seconds += 0.5
        assert ended(await world.judge("another")) == "HH2"
        return BUSY

    world = World(Scripted(script), clock=paused, wait_initial_s=1.0)
    started_s = paused.seconds
    found = await end_of(world, "refused", binding=binding, within_s=5)
    assert found is UnjudgedReason.DEADLINE
    assert paused.seconds == pytest.approx(started_s + 5, abs=0.5)


@pytest.mark.parametrize(
    "failure",
    [
        InferenceUnavailable(),
        Reply(502, {}, b""),
        Reply(403, {}, b""),
    ],
    ids=["broken off", "502", "403"],
)
async def test_the_deadline_holds_while_only_a_probe_that_hangs_could_tell(
    failure: Answer,
) -> None:
    """Where the topic goes on without a judgement, at its deadline and not at the probe's."""

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if is_probe(asked):
            await asyncio.Event().wait()
        if isinstance(failure, Exception):
            raise failure
        return failure

    world = World(Scripted(script), attempts_max=1)
    assert await end_of(world, binding=GO_ON, within_s=0.05) is UnjudgedReason.DEADLINE
    assert not world.endpoint.breaker.is_open
    await world.endpoint.close()


async def test_a_deadline_that_cuts_a_call_short_has_the_endpoint_looked_at() -> None:
    """It proves nothing, and may be the first sign of an outage: nobody waits for the probe."""
    is_probed = asyncio.Event()

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            is_probed.set()
            return answer_to(asked)
        clock.seconds += timeout_s
        raise InferenceTimeout

    clock = HandClock()
    world = World(Scripted(script), clock=clock)
    assert await end_of(world, within_s=2) is UnjudgedReason.DEADLINE
    await asyncio.wait_for(is_probed.wait(), LIMIT_S)


async def test_a_call_that_fails_shortly_before_the_deadline_is_asked_again() -> None:
    """There is time left, though little."""
    limits: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            return answer_to(asked)
        limits.append(timeout_s)
        clock.seconds += 4.75
        if len(limits) == 1:
            raise InferenceTimeout
        return answer_to(asked)

    clock = HandClock()
    world = World(Scripted(script), clock=clock)
    assert await end_of(world, within_s=5) == "HH2"
    assert limits == [5, 0.25]


@pytest.mark.parametrize("binding", [GO_ON, WAIT], ids=["goes on", "waits"])
async def test_a_suspect_waits_for_its_turn_no_longer_than_its_deadline(binding: Binding) -> None:
    """What has seen a server fall twice is asked alone, and another suspect may take long."""
    asked_s: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            return answer_to(asked)
        asked_s.append(world.clock.now_s())
        world.endpoint.falls.note(world.clock.now_s(), "another that fell with it")
        raise InferenceUnavailable

    world = World(Scripted(script))
    async with world.fleet.suspects:
        found = await end_of(world, binding=binding, within_s=0.3)
    assert found is UnjudgedReason.DEADLINE
    assert len(asked_s) <= 2


async def test_a_suspect_that_waited_for_its_turn_pays_for_it_while_any_server_judges() -> None:
    """It asked nobody: the last server that fell with it excuses nothing while others judge."""
    fell: list[int] = []

    def falling(number: int) -> Scripted:
        async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
            if not is_probe(asked):
                fell.append(number)
                endpoint = world.fleet.endpoints[number]
                endpoint.falls.note(world.clock.now_s(), "another that fell with it")
                raise InferenceUnavailable
            if len(fell) > 1 and fell[-1] == number:
                raise InferenceUnavailable
            return answer_to(asked)

        return Scripted(script)

    world = World(falling(0), falling(1))
    async with world.fleet.suspects:
        assert await end_of(world, binding=WAIT, within_s=0.3) is UnjudgedReason.DEADLINE
    assert sorted(fell) == [0, 1]


async def test_a_suspect_gives_its_turn_on_whatever_becomes_of_it() -> None:
    """Judged, or blamed: the next one is asked."""
    fell = iter([True] * 2)

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked) or not next(fell, False):
            return answer_to(asked)
        world.endpoint.falls.note(world.clock.now_s(), "another that fell with it")
        raise InferenceUnavailable

    world = World(Scripted(script))
    assert await end_of(world, binding=WAIT) == "HH2"
    assert not world.fleet.suspects.locked()


# Whom a probe blames.


@pytest.mark.parametrize(
    "failure",
    [Reply(502, {}, b""), Reply(403, {}, b""), InferenceTimeout()],
    ids=["502", "403", "time limit"],
)
async def test_a_probe_that_is_refused_for_load_blames_nobody(failure: Answer) -> None:
    """The message is asked about until there is room; before, nothing tells whose fault it is."""
    world = World(in_turn(*[failure] * 8, probe=BUSY), attempts_max=2)
    assert await end_of(world) == "HH2"
    assert not world.endpoint.breaker.is_open


async def test_a_fleet_judged_when_any_of_its_endpoints_last_did() -> None:
    """One that has been out for long says nothing against the others."""
    clock = HandClock()
    world = World(in_turn(), in_turn(), clock=clock)
    for endpoint in (*world.fleet.endpoints, *reversed(world.fleet.endpoints)):
        clock.seconds += 5
        assert await endpoint.watch.condition() is Condition.WELL
        assert world.fleet.last_judgement_s == clock.seconds


async def test_a_probe_is_given_half_a_minute_whatever_calls_are_given() -> None:
    """A server that is busy with long answers is not out, and one that hangs is found out."""
    limits: list[float] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        limits.append(timeout_s)
        return answer_to(asked)

    world = World(Scripted(script), timeout_s=300)
    assert await world.endpoint.watch.condition() is Condition.WELL
    assert limits == [30.0]


async def test_a_probe_is_repeated_with_another_seed_and_the_same_room() -> None:
    """What failed by chance may do better; what it says has never been too long."""
    probes: list[dict[str, Any]] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        probes.append(asked)
        return NONSENSE

    assert await World(Scripted(script)).endpoint.watch.condition() is Condition.OUT
    assert len({asked["seed"] for asked in probes}) == len(probes) == 3
    assert len({asked["max_completion_tokens"] for asked in probes}) == 1


async def test_one_endpoint_that_is_busy_outweighs_one_that_is_out() -> None:
    """A fleet that refuses probes for load is there."""
    world = World(in_turn(probe=InferenceUnavailable()), in_turn(probe=BUSY))
    assert await world.fleet.condition() is Condition.BUSY
    assert await world.fleet.condition(world.endpoint) is Condition.OUT


# A refusal lasts.


@pytest.mark.parametrize(
    "after",
    [
        (NONSENSE,) * 3,
        (Reply(502, {}, b""),) * 3,
        (Reply(413, {}, b""),),
        (NONSENSE, REFUSAL, NONSENSE),
    ],
    ids=["nonsense", "502", "too long", "in between"],
)
async def test_a_refusal_that_other_faults_follow_is_a_refusal(after: tuple[Answer, ...]) -> None:
    """No fault that comes after it makes an allow of it, whatever the topic says of faults."""
    world = World(in_turn(REFUSAL, *after))
    assert await end_of(world) is UnjudgedReason.REFUSED


async def test_a_refusal_that_the_deadline_follows_is_a_refusal() -> None:
    """Somebody may make the second call hang to hide the first."""
    clock = HandClock()
    answers = iter([REFUSAL])

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        clock.seconds += timeout_s
        answer = next(answers, None)
        if answer is None:
            raise InferenceTimeout
        return answer

    world = World(Scripted(script), clock=clock, timeout_s=3)
    assert await end_of(world, within_s=5) is UnjudgedReason.REFUSED
    await world.endpoint.close()


async def test_a_refusal_that_an_outage_follows_is_a_refusal() -> None:
    """The server that refused is gone: the topic that goes on is told of the refusal."""
    gone = InferenceUnavailable()
    world = World(in_turn(REFUSAL, gone, probe=gone))
    assert await end_of(world) is UnjudgedReason.REFUSED


async def test_a_refusal_that_a_judgement_follows_is_that_judgement_in_the_next_message_too() -> (
    None
):
    """One message's refusal is not another's."""
    world = World(in_turn(REFUSAL, answer_to({"messages": [{"content": ""}]}), *[NONSENSE] * 3))
    assert await end_of(world) == "HH2"
    assert await end_of(world) is UnjudgedReason.MODEL_FAULT


ONE, OTHER = a_policy(name="one", title="One"), a_policy(name="other", title="Other")


@pytest.mark.parametrize("order", [(ONE, OTHER), (OTHER, ONE)], ids=["first", "last"])
async def test_one_policys_refusal_is_told_before_anothers_deadline(
    order: tuple[Policy, Policy],
) -> None:
    """Whichever of them comes first."""
    clock = HandClock()

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if "# Policy: One" in asked["messages"][0]["content"]:
            return REFUSAL
        await asyncio.sleep(0)
        clock.seconds += timeout_s
        raise InferenceTimeout

    world = World(Scripted(script), clock=clock)
    found = await end_of(world, version=a_version(*order), within_s=5)
    assert found is UnjudgedReason.REFUSED
    await world.endpoint.close()


@pytest.mark.parametrize("at", ["begins", "ends"])
async def test_a_refusal_of_any_piece_is_told_before_the_faults_of_others(at: str) -> None:
    """A long text is refused as a whole where a part of it is."""

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            return answer_to(asked)
        return REFUSAL if at in text_of(asked) else NONSENSE

    world = World(Scripted(script), cut=SegmentLimits(400, 10, 8))
    text = "begins " + "and goes on " * 60 + "and ends"
    assert await end_of(world, text) is UnjudgedReason.REFUSED


# What is learned of an endpoint.

UNKNOWN = b'{"error":{"message":"unknown field `reasoning_effort`"}}'


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_field_is_left_out_for_good_once_the_call_without_it_was_judged(
    status: int,
) -> None:
    """Not before: at first it is left out for one message, on trial."""
    seen: list[tuple[bool, bool]] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        seen.append(("reasoning_effort" in asked, world.endpoint.format.with_effort))
        return Reply(status, {}, UNKNOWN) if "reasoning_effort" in asked else answer_to(asked)

    world = World(Scripted(script))
    assert await end_of(world) == "HH2"
    assert seen == [(True, True), (False, True)]
    assert await end_of(world) == "HH2"
    assert seen[2:] == [(False, False)]


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_field_that_is_complained_of_whatever_is_sent_is_kept(status: int) -> None:
    """The complaint is about this one message, or means something else: others keep the field."""

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        return Reply(status, {}, UNKNOWN) if "odd" in text_of(asked) else answer_to(asked)

    world = World(Scripted(script))
    expected = UnjudgedReason.CALL_FAILED if status == 500 else UnjudgedReason.MODEL_FAULT
    assert await end_of(world, "odd") is expected
    assert world.endpoint.format.with_effort
    assert await end_of(world, "another") == "HH2"
    assert world.endpoint.format.with_effort


def home(world: World, policy: Policy) -> Endpoint:
    """The endpoint that a policy is asked at first."""
    ranking = Ranking(world.fleet.endpoints)
    return ranking.of(PolicyQuestion(policy, "text").affinity)[0]


def policy_at(world: World, endpoint: Endpoint) -> Policy:
    policies = [a_policy(name=f"policy {number}") for number in range(40)]
    return next(policy for policy in policies if home(world, policy) is endpoint)


async def test_of_two_endpoints_the_one_that_refused_a_field_learns_it() -> None:
    """The other knows the field, and goes on getting it."""

    async def lacks(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        return Reply(400, {}, UNKNOWN) if "reasoning_effort" in asked else answer_to(asked)

    world = World(Scripted(lacks), in_turn())
    lacking, whole = world.fleet.endpoints
    version = a_version(policy_at(world, lacking))
    assert await end_of(world, version=version) == "HH2"
    assert not lacking.format.with_effort
    assert whole.format.with_effort


async def test_a_field_that_one_endpoint_lacks_is_sent_to_the_other() -> None:
    """What is left out on trial is so at the endpoint that asked for it, and nowhere else."""
    whole_was_sent: list[bool] = []

    async def lacks(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if is_probe(asked):
            return answer_to(asked)
        # Full by the time the call without the field is made: it goes to the other.
        lacking.capacity.taken = lacking.capacity.limit + 1
        return Reply(400, {}, UNKNOWN)

    async def knows(asked: dict[str, Any], timeout_s: float) -> bytes:
        whole_was_sent.append("reasoning_effort" in asked)
        return answer_to(asked)

    world = World(Scripted(lacks), Scripted(knows))
    lacking, whole = world.fleet.endpoints
    assert await end_of(world, version=a_version(policy_at(world, lacking))) == "HH2"
    assert whole_was_sent == [True]
    assert whole.format.with_effort
    assert lacking.format.with_effort


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_an_endpoint_that_will_not_have_us_stops_nobody_once_another_has_judged(
    status: int,
) -> None:
    """Its messages are judged by the other, and it is out."""
    declined = Reply(status, {}, b"")
    world = World(in_turn(probe=declined, last=declined), in_turn())
    refusing, judging = world.fleet.endpoints
    assert await end_of(world, version=a_version(policy_at(world, judging))) == "HH2"
    version = a_version(policy_at(world, refusing))
    for _ in range(3):
        assert await end_of(world, version=version, binding=WAIT) == "HH2"
    assert refusing.breaker.is_open
    assert not judging.breaker.is_open


# Long texts.


@pytest.mark.parametrize(
    ("calls_max", "calls", "expected"),
    [(5, 1, UnjudgedReason.TOO_LONG), (11, 9, UnjudgedReason.TOO_LONG), (12, 12, "HH2")],
)
async def test_halving_reckons_with_the_pieces_that_are_still_to_do(
    calls_max: int, calls: int, expected: str | UnjudgedReason
) -> None:
    """Three pieces that are cut in three again make twelve calls, which fit the bound or do not."""
    sizes: list[int] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if is_probe(asked):
            return answer_to(asked)
        sizes.append(len(text_of(asked)))
        label = "HH2" if "the end" in text_of(asked) else "HH0"
        return Reply(413, {}, b"") if sizes[-1] > 700 else answer_to(asked, label)

    world = World(Scripted(script), cut=SegmentLimits(1_000, 0, calls_max))
    assert await end_of(world, "ok " * 995 + "the end") == expected
    assert len(sizes) == calls


@pytest.mark.parametrize(
    ("size", "context", "calls"),
    [(500, 400, [500, 400, 200]), (1_000, 500, [1_000, 500, 500, 200])],
)
async def test_a_text_longer_than_the_context_is_cut_in_halves(
    size: int, context: int, calls: list[int]
) -> None:
    """Which share a hundred characters, and are no shorter than a context must hold."""
    sizes: list[int] = []

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        if is_probe(asked):
            return answer_to(asked)
        sizes.append(text_of(asked).count("x"))
        return Reply(413, {}, b"") if sizes[-1] > context else answer_to(asked, "HH0")

    world = World(Scripted(script))
    assert await end_of(world, "x" * size) == "HH0"
    assert sizes == calls


async def test_of_pieces_that_are_as_severe_the_first_is_told() -> None:
    """And what judging took is told to the millisecond, of all pieces together."""
    clock = HandClock()
    outcomes = {"OK": Outcome.ALLOW, "A": Outcome.FLAG, "B": Outcome.FLAG}
    labels = iter(["OK", "A", "B"])

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes | Reply:
        clock.seconds += 1.5
        return answer_to(asked, next(labels))

    world = World(Scripted(script), clock=clock, cut=SegmentLimits(10, 0, 8))
    judged = await world.judge("x" * 30, version=a_version(a_policy(outcomes=outcomes)))
    assert ended(judged) == "A"
    assert judged.model_ms == 4_500


async def test_a_place_at_an_endpoint_that_is_out_by_then_is_given_back() -> None:
    """A call gets its place as the endpoint falls: it is not made, and the place is not lost."""
    world = World(in_turn(), in_turn(), calls_max=1)
    question = PolicyQuestion(a_policy(), "text")
    places = [await world.fleet.places.take(question, None) for _ in range(2)]
    judging = asyncio.create_task(world.judge())
    await asyncio.sleep(0)
    for place in places:
        assert place is not None
        place.breaker.trip(world.clock.now_s())
        world.fleet.places.give_back(place)
    assert ended(await asyncio.wait_for(judging, LIMIT_S)) is UnjudgedReason.OUTAGE
    assert [endpoint.capacity.taken for endpoint in world.fleet.endpoints] == [0, 0]
