"""Second looks through the classifier: what is asked for, and what stands when nothing comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from consumer.classifier.confidence.looks import Learned, Looks
from consumer.classifier.judge import SafeguardClassifier, SegmentLimits
from consumer.classifier.parser import Reading
from consumer.domain.policy import Effort, Look, Outcome, Policy, SecondLookTerms
from consumer.domain.verdicts.certainty import SecondLook, Sign
from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Judgement, Tokens
from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.retry import RetryLimits
from consumer.inference.question import Question
from consumer.inference.transports.reply import Reply
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.telemetry import Telemetry
from tests.builders import (
    a_binding,
    a_completion,
    a_judgement,
    a_policy,
    a_version,
    an_answer,
    an_endpoint,
)

EVERY = SecondLookTerms(1.0)
SAMPLES = SecondLookTerms(1.0, Look.SAMPLES, 3)
ELSEWHERE = SecondLookTerms(1.0, Look.ENDPOINT)
REFUSAL = a_completion("I'm sorry, but I can't help with that.")

Answer = str | bytes | Exception | Reply


class HandClock:
    """A clock that only a call moves."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now_s(self) -> float:
        return self.time_s

    def wall_ms(self) -> int:
        return 0


class Script:
    """A transport that gives these answers in turn; a label stands for a whole completion."""

    def __init__(self, clock: HandClock, answers: Iterable[Answer], call_s: float = 1.0) -> None:
        self._clock = clock
        self._answers = iter(answers)
        self._call_s = call_s
        self.requests: list[dict[str, Any]] = []
        self.timeouts_s: list[float] = []

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.requests.append(orjson.loads(body))
        self.timeouts_s.append(timeout_s)
        self._clock.time_s += self._call_s
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return Reply(
            200, {}, answer if isinstance(answer, bytes) else a_completion(an_answer(answer))
        )

    async def get(self, path: str, timeout_s: float) -> Reply:
        raise NotImplementedError

    async def close(self) -> None: ...


class World:
    """A classifier whose server says what the test wants, with a second endpoint or without."""

    def __init__(
        self,
        *answers: Answer,
        terms: SecondLookTerms | None = EVERY,
        second: Answer | None = None,
        call_s: float = 1.0,
        **policy: Any,
    ) -> None:
        self.clock = HandClock()
        self.server = Script(self.clock, answers, call_s)
        self.metrics = Metrics()
        self.elsewhere = Script(self.clock, () if second is None else (second,))
        self.fleet = self._fleet_of(self.server, "server")
        if second is not None:
            self.fleet.second = self._fleet_of(self.elsewhere, "elsewhere")
        self.policy = a_policy(second_look=terms, **policy)
        self.classifier = SafeguardClassifier(
            self.fleet,
            RetryLimits(3, wait_max_s=0.0),
            SegmentLimits(),
            Telemetry(self.clock, self.metrics),
            Random(1),
        )

    def _fleet_of(self, server: Script, name: str) -> Fleet:
        endpoint = an_endpoint(
            server,
            name,
            probe_every_s=1.0,
            timeout_s=60.0,
            capacity=9,
            telemetry=Telemetry(self.clock, self.metrics),
        )
        return Fleet([endpoint], Telemetry(self.clock, self.metrics))

    @property
    def endpoint(self) -> Endpoint:
        return self.fleet.endpoints[0]

    async def judge(self, *, within_s: float | None = None, text: str = "some text") -> Judgement:
        deadline_s = None if within_s is None else self.clock.time_s + within_s
        judged = await self.classifier.classify(
            text, a_version(self.policy), a_binding(on_outage="unjudged"), deadline_s
        )
        self.usage = judged.usage
        (judgement,) = judged.judgements
        return judgement

    def looks(self) -> dict[str, float]:
        """The counter of second looks by result."""
        return {
            sample.labels["result"]: sample.value
            for family in self.metrics.second_looks.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        }


def rests_on(judgement: Judgement) -> tuple[Sign, ...]:
    assert judgement.certainty is not None
    return judgement.certainty.rests_on


def score(judgement: Judgement) -> float:
    assert judgement.certainty is not None
    return judgement.certainty.score


async def test_without_a_table_each_text_is_asked_about_once_and_the_score_is_there() -> None:
    world = World("HH0", terms=None)
    judgement = await world.judge()
    assert len(world.server.requests) == 1
    assert judgement.second_look is None
    assert score(judgement) == pytest.approx(1 - 114 / 1_328, abs=0.001)
    assert world.looks() == {}


async def test_the_certainty_of_each_first_answer_is_observed() -> None:
    """Once a text, whether or not it was looked at again."""
    world = World("HH0", "HH0", "HH0", "HH2")
    for _ in range(2):
        await world.judge()
    found = {
        sample.name: sample.value
        for family in world.metrics.certainty.collect()
        for sample in family.samples
        if not sample.labels
    }
    assert found["safeguard_certainty_count"] == 2
    assert found["safeguard_certainty_sum"] == pytest.approx(2 * (1 - 114 / 1_328), abs=0.1)


async def test_an_answer_that_is_repeated_with_more_effort_stands_and_is_surer() -> None:
    world = World("HH0", "HH0")
    judgement = await world.judge()
    first, second = world.server.requests
    assert (first["reasoning_effort"], second["reasoning_effort"]) == ("low", "medium")
    assert second["messages"] == first["messages"]
    assert (judgement.label, judgement.outcome) == ("HH0", Outcome.ALLOW)
    assert judgement.second_look == SecondLook(Look.EFFORT, True, ("HH0", "HH0"))
    assert score(judgement) > 1 - 114 / 1_328
    assert rests_on(judgement) == (Sign.SECOND_LOOK,)
    assert judgement.tokens == Tokens(800, 640, 120, 160)
    assert world.looks() == {"agreed": 1.0}


async def test_an_answer_that_is_not_repeated_is_as_severe_as_the_most_severe_look() -> None:
    world = World("HH0", "HH2")
    judgement = await world.judge()
    assert (judgement.label, judgement.outcome, judgement.effort) == (
        "HH2",
        Outcome.BLOCK,
        "medium",
    )
    assert judgement.second_look == SecondLook(Look.EFFORT, False, ("HH0", "HH2"))
    assert score(judgement) < 0.5
    assert world.looks() == {"disagreed": 1.0}


async def test_two_labels_that_both_allow_are_a_flag() -> None:
    outcomes = {"HH0": Outcome.ALLOW, "OK": Outcome.ALLOW, "HH2": Outcome.BLOCK}
    judgement = await World("HH0", "OK", outcomes=outcomes).judge()
    assert (judgement.label, judgement.outcome) == ("HH0", Outcome.FLAG)


async def test_samples_have_seeds_of_their_own_and_the_models_temperature() -> None:
    world = World("HH0", "HH0", "HH1", "HH0", terms=SAMPLES)
    judgement = await world.judge()
    assert [request["seed"] for request in world.server.requests] == [
        7,
        *(7 + 1_000 + number for number in range(3)),
    ]
    assert [request["temperature"] for request in world.server.requests] == [0.0, 1.0, 1.0, 1.0]
    assert {request["reasoning_effort"] for request in world.server.requests} == {"low"}
    assert len({request["max_completion_tokens"] for request in world.server.requests}) == 1
    assert judgement.second_look == SecondLook(Look.SAMPLES, False, ("HH0", "HH0", "HH1", "HH0"))
    assert judgement.outcome is Outcome.FLAG


async def test_samples_that_do_not_come_are_left_out() -> None:
    judgement = await World("HH0", InferenceTimeout(), b"", "HH0", terms=SAMPLES).judge()
    assert judgement.second_look == SecondLook(Look.SAMPLES, True, ("HH0", "HH0"))
    assert judgement.outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "refusal",
    [REFUSAL, Reply(400, {}, b'{"error":{"code":"content_filter"}}')],
    ids=["by the model", "by its host"],
)
@pytest.mark.parametrize("terms", [EVERY, SAMPLES], ids=["one look", "samples"])
async def test_a_second_look_that_is_refused_makes_a_flag_of_an_allow(
    refusal: Answer, terms: SecondLookTerms
) -> None:
    """Who refuses has seen something, whatever the first answer and other looks say."""
    judgement = await World("HH0", refusal, "HH0", "HH0", terms=terms).judge()
    assert (judgement.label, judgement.outcome) == ("HH0", Outcome.FLAG)
    assert Sign.REFUSAL_BEFORE in rests_on(judgement)


async def test_effort_at_an_endpoint_that_has_none_is_another_sample() -> None:
    """The same request again would get the same answer, and look like agreement."""
    world = World("HH0", "HH0")
    world.endpoint.format = world.endpoint.format.without("reasoning_effort")
    judgement = await world.judge()
    assert judgement.second_look == SecondLook(Look.SAMPLES, True, ("HH0", "HH0"))
    first, second = world.server.requests
    assert first["seed"] != second["seed"]


async def test_effort_where_one_of_the_endpoints_has_none_is_another_sample_at_all() -> None:
    """Nobody knows beforehand which of them will have a place."""
    world = World("HH0", "HH0")
    (other,) = World().fleet.endpoints
    other.format = other.format.without("reasoning_effort")
    other.breaker.trip(0.0)
    world.classifier._asker._looks._fleet.endpoints = (world.endpoint, other)
    judgement = await world.judge()
    assert judgement.second_look == SecondLook(Look.SAMPLES, True, ("HH0", "HH0"))


@pytest.mark.parametrize(
    "failure",
    [
        InferenceTimeout(),
        InferenceUnavailable("gone"),
        a_completion(""),
        Reply(503, {}, b""),
        Reply(400, {}, b'{"error":{"message":"maximum context length"}}'),
        Reply(401, {}, b""),
        Reply(403, {}, b"<html>Forbidden</html>"),
    ],
)
async def test_where_no_second_answer_comes_the_first_stands_and_says_so(failure: Answer) -> None:
    world = World("HH0", failure)
    judgement = await world.judge()
    assert len(world.server.requests) == 2
    assert (judgement.label, judgement.second_look) == ("HH0", None)
    assert rests_on(judgement) == (Sign.SECOND_LOOK_MISSING,)
    assert world.looks() == {"not_made": 1.0}


ONE = Tokens(400, 320, 60, 80)
"""What one completion says that it cost."""


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("HH0", Usage(2, 0, ONE + ONE)),
        (REFUSAL, Usage(2, 1, ONE + ONE, ONE)),
        (InferenceTimeout(), Usage(2, 1, ONE)),
        (InferenceUnavailable("gone"), Usage(1, 0, ONE)),
        (Reply(503, {}, b""), Usage(1, 0, ONE)),
    ],
    ids=["judged", "refused", "time limit", "unavailable", "load"],
)
async def test_a_second_look_is_paid_for_whatever_comes_of_it(
    second: Answer, expected: Usage
) -> None:
    """As a first call is: what the server has worked for, or may have, counts."""
    for terms, elsewhere in ((EVERY, False), (ELSEWHERE, True)):
        answers = ("HH0",) if elsewhere else ("HH0", second)
        world = World(*answers, terms=terms, second=second if elsewhere else None)
        await world.judge()
        assert world.usage == expected


async def test_no_second_look_is_taken_past_the_deadline() -> None:
    world = World("HH0", call_s=2.0)
    judgement = await world.judge(within_s=2.0)
    assert len(world.server.requests) == 1
    assert rests_on(judgement) == (Sign.SECOND_LOOK_MISSING,)


async def test_a_second_look_has_only_the_time_that_is_left() -> None:
    world = World("HH0", "HH0", call_s=2.0)
    await world.judge(within_s=5.0)
    assert world.server.timeouts_s == [5.0, 3.0]


@pytest.mark.parametrize(
    ("within_s", "timeouts_s"), [(10.0, [8.0, 5.0]), (4.0, [2.0]), (5.0, [3.0])]
)
async def test_the_time_that_a_second_look_waits_for_a_place_counts(
    within_s: float, timeouts_s: list[float]
) -> None:
    """It is asked with what is left after that, and not at all where nothing is."""
    world = World("HH0", "HH0", call_s=1.0)
    take = world.fleet.places.take

    async def take_late(question: Question[object], within_s: float | None) -> Endpoint | None:
        place = await take(question, within_s)
        world.clock.time_s += 2.0
        return place

    world.fleet.places.take = lambda question, within_s, avoid=None: take_late(  # type: ignore[method-assign]
        question, within_s
    )
    await world.judge(within_s=within_s)
    assert world.server.timeouts_s == timeouts_s
    assert world.endpoint.capacity.taken == 0


async def test_an_endpoint_that_is_out_is_not_asked_again() -> None:
    world = World("HH0", "HH0")
    judged = world.endpoint.standing.judged

    def judged_and_trip(now_s: float) -> None:
        judged(now_s)
        world.endpoint.breaker.trip(world.clock.time_s)

    world.endpoint.standing.judged = judged_and_trip  # type: ignore[method-assign]
    judgement = await world.judge()
    assert len(world.server.requests) == 1
    assert rests_on(judgement) == (Sign.SECOND_LOOK_MISSING,)


async def test_a_second_endpoint_is_asked_with_the_same_text_and_the_time_left() -> None:
    world = World("HH0", terms=ELSEWHERE, second="HH2", call_s=2.0)
    judgement = await world.judge(within_s=5.0)
    user = world.server.requests[0]["messages"][1]["content"]
    assert world.elsewhere.timeouts_s == [3.0]
    assert world.elsewhere.requests[0]["messages"][1]["content"] == user
    assert judgement.second_look == SecondLook(Look.ENDPOINT, False, ("HH0", "HH2"))
    assert judgement.outcome is Outcome.BLOCK


async def test_a_second_endpoint_is_left_alone_where_another_look_is_wanted() -> None:
    world = World("HH0", "HH0", terms=EVERY, second="HH2")
    judgement = await world.judge()
    assert world.elsewhere.requests == []
    assert judgement.second_look == SecondLook(Look.EFFORT, True, ("HH0", "HH0"))


async def test_a_second_endpoint_is_not_asked_past_the_deadline() -> None:
    world = World("HH0", terms=ELSEWHERE, second="HH2", call_s=2.0)
    judgement = await world.judge(within_s=2.0)
    assert world.elsewhere.requests == []
    assert rests_on(judgement) == (Sign.SECOND_LOOK_MISSING,)


async def test_a_second_endpoint_that_fails_leaves_the_first_judgement() -> None:
    judgement = await World("HH0", terms=ELSEWHERE, second=InferenceUnavailable("gone")).judge()
    assert (judgement.label, rests_on(judgement)) == ("HH0", (Sign.SECOND_LOOK_MISSING,))


async def test_without_a_second_endpoint_the_first_is_asked_again_and_one_warning_says_so() -> None:
    world = World("HH0", "HH0", "HH0", "HH0", terms=ELSEWHERE)
    with capture_logs() as logs:
        judgements = [await world.judge(), await world.judge()]
    assert [found.second_look and found.second_look.how for found in judgements] == [
        Look.SAMPLES,
        Look.SAMPLES,
    ]
    assert [(log["log_level"], log["policy"]) for log in logs] == [("warning", "harassment")]


async def test_a_refusal_before_the_answer_makes_it_less_sure() -> None:
    judgement = await World(REFUSAL, "HH0", terms=None).judge()
    assert rests_on(judgement) == (Sign.REFUSAL_BEFORE,)
    assert score(judgement) == pytest.approx(0.70, abs=0.005)


async def test_the_length_counts_once_a_hundred_answers_are_known() -> None:
    world = World(*["HH0"] * 102, terms=None)
    judgements = [await world.judge() for _ in range(102)]
    assert [rests_on(found) for found in judgements[:100]] == [()] * 100
    assert rests_on(judgements[101]) == (Sign.REASONING_LENGTH,)


async def test_second_looks_are_counted_for_later_scores() -> None:
    """After thirty looks that all disagreed the same kind of answer is far less sure."""
    world = World(*["HH0", "HH2"] * 30, "HH0", "HH0")
    before = (await world.judge()).certainty
    for _ in range(29):
        await world.judge()
    assert before is not None
    first = world.classifier._asker._looks.assess(
        world.policy, "text", Reading(a_judgement("HH0")), False
    )
    assert score(first.judgement) < 0.5


def a_reading() -> Reading:
    return Reading(a_judgement("HH0"))


def test_a_policy_that_is_loaded_again_unchanged_is_still_known() -> None:
    found = Looks(World().fleet, Telemetry(HandClock()))
    policy = a_policy()
    one = found.assess(policy, "text", a_reading(), False)
    other = found.assess(replace(policy), "text", a_reading(), False)
    assert other.learned is one.learned


@pytest.mark.parametrize(
    "change", [{"effort": Effort.HIGH}, {"text": "other"}, {"second_look": EVERY}]
)
def test_a_policy_that_is_asked_otherwise_is_learned_anew(change: dict[str, Any]) -> None:
    found = Looks(World().fleet, Telemetry(HandClock()))
    one = found.assess(a_policy(), "text", a_reading(), False)
    other = found.assess(a_policy(**change), "text", a_reading(), False)
    assert other.learned is not one.learned


def test_the_policy_that_was_unused_for_longest_is_forgotten_first() -> None:
    """Five hundred and twelve are kept."""
    found = Looks(World().fleet, Telemetry(HandClock()))

    def learned_of(policy: Policy) -> Learned:
        return found.assess(policy, "text", a_reading(), False).learned

    used, old, *others = (a_policy(text=str(number)) for number in range(512))
    first = [learned_of(policy) for policy in (used, old, *others)]
    assert learned_of(used) is first[0]
    learned_of(a_policy(text="one more"))
    assert learned_of(used) is first[0]
    assert learned_of(old) is not first[1]
