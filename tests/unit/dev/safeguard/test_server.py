"""The stand-in speaks the wire of an inference server, with every fault that is known of one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
import pytest
from aiohttp import web

from consumer.classifier.prompt import system_message, user_message
from consumer.dev.safeguard.arguments import read_arguments
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.policy import Outcome, Policy

ROOT = Path(__file__).parents[4]
POLICY = Policy(
    name="harassment",
    title="Harassment",
    text='## HH0: Fine\n\n## HH2: Attacks\n\n- HH2.a: "worthless"',
    outcomes={"HH0": Outcome.ALLOW, "HH2": Outcome.BLOCK},
    rules={"HH2.a": "insult"},
)


def a_request(text: str = "you are worthless", **fields: object) -> bytes:
    messages = [
        {"role": "system", "content": system_message(POLICY)},
        {"role": "user", "content": user_message(text, "a1")},
    ]
    return orjson.dumps({"model": "any", "messages": messages, **fields})


class Got(NamedTuple):
    """What a client saw."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.body)
        return document

    @property
    def choice(self) -> dict[str, Any]:
        choice: dict[str, Any] = self.document["choices"][0]
        return choice

    @property
    def content(self) -> str:
        content: str = self.choice["message"]["content"]
        return content

    @property
    def reasoning(self) -> str | None:
        reasoning: str | None = self.choice["message"].get("reasoning")
        return reasoning

    @property
    def error(self) -> str:
        return str(self.document["error"])


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def server() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard(record=True) as started:
        yield started


async def ask(
    client: aiohttp.ClientSession, server: StandInSafeguard, body: bytes | None = None
) -> Got:
    url = f"{server.base_url}/chat/completions"
    async with client.post(url, data=body or a_request()) as response:
        return Got(response.status, await response.read(), dict(response.headers))


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop turn until something is so, five seconds at most."""
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0)


async def test_answers_as_a_stand_in(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """An answer is a chat completion with the decision as JSON, and names the stand-in."""
    got = await ask(client, server)
    assert got.document["model"] == "stand-in-safeguard"
    assert got.choice["finish_reason"] == "stop"
    assert orjson.loads(got.content) == {
        "label": "HH2",
        "rules": ["HH2.a"],
        "confidence": "medium",
        "rationale": "matches a term listed under HH2",
    }
    assert got.reasoning is not None
    assert "stand-in" in got.reasoning
    again = await ask(client, server)
    usage = again.document["usage"]
    assert usage["prompt_tokens"] > usage["prompt_tokens_details"]["cached_tokens"] > 0
    assert got.document["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert usage["completion_tokens"] > usage["completion_tokens_details"]["reasoning_tokens"] > 0


async def test_other_paths(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """Models and health are served, other paths are not, and a bad request is a 400."""
    async with client.get(f"{server.base_url}/models") as response:
        assert (await response.json())["data"][0]["id"] == "stand-in-safeguard"
    async with client.get(server.base_url.replace("/v1", "/health")) as response:
        assert response.status == 200
    async with client.get(f"{server.base_url}/nothing") as response:
        assert response.status == 404
    assert (await ask(client, server, b"{")).status == 400
    assert (await ask(client, server, b'{"messages":[1]}')).status == 400


async def test_no_policy(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """Without a policy that it can read, the stand-in says so instead of judging."""
    body = orjson.dumps({"messages": [{"role": "user", "content": "hi"}]})
    assert "cannot answer" in (await ask(client, server, body)).content


async def test_recorded_requests(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """What a client sent is kept byte for byte, with the names of its headers."""
    await ask(client, server)
    assert server.requests[0].body == a_request()
    assert server.requests[0].path == "/v1/chat/completions"
    assert "content-length" in server.requests[0].header_names


async def test_reply_with(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """A function may answer with a content or with a whole response, and be taken away again."""
    server.reply_with(lambda request: f"model {request['model']}")
    assert (await ask(client, server)).content == "model any"
    server.reply_with(lambda request: web.Response(status=418))
    assert (await ask(client, server)).status == 418
    server.reply_with(None)
    assert "HH2" in (await ask(client, server)).content


async def test_slots_and_queue(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """With every slot taken requests queue, and past the queue they are refused with 503."""
    server.behave(Behaviour(slots=1, queue_max=1, latency_s=60, retry_after_s=2))
    waiting = [asyncio.create_task(ask(client, server)) for _ in range(2)]
    await until(lambda: server.statistics()["queued"] == 1 and server.in_flight == 2)
    refused = await ask(client, server)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_refusals_for_load_are_counted(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """And say when to come again."""
    server.behave(Behaviour(slots=1, queue_max=0, latency_s=60, retry_after_s=1.5))
    holding = asyncio.create_task(ask(client, server))
    await until(lambda: server.in_flight == 1 and server.statistics()["queued"] == 0)
    refused = await ask(client, server)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1.5")
    assert server.statistics()["refused_total"] == 1
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_a_dead_engine_is_down_for_a_while(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """After the engine has died connections are reset until it is there again."""
    server.behave(Behaviour(faults={FaultName.HTTP_500_ENGINE_DEAD: 1}, engine_down_s=0.2))
    assert (await ask(client, server)).status == 500
    with pytest.raises(aiohttp.ClientError):
        await ask(client, server)
    async with asyncio.timeout(5):
        while server.faults_served[FaultName.HTTP_500_ENGINE_DEAD] < 2:
            try:
                assert (await ask(client, server)).status == 500
            except aiohttp.ClientError:
                pass


async def test_a_long_reasoning_is_sent_and_counted(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """With a profile usage tells the tokens drawn, and the text is as long as they say."""
    server.behave(Behaviour(profile="groq-20b", pace=0.001))
    found = [await ask(client, server) for _ in range(30)]
    counted = [
        got.document["usage"]["completion_tokens_details"]["reasoning_tokens"] for got in found
    ]
    assert max(counted) > 4 * min(counted)
    for got, tokens in zip(found, counted, strict=True):
        assert len(got.reasoning or "") // 4 == tokens
        assert got.content.startswith(DECISION)


async def test_a_contested_text_gets_two_labels_and_no_word_tells(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """Asked again about the same text, a profile with flips contradicts itself on some."""
    server.behave(Behaviour(profile="groq-20b-flips", pace=0))
    labels: dict[str, set[str]] = {}
    words: set[str] = set()
    for text in (f"you are worthless {number}" for number in range(40)):
        for _ in range(6):
            answer = orjson.loads((await ask(client, server, a_request(text))).content)
            labels.setdefault(text, set()).add(answer["label"])
            words.add(answer["confidence"])
    contested = sum(len(found) == 2 for found in labels.values())
    assert 2 <= contested <= 14
    assert words == {"medium"}


async def test_reasoning_that_fills_the_room_leaves_no_answer(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """Where the request gives less room than the reasoning takes, the answer is cut off."""
    server.behave(Behaviour(profile="groq-20b", pace=0.001))
    cut = await ask(client, server, a_request(max_completion_tokens=2))
    assert cut.choice["finish_reason"] == "length"
    assert cut.choice["message"]["content"] is None
    assert server.faults_served == {FaultName.LENGTH_EMPTY: 1}
    whole = await ask(client, server, a_request(max_completion_tokens=4_096))
    assert whole.choice["finish_reason"] == "stop"


async def test_a_low_effort_reasons_less(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """The same dice, and two fifths of the reasoning."""
    longest: dict[str, int] = {}
    for effort in ("medium", "low"):
        server.behave(Behaviour(profile="groq-20b", pace=0.001, seed=3))
        found = [await ask(client, server, a_request(reasoning_effort=effort)) for _ in range(20)]
        usages = [got.document["usage"]["completion_tokens_details"] for got in found]
        longest[effort] = max(usage["reasoning_tokens"] for usage in usages)
    assert longest["medium"] > 500
    assert longest["low"] == round(longest["medium"] * 0.4)


async def test_answers_are_recorded(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """What was judged, as what, and with which fault it was served."""
    await ask(client, server)
    server.behave(Behaviour(faults={FaultName.REFUSAL: 1}))
    await ask(client, server, a_request("hello"))
    assert list(server.answers) == [
        ("you are worthless", "HH2", None),
        ("hello", "HH0", FaultName.REFUSAL),
    ]


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults by name and group, a profile and the slots are words of the command."""
    words = "--profile groq-20b --pace 0.1 --slots 4 --fault all=0.2 --fault refusal=0.1 --port 1"
    host, port, behaviour = read_arguments(words.split())
    assert (host, port) == ("127.0.0.1", 1)
    assert sum(behaviour.faults.values()) == pytest.approx(0.3)
    assert (behaviour.profile, behaviour.pace, behaviour.slots) == ("groq-20b", 0.1, 4)
    for wrong in (["--fault", "unheard=1"], ["--fault", "refusal"], ["--slots", "0"]):
        with pytest.raises(SystemExit):
            read_arguments(wrong)
    assert "faults are connection_reset" in capsys.readouterr().err


async def test_hung_up_clients_free_their_slot(
    client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """A client that hangs up cancels its generation."""
    server.behave(Behaviour(slots=1, latency_s=60))
    gone = asyncio.create_task(ask(client, server))
    await until(lambda: server.in_flight == 1)
    gone.cancel()
    await until(lambda: server.in_flight == 0)


async def test_flips(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """At a flip rate of one every answer names another label."""
    server.behave(Behaviour(flip_rate=1))
    assert orjson.loads((await ask(client, server)).content)["label"] == "HH0"


async def test_behaviour_over_http(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """The behaviour can be changed and read while the server runs, and nonsense is refused."""
    url = server.base_url.replace("/v1", "/behaviour")
    async with client.post(url, data=b'{"faults":{"http_429":1},"retry_after_s":7}') as response:
        assert response.status == 200
    assert (await ask(client, server)).headers["Retry-After"] == "7"
    async with client.get(url) as response:
        assert (await response.json())["statistics"]["faults_served"] == {"http_429": 1}
    async with client.post(url, data=b'{"slots":0}') as response:
        assert response.status == 400


def test_in_thread() -> None:
    """A thread of its own serves callers that have no loop."""

    async def once(server: StandInSafeguard) -> int:
        async with aiohttp.ClientSession() as client:
            return (await ask(client, server)).status

    with StandInSafeguard.in_thread() as server:
        assert asyncio.run(once(server)) == 200
        assert server.requests_total == 1


def test_as_a_process() -> None:
    """As a process it prints one line with its address, which says that it is a stand-in."""
    command = [sys.executable, "-m", "consumer.dev.safeguard", "--port", "0", "--latency", "0.01"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    assert "stand-in" in line
    assert "http://127.0.0.1:" in line


DECISION = '{"label":"HH2","rules":["HH2.a"],"confidence":"medium",'
Check = Callable[[Got], bool]

SEEN: dict[FaultName, Check] = {
    FaultName.NOT_JSON_BODY: lambda got: got.status == 200 and got.body.startswith(b"<html>"),
    FaultName.EMPTY_BODY: lambda got: got.status == 200 and not got.body,
    FaultName.ERROR_IN_200: lambda got: got.status == 200 and "upstream" in got.error,
    FaultName.HTTP_400_CONTEXT_LENGTH: lambda got: (
        got.status == 400 and "maximum context length" in got.error
    ),
    FaultName.HTTP_400_CONTEXT_LENGTH_LLAMA: lambda got: (
        got.status == 400 and got.document["error"]["type"] == "exceed_context_size_error"
    ),
    FaultName.HTTP_400_FAILED_GENERATION: lambda got: (
        got.status == 400 and got.document["error"]["failed_generation"].startswith(DECISION)
    ),
    FaultName.HTTP_400_UNKNOWN_PARAMETER: lambda got: got.status == 200,
    FaultName.HTTP_401: lambda got: got.status == 401,
    FaultName.HTTP_403: lambda got: got.status == 403,
    FaultName.HTTP_404_MODEL: lambda got: got.status == 404 and "model" in got.error,
    FaultName.HTTP_429: lambda got: got.status == 429 and got.headers["Retry-After"] == "1",
    FaultName.HTTP_500_EMPTY: lambda got: (
        got.status == 500 and got.document["error"]["message"] == ""
    ),
    FaultName.HTTP_500_ENGINE_DEAD: lambda got: got.status == 500 and "EngineDead" in got.error,
    FaultName.HTTP_500_HARMONY: lambda got: got.status == 500 and "message header" in got.error,
    FaultName.HTTP_500_PEG_NATIVE: lambda got: got.status == 500 and "peg-native" in got.error,
    FaultName.HTTP_500_UNEXPECTED_TOKEN: lambda got: got.status == 500 and "200002" in got.error,
    FaultName.HTTP_502: lambda got: got.status == 502,
    FaultName.HTTP_503: lambda got: got.status == 503 and "Retry-After" not in got.headers,
    FaultName.HTTP_504: lambda got: got.status == 504,
    FaultName.LENGTH_EMPTY: lambda got: (
        got.choice["finish_reason"] == "length" and got.choice["message"]["content"] is None
    ),
    FaultName.LENGTH_CUT_JSON: lambda got: (
        got.choice["finish_reason"] == "length" and not got.content.endswith("}")
    ),
    FaultName.LENGTH_MARKUP: lambda got: (
        got.choice["finish_reason"] == "length" and "<|constrain|>json" in got.content
    ),
    FaultName.CONTENT_FILTER: lambda got: (
        got.choice["finish_reason"] == "content_filter" and got.choice["message"]["content"] is None
    ),
    FaultName.NULL_CONTENT_STOP: lambda got: (
        got.choice["finish_reason"] == "stop"
        and got.choice["message"]["content"] is None
        and got.reasoning is None
    ),
    FaultName.RAW_HARMONY_FINAL: lambda got: (
        "<|channel|>final" in got.content and DECISION in got.content
    ),
    FaultName.RAW_HARMONY_ANALYSIS_ONLY: lambda got: (
        "<|channel|>analysis" in got.content and "final" not in got.content
    ),
    FaultName.FENCED_JSON: lambda got: got.content.startswith(f"```json\n{DECISION}"),
    FaultName.ECHOED_STUB: lambda got: got.content.startswith(f"Answer (HH0 or HH2): {DECISION}"),
    FaultName.ECHOED_STUB_LABEL: lambda got: got.content == "Answer (HH0 or HH2): HH2",
    FaultName.BARE_LABEL: lambda got: got.content == "HH2",
    FaultName.PROSE_AROUND_JSON: lambda got: got.content.startswith("Here is my"),
    FaultName.TWO_LABELS: lambda got: '"HH2"' in got.content and '"HH0"' in got.content,
    FaultName.DUPLICATE_LABEL_KEY: lambda got: got.content.startswith(
        '{"label":"HH0","label":"HH2"'
    ),
    FaultName.REFUSAL: lambda got: got.content == "I'm sorry, but I can't help with that.",
    FaultName.UNKNOWN_LABEL: lambda got: orjson.loads(got.content)["label"] == "ZZ9",
    FaultName.UNKNOWN_RULE: lambda got: orjson.loads(got.content)["rules"] == ["HH2.a", "ZZ9.z"],
    FaultName.WRONG_TYPES: lambda got: orjson.loads(got.content)["label"] == ["HH2"],
    FaultName.JSON_IN_REASONING_ONLY: lambda got: (
        got.choice["message"]["content"] is None and DECISION in (got.reasoning or "")
    ),
    FaultName.HUGE_RATIONALE: lambda got: len(got.body) > 1_000_000,
    FaultName.PROMPT_TRUNCATED: lambda got: got.document["usage"]["prompt_tokens"] == 12,
    FaultName.MISSING_USAGE: lambda got: "usage" not in got.document and DECISION in got.content,
    FaultName.REASONING_CONTENT_FIELD: lambda got: (
        got.reasoning is None and bool(got.choice["message"]["reasoning_content"])
    ),
}
WITHOUT_END = {FaultName.HANG, FaultName.SLOW_BODY}
BROKEN_OFF = {FaultName.CONNECTION_RESET, FaultName.TRUNCATED_BODY, *WITHOUT_END}


@pytest.mark.parametrize("fault", [*FaultName])
async def test_every_fault(
    fault: FaultName, client: aiohttp.ClientSession, server: StandInSafeguard
) -> None:
    """Each fault is served as it is documented, and the next request is answered."""
    server.behave(Behaviour(faults={fault: 1}))
    if fault in BROKEN_OFF:
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as caught:
            async with asyncio.timeout(0.3 if fault in WITHOUT_END else 10):
                await ask(client, server)
        assert (fault in WITHOUT_END) == (caught.type is TimeoutError)
    else:
        assert SEEN[fault](await ask(client, server))
    assert server.faults_served[fault] == 1
    server.behave(Behaviour())
    assert (await ask(client, server)).content.startswith(DECISION)


async def test_unknown_parameter(client: aiohttp.ClientSession, server: StandInSafeguard) -> None:
    """An unknown field is named in a 400, one after the other, until none is left."""
    server.behave(Behaviour(faults={FaultName.HTTP_400_UNKNOWN_PARAMETER: 1}))
    both = a_request(response_format={"type": "json_object"}, reasoning_effort="low")
    assert "response_format" in (await ask(client, server, both)).error
    assert (
        "reasoning_effort" in (await ask(client, server, a_request(reasoning_effort="low"))).error
    )
    assert (await ask(client, server)).status == 200
