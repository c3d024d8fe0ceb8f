"""A probe finds what an endpoint can do, switches off the rest, and never is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.classifier.probing.capabilities import Capabilities, LongPrompts, rows
from consumer.classifier.probing.known_texts import (
    LONG_TEXT,
    MARKERS,
    NO_MARKERS,
    PROBE_BAD,
    PROBE_GOOD,
    PROBE_POLICY,
)
from consumer.classifier.probing.probe import Prober
from consumer.classifier.probing.questions import ATTEMPTS_MAX, ProbePlan
from consumer.classifier.prompt import user_message
from consumer.classifier.question import PolicyQuestion
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import EndpointRefused, InferenceUnavailable, Overloaded
from consumer.inference.blame.failures import Declined
from consumer.inference.fleet.endpoint import PROBES_MAX, Endpoint
from consumer.inference.fleet.standing import Condition
from consumer.inference.profiles import PROFILES
from consumer.inference.transports.direct import DirectTransport
from consumer.inference.transports.reply import Reply
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.format import SCHEMA_BOUNDS, RequestFormat
from consumer.interfaces import Clock
from consumer.settings.inference import EndpointSettings, InferenceSettings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_fleet, build_probers
from tests.builders import an_endpoint
from tests.unit.classifier.probing.odd_server import OddServer, text_of
from tests.waiting import until

WANTED = RequestFormat("m")


def at(transport: Transport, clock: Clock, model: str = "m") -> Endpoint:
    return an_endpoint(
        transport, "http://server/v1", replace(WANTED, model=model), telemetry=Telemetry(clock)
    )


class World:
    """An endpoint at an odd server, and what probes it."""

    def __init__(self, server: OddServer, clock: Clock | None = None, **plan: Any) -> None:
        self.server = server
        self.endpoint = at(server, clock or SystemClock())
        self.prober = Prober(self.endpoint, ProbePlan(**plan), clock or SystemClock())

    async def call(self) -> str:
        user = user_message("hello", "0" * 10)
        reading = await self.endpoint.ask(
            PolicyQuestion(PROBE_POLICY, user), self.endpoint.format, None
        )
        return reading.judgement.label

    async def outage(self) -> None:
        """The server goes, a call finds out, and it comes back."""
        self.server.is_out = True
        assert await self.endpoint.watch.condition() is Condition.OUT
        self.server.is_out = False
        assert await self.endpoint.watch.condition() is Condition.WELL


async def found_at(server: OddServer, **plan: Any) -> tuple[Capabilities, RequestFormat]:
    world = World(server, **plan)
    return await world.prober.probe(), world.endpoint.format


# What the stand-in can do.


@pytest.fixture
async def stand_in() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard(record=True) as started:
        yield started


@pytest.fixture(params=["chat", "responses"])
async def prober(
    request: pytest.FixtureRequest, stand_in: StandInSafeguard
) -> AsyncIterator[Prober]:
    endpoint = at(
        DirectTransport(stand_in.base_url, "none", 4, 5.0), SystemClock(), "stand-in-safeguard"
    )
    yield Prober(endpoint, ProbePlan(api=request.param), SystemClock())
    await endpoint.close()


async def test_a_whole_server(prober: Prober) -> None:
    """Model, schema, reasoning and a known good and bad text are looked at, for `doctor`."""
    found = await prober.probe()
    assert found.models == ("stand-in-safeguard",)
    assert found.has_model
    assert found.judges
    assert (found.has_schema, found.obeys_schema, found.has_reasoning) == (True, True, True)
    assert (found.has_effort, found.has_cached_tokens, found.left_out) == (True, True, ())
    assert found.long_prompts is LongPrompts.KEPT


async def test_what_a_server_refuses_is_switched_off(
    prober: Prober, stand_in: StandInSafeguard
) -> None:
    """A schema and an effort that it does not know are off before the first message."""
    stand_in.behave(Behaviour(faults={FaultName.HTTP_400_UNKNOWN_PARAMETER: 1.0}))
    with capture_logs() as logs:
        found = await prober.probe()
    assert found.judges
    assert (found.has_schema, found.has_effort) == (False, False)
    assert found.left_out == ("response_format", "reasoning_effort")
    lacking = [log for log in logs if log["event"] == "endpoint lacks a feature: left out"]
    assert [log["field"] for log in lacking] == ["response_format", "reasoning_effort"]


async def test_a_wrong_key_is_named(prober: Prober, stand_in: StandInSafeguard) -> None:
    """A key that is refused stops the start, in words that say which setting is meant."""
    stand_in.behave(Behaviour(faults={FaultName.HTTP_401: 1.0}))
    with pytest.raises(EndpointRefused, match=r"^endpoint http://server/v1: .*api_key_file"):
        await prober.probe()


async def test_a_server_that_is_full_is_not_taken_for_a_lesser_one(
    prober: Prober, stand_in: StandInSafeguard
) -> None:
    """Load says nothing about what a server can do, so nothing is switched off for it."""
    stand_in.behave(Behaviour(faults={FaultName.HTTP_503: 1.0}))
    with pytest.raises(Overloaded):
        await prober.probe()
    assert prober.found is None


async def test_a_server_that_talks_nonsense(prober: Prober, stand_in: StandInSafeguard) -> None:
    """It is told as such, not as an error."""
    stand_in.reply_with(lambda _: "nonsense")
    found = await prober.probe()
    assert found.label_for_bad == "no judgement (unreadable)"
    assert not found.judges


# One oddity at a time.


async def test_a_probe_is_cheap() -> None:
    """About five small requests, whatever the server is: what can be asked beside is."""
    for owner in ("somebody", "vllm", "library", "sglang", "llamacpp", "organization_owner"):
        server = OddServer(owner)
        await found_at(server)
        assert 4 <= len(server.asked) <= 5, owner


async def test_a_probe_of_a_server_that_fails_everything_ends() -> None:
    """Attempts are counted, and a schema is tried no longer than it takes to doubt it."""
    server = OddServer("vllm")
    server.content_with_schema = lambda _: None
    server.refused = {"priority", "logprobs", "seed", "temperature", "reasoning_effort"}
    found, format = await found_at(server)
    assert len(server.asked) <= 4 * ATTEMPTS_MAX
    assert set(found.left_out) == {
        "priority",
        "seed",
        "temperature",
        "reasoning_effort",
        "response_format",
    }
    assert found.judges
    assert not format.with_schema


@pytest.mark.parametrize(
    "refusal",
    [
        b'{"error":{"message":"Invalid schema for response_format: maxItems is not permitted"}}',
        b'{"error":{"message":"The schema contains features not supported by the backend."}}',
    ],
)
async def test_a_schema_that_may_not_be_bounded_is_sent_without_bounds(refusal: bytes) -> None:
    """Whether a server names the field or not: the bounds go, and the schema stays."""
    server = OddServer()
    server.takes_bounds, server.refuses_bounds_with = False, refusal
    found, format = await found_at(server)
    assert (found.has_schema, found.has_bounds) == (True, False)
    assert (format.with_schema, format.with_bounds) == (True, False)
    assert found.left_out == (SCHEMA_BOUNDS,)
    assert found.judges
    assert any("without bounds" in row.meaning for row in rows(found))


async def test_a_schema_that_is_refused_with_and_without_bounds_is_left_out() -> None:
    """Then only the schema is said to be lacking, for there is nothing left to bound."""
    server = OddServer()
    server.refused = {"response_format"}
    found, format = await found_at(server)
    assert (found.has_schema, found.has_bounds) == (False, False)
    assert found.left_out == ("response_format",)
    assert not format.with_schema
    assert found.judges


async def test_a_server_that_takes_all_of_it_is_sent_bounds() -> None:
    """No answer of a whole server can go on for ever."""
    found, format = await found_at(OddServer())
    assert (found.has_schema, found.has_bounds) == (True, True)
    assert format.with_bounds


async def test_a_schema_that_empties_answers_is_left_out() -> None:
    """Two answers with it are empty, one without is not."""
    server = OddServer()
    server.content_with_schema = lambda _: None
    found, format = await found_at(server)
    assert (found.has_schema, found.obeys_schema, format.with_schema) == (False, None, False)
    assert found.judges


async def test_one_empty_answer_does_not_cost_the_schema() -> None:
    """A fault that happens now and then is not the schema's."""
    server = OddServer()
    server.content_with_schema = lambda number: None if number == 1 else ""
    found, format = await found_at(server)
    assert found.has_schema
    assert format.with_schema


async def test_a_schema_is_kept_where_answers_are_no_better_without_it() -> None:
    """A model that answers nothing at all proves nothing about the schema."""
    server = OddServer()
    server.refused = {"messages"}
    found, format = await found_at(server)
    assert found.label_for_bad == "no judgement (http_400)"
    assert format.with_schema


async def test_a_schema_that_is_not_obeyed_is_said_to_be() -> None:
    """Fences around the answer show that no grammar held the model."""
    server = OddServer()
    server.content_with_schema = lambda _: '```json\n{"label": "SAFE"}\n```'
    found, _ = await found_at(server)
    assert (found.has_schema, found.obeys_schema) == (True, False)


async def test_lm_studio_is_never_sent_a_schema() -> None:
    """There it garbles what would have been a good answer, and a probe might not notice."""
    server = OddServer("organization_owner")
    with capture_logs() as logs:
        found, format = await found_at(server)
    assert found.profile == "lm-studio"
    assert not any("response_format" in asked for asked in server.asked)
    assert (found.left_out, format.with_schema) == (("response_format",), False)
    assert any("LM Studio" in log.get("why", "") for log in logs)


async def test_an_operator_who_names_a_profile_is_believed() -> None:
    """A gateway may say that it is another server, or nothing."""
    found, format = await found_at(OddServer("vllm"), profile="lm-studio")
    assert (found.profile, format.with_schema) == ("lm-studio", False)


@pytest.mark.parametrize(("owner", "sign"), [("vllm", 1), ("sglang", -1)])
async def test_priority_is_sent_in_the_servers_own_order(owner: str, sign: int) -> None:
    """vLLM takes low numbers first, SGLang high ones."""
    server = OddServer(owner)
    found, format = await found_at(server)
    assert found.has_priority
    assert (format.with_priority, format.profile.priority.value) == (True, sign)
    assert {asked["priority"] for asked in server.asked if "priority" in asked} == {sign}


async def test_a_priority_that_is_an_error_is_left_out() -> None:
    """vLLM refuses any unless it schedules by them."""
    server = OddServer("vllm")
    server.refused = {"priority"}
    found, format = await found_at(server)
    assert (found.has_priority, format.with_priority) == (False, False)
    assert found.left_out == ("priority",)


@pytest.mark.parametrize("owner", ["llamacpp", "library", "somebody"])
async def test_a_priority_is_not_sent_where_its_order_is_not_known(owner: str) -> None:
    """An accepted field proves nothing, and the wrong order would be worse than none."""
    server = OddServer(owner)
    found, _ = await found_at(server)
    assert not found.has_priority
    assert not any("priority" in asked for asked in server.asked)
    assert "priority" not in found.left_out


async def test_logprobs_and_cached_tokens_are_looked_for() -> None:
    """Present, absent, refused, and a refusal of the one hides nothing of the other."""
    whole, bare, refusing = OddServer(), OddServer(), OddServer()
    bare.has_logprobs = bare.counts_cached = False
    refusing.refused = {"logprobs"}
    for server, expected in ((whole, (True, True)), (bare, (False, False))):
        found, _ = await found_at(server)
        assert (found.has_logprobs, found.has_cached_tokens) == expected
    found, _ = await found_at(refusing)
    assert (found.has_logprobs, found.has_cached_tokens) == (False, True)


async def test_a_host_that_refuses_logprobs_is_not_asked() -> None:
    """It is known, and a 400 in the host's own statistics helps nobody."""
    server = OddServer()
    found, _ = await found_at(server, profile="groq")
    assert found.has_logprobs is False
    assert not any("logprobs" in asked for asked in server.asked)


async def test_a_prompt_that_is_cut_without_an_error_is_noticed() -> None:
    """Ollama's default context: fewer tokens are counted than there are words."""
    server = OddServer("library")
    server.prompt_tokens = lambda text: min(len(text) // 3, 3_700)
    with capture_logs() as logs:
        found, _ = await found_at(server)
    assert found.profile == "ollama"
    assert found.long_prompts is LongPrompts.CUT
    assert any("cuts long prompts" in log["event"] for log in logs)


async def test_a_prompt_that_is_refused_is_no_cut() -> None:
    """A 400 for length is what we can deal with."""
    server = OddServer("library")
    server.context_tokens = 4_096
    found, _ = await found_at(server)
    assert found.long_prompts is LongPrompts.REFUSED


async def test_no_count_of_tokens_is_no_finding() -> None:
    """A server that counts nothing has neither cut a prompt nor read a marker."""
    server = OddServer("library")
    server.prompt_tokens = lambda text: -300
    found, _ = await found_at(server)
    assert found.long_prompts is LongPrompts.UNTRIED
    assert (found.reads_markers, found.has_cached_tokens) == (None, None)


async def test_long_prompts_are_not_sent_where_they_are_known_to_be_refused() -> None:
    """On a slow machine reading six thousand words takes a minute."""
    server = OddServer("vllm")
    found, _ = await found_at(server)
    assert found.long_prompts is LongPrompts.UNTRIED
    assert not any(LONG_TEXT in text_of(asked) for asked in server.asked)


def as_control_tokens(text: str) -> int:
    """Counts as a chat template does that reads control tokens in text."""
    return len(text.replace("<|end|>", "").replace("<|start|>", "")) // 3 + text.count("<|e") * 2


async def test_control_tokens_that_become_real_ones_are_noticed() -> None:
    """They count fewer than words of the same look; the text itself is never sent so."""
    server = OddServer()
    server.prompt_tokens = as_control_tokens
    with capture_logs() as logs:
        found, _ = await found_at(server)
    assert found.reads_markers is True
    assert any("control tokens" in log["event"] for log in logs)
    assert sum(MARKERS in text_of(asked) for asked in server.asked) == 1


async def test_control_tokens_that_stay_text_are_no_warning() -> None:
    """A tokeniser may make a little more or less of one word than of another."""
    for more in (-1, 0, 1):
        server = OddServer()
        server.prompt_tokens = lambda text, more=more: (  # type: ignore[misc]
            len(text) // 3 + more * text.count("<|end|>")
        )
        found, _ = await found_at(server)
        assert found.reads_markers is False


def test_the_two_marker_texts_differ_in_nothing_else() -> None:
    """Equal length and number of brackets, and only one of them holds control tokens."""
    assert len(MARKERS) == len(NO_MARKERS)
    assert MARKERS.count("<|") == NO_MARKERS.count("<|")
    assert "<|end|>" not in NO_MARKERS


def test_the_long_text_has_a_token_a_word() -> None:
    """So that the least count is known without the model's tokeniser."""
    assert len(LONG_TEXT.split()) > 4_096


@pytest.mark.parametrize("profile", PROFILES)
async def test_findings_are_told_in_a_table(profile: str) -> None:
    """Every capability has a row, and no cell is empty."""
    found, _ = await found_at(OddServer(), profile=profile)
    table = rows(found)
    assert len({row.capability for row in table}) == len(table) == 10
    assert all(all(row) for row in table)


# Who it is, and what it will not have.


@pytest.mark.parametrize(
    ("name", "address", "profile"),
    [
        ("fast", "https://api.groq.com/openai/v1", "groq"),
        ("fast", "https://openrouter.ai/api/v1", "openrouter"),
        ("groq", "http://localhost:8000/v1", "generic"),
    ],
)
async def test_an_endpoint_with_a_name_is_known_by_its_address(
    name: str, address: str, profile: str
) -> None:
    """`[inference.endpoints.fast]` may be anybody's, and a name is nobody's address."""
    settings = InferenceSettings(model="m", endpoints={name: EndpointSettings(address=address)})
    fleet = build_fleet(settings, Telemetry())
    (endpoint,) = fleet.endpoints
    await endpoint.contact.transport.close()
    endpoint.contact = endpoint.contact._replace(transport=OddServer())
    probers = build_probers(settings, fleet, SystemClock())
    found = (await probers.probe())[name]
    assert isinstance(found, Capabilities)
    assert (endpoint.name, found.profile) == (name, profile)


class Moderated(OddServer):
    """A host that will not have some texts judged."""

    def __init__(self, refused_text: str, status: int, body: bytes) -> None:
        super().__init__()
        self._refused_text = refused_text
        self._refusal = Reply(status, {}, body)

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        reply = await super().post(path, body, timeout_s)
        return self._refusal if self._refused_text in text_of(self.asked[-1]) else reply


REFUSALS = [
    (403, b"<html>Forbidden</html>"),
    (403, b'{"error":{"message":"your input was flagged"}}'),
    (400, b'{"error":{"code":"content_filter","message":"no"}}'),
    (400, b'{"error":{"message":"flagged by our usage policies"}}'),
    (451, b""),
    (200, b'{"error":{"code":"content_filter","message":"no"}}'),
]


@pytest.mark.parametrize(("status", "body"), REFUSALS)
async def test_a_host_that_refuses_the_bad_text_at_the_start_works(
    status: int, body: bytes
) -> None:
    """Its own moderation is one more safeguard, and no reason not to start."""
    found, _ = await found_at(Moderated(PROBE_BAD, status, body))
    assert found.label_for_bad == "no judgement (refused)"
    assert found.label_for_good == "SAFE"


@pytest.mark.parametrize(("status", "body"), [(401, b""), (403, b""), (404, b"")])
async def test_a_host_that_refuses_a_greeting_at_the_start_has_wrong_settings(
    status: int, body: bytes
) -> None:
    """Nobody's moderation refuses that: key, model or path are wrong, or a wall stands before."""
    with pytest.raises(EndpointRefused, match=str(status)):
        await found_at(Moderated(PROBE_GOOD, status, body))


@pytest.mark.parametrize("status", [401, 404])
async def test_a_status_that_speaks_of_key_or_path_is_no_moderation(status: int) -> None:
    """Not even where the bad text is what it was answered to."""
    with pytest.raises(EndpointRefused, match=str(status)):
        await found_at(Moderated(PROBE_BAD, status, b""))


async def test_after_a_judgement_a_probe_that_is_refused_ends_nothing() -> None:
    """It is an outage like any other, and the old findings hold."""
    server = Moderated(PROBE_GOOD, 200, b"")
    world = World(server)
    server._refused_text = "no text holds this"
    found = await world.prober.probe()
    server._refused_text, server._refusal = PROBE_GOOD, Reply(403, {}, b"")
    with pytest.raises(Declined):
        await world.prober.probe()
    assert world.prober.found is found


# After an outage.


class HandClock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_s(self) -> float:
        return self.seconds

    def wall_ms(self) -> int:
        return int(self.seconds * 1_000)


async def test_another_server_after_an_outage_is_found_out() -> None:
    """What came back may lack what the old one had, and have what it lacked."""
    server = OddServer("vllm")
    server.refused = {"priority"}
    world = World(server, pause_s=0.0)
    await world.prober.probe()
    world.prober.follow_outages()

    server.refused = {"response_format"}
    await world.outage()
    await until(lambda: not world.endpoint.format.with_schema, "a fresh probe")

    assert world.endpoint.format.with_priority
    assert world.prober.found is not None
    assert world.prober.found.left_out == ("response_format",)
    await world.prober.close()


async def test_calls_do_not_wait_for_a_probe_after_an_outage() -> None:
    """Every slot may be taken and every answer slow: the probe runs beside, on the old format."""
    server = OddServer("vllm")
    world = World(server, pause_s=0.0)
    world.prober.follow_outages()
    await world.outage()
    await until(lambda: len(server.asked) >= 3, "the probe to begin")
    server.gate.clear()
    asked = len(server.asked)

    calls = [asyncio.create_task(world.call()) for _ in range(4)]
    await until(lambda: len(server.asked) >= asked + 4, "the calls to be sent")
    server.gate.set()

    assert await asyncio.gather(*calls) == ["SAFE"] * 4
    await until(lambda: world.prober.found, "the probe to end")
    await world.prober.close()


async def test_an_endpoint_that_comes_and_goes_is_not_probed_each_time() -> None:
    """Once in a pause, however often it comes back."""
    server, clock = OddServer("vllm"), HandClock()
    world = World(server, clock, pause_s=60.0)
    await world.prober.probe()
    world.prober.follow_outages()
    asked = len(server.asked)
    for _ in range(5):
        await world.outage()
        clock.seconds += 0.1
    waiting = [task for task in asyncio.all_tasks() if "_probe_when_allowed" in repr(task)]
    assert len(waiting) == 1
    # A few questions an outage, whether it is there, and none about what it can do.
    assert len(server.asked) == asked + 5 * (PROBES_MAX + 1)
    await world.prober.close()


async def test_a_probe_that_fails_keeps_the_old_findings() -> None:
    """The server went again while it was asked; its next coming back starts another probe."""
    server = OddServer("vllm")
    world = World(server, pause_s=0.0)
    before = await world.prober.probe()
    world.prober.follow_outages()
    format = world.endpoint.format

    server.gate.clear()
    world.prober.probe_soon()
    world.prober.probe_soon()
    await until(lambda: text_of(server.asked[-1]) != "", "a question")
    server.is_out = True
    world.endpoint.breaker.trip(0.0)
    server.gate.set()
    await until(lambda: not probing(), "the probe to end")

    assert (world.prober.found, world.endpoint.format) == (before, format)
    server.is_out = False
    assert await world.endpoint.watch.condition() is Condition.WELL
    await until(lambda: world.prober.found is not before, "another probe")
    await world.prober.close()


def probing() -> bool:
    return any("_probe_when_allowed" in repr(task) for task in asyncio.all_tasks())


async def test_an_endpoint_that_was_not_there_at_the_start_is_probed_later() -> None:
    """A worker that starts before its server need not be started again."""
    server = OddServer("vllm")
    server.is_out = True
    world = World(server, pause_s=0.0)
    with pytest.raises(InferenceUnavailable):
        await world.prober.probe()
    world.prober.probe_soon()
    await asyncio.sleep(0)
    server.is_out = False
    await until(lambda: world.prober.found, "the probe")
    await world.prober.close()


async def test_what_was_said_once_is_not_said_after_every_outage() -> None:
    """Only what is new is loud."""
    server = OddServer("organization_owner")
    world = World(server)
    with capture_logs() as first:
        await world.prober.probe()
    server.refused = {"seed"}
    with capture_logs() as second:
        await world.prober.probe()
    assert [log["field"] for log in first if "field" in log] == ["response_format"]
    assert [log["field"] for log in second if "field" in log] == ["seed"]


async def test_no_text_reaches_the_log() -> None:
    """Not even a built-in one."""
    server = OddServer("organization_owner")
    server.prompt_tokens = as_control_tokens
    with capture_logs() as logs:
        await found_at(server)
    assert logs
    assert PROBE_GOOD not in str(logs)
    assert "<|" not in str(logs)
