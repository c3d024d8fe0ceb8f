"""
A stand-in for an inference server with gpt-oss-safeguard: the same wire, no model.

It speaks POST /v1/chat/completions, /v1/responses, /v1/decisions and /v1/systemone, GET /v1/models
and /health, and names itself `stand-in-safeguard` in every answer. What it judges by is in `judge`,
what it can do wrong in `faults`, how slow and how wide it is in `behaviour`. GET and POST
/behaviour show and change that while it runs.

    python -m consumer.dev.safeguard --port 8089 --latency 0.2 --slots 64
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
import uvloop
from aiohttp import web

from consumer.dev.safeguard.behaviour import Behaviour, Dice, Generation
from consumer.dev.safeguard.completion import MODEL
from consumer.dev.safeguard.decisions import PATHS as DECISIONS
from consumer.dev.safeguard.decisions import decide
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.served import Served, is_immediate, overloaded, serve
from consumer.dev.safeguard.judge import messages_of, text_of
from consumer.dev.safeguard.responses import PATH as RESPONSES
from consumer.dev.safeguard.responses import as_chat_request, as_response_served
from consumer.dev.safeguard.slots import Slots
from consumer.dev.safeguard.speaker import Speaker
from consumer.dev.safeguard.wire import as_json, send

REQUESTS_KEPT = 1_000
"""They are kept whole."""
ANSWERS_KEPT = 100_000
"""More than a test asks for; the oldest go first."""

Request = dict[str, Any]
Reply = str | web.Response
Replies = Callable[[Request], Reply | Awaitable[Reply]]


class RecordedRequest(NamedTuple):
    """One request as it came: for tests that compare what two clients send."""

    path: str
    header_names: tuple[str, ...]
    """In lower case, in the order sent."""
    body: bytes


class RecordedAnswer(NamedTuple):
    """One answer as it went out: for tests that compare what was said with what was made of it."""

    text: str
    """What was judged."""
    label: str
    """What the stand-in judged it to be; whether it could be read depends on the fault."""
    fault: FaultName | None
    """What was wrong with the answer."""


class StandInSafeguard:
    """
    The server. `async with` runs it in the current loop, `in_thread` in a thread of its own.

    `record` keeps the last 1,000 requests in `requests` and the last 100,000 answers in `answers`.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        record: bool = False,
    ) -> None:
        self.host, self.port = host, port
        self.requests: deque[RecordedRequest] = deque(maxlen=REQUESTS_KEPT)
        self.answers: deque[RecordedAnswer] = deque(maxlen=ANSWERS_KEPT)
        self.requests_total = 0
        self.refused_total = 0
        self.in_flight = 0
        self.in_flight_max = 0
        self.faults_served: Counter[FaultName] = Counter()
        self._record = record
        self._replies: Replies | None = None
        self._speaker = Speaker()
        self._runner: web.ServerRunner | None = None
        self.behave(behaviour or Behaviour())

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def behave(self, behaviour: Behaviour) -> None:
        """
        Behave like this from the next request on, with the dice thrown from its seed again.

        Requests that wait for one of the old slots keep waiting for those.
        """
        self.behaviour = behaviour
        self._dice = Dice(behaviour)
        self._slots = Slots(behaviour.slots, behaviour.queue_max)
        self._down_until_s = 0.0

    def reply_with(self, function: Replies | None) -> None:
        """
        Let a function answer: from the request's JSON to the content, or to a whole response.

        It may be async, so that a test can hold an answer back. None gives the judging back.
        """
        self._replies = function

    def statistics(self) -> dict[str, object]:
        return {
            "model": MODEL,
            "requests_total": self.requests_total,
            "in_flight": self.in_flight,
            "in_flight_max": self.in_flight_max,
            "queued": self._slots.waiting,
            "busy_slot_s": round(self._slots.busy_s, 3),
            "refused_total": self.refused_total,
            "faults_served": {str(name): n for name, n in self.faults_served.items()},
        }

    def __repr__(self) -> str:
        return f"StandInSafeguard({self.base_url}, {self.requests_total} requests)"

    async def start(self) -> None:
        # A client that hangs up cancels its generation, as it does with vLLM.
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port, backlog=4_096).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @classmethod
    @contextmanager
    def in_thread(
        cls, behaviour: Behaviour | None = None, *, port: int = 0, record: bool = False
    ) -> Iterator[Self]:
        """Run in a thread with a loop of its own, for callers that are not async or are busy."""
        server = cls(behaviour, port=port, record=record)
        loop = uvloop.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name=MODEL, daemon=True)

        def run(work: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

        thread.start()
        try:
            run(server.start())
            yield server
        finally:
            run(server.stop())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)
            loop.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.raw_path.partition("?")[0]:
            case "POST", "/v1/chat/completions":
                return await self._complete(request, is_response=False)
            case "POST", path if path == RESPONSES:
                return await self._complete(request, is_response=True)
            case "POST", path if path in DECISIONS:
                return await self._decide(request, path)
            case "GET", "/v1/models":
                model = {"id": MODEL, "object": "model", "owned_by": "stand-in", "created": 0}
                return as_json({"object": "list", "data": [model]})
            case "GET", "/health":
                return web.Response()
            case "GET", "/behaviour":
                return as_json({**self.behaviour.as_json(), "statistics": self.statistics()})
            case "POST", "/behaviour":
                return await self._change_behaviour(request)
        return as_json({"error": {"message": "the stand-in knows no such path"}}, status=404)

    async def _change_behaviour(self, request: web.BaseRequest) -> web.Response:
        try:
            self.behave(Behaviour.from_json(orjson.loads(await request.content.read())))
        except ValueError as error:
            return as_json({"error": {"message": str(error)}}, status=400)
        return as_json(self.behaviour.as_json())

    async def _decide(self, request: web.BaseRequest, path: str) -> web.Response:
        try:
            return as_json(decide(path, orjson.loads(await request.content.read())))
        except (ValueError, KeyError, TypeError, AttributeError):
            return as_json({"error": {"message": "not a request for a decision"}}, status=400)

    async def _complete(self, request: web.BaseRequest, *, is_response: bool) -> web.StreamResponse:
        body = await request.content.read()
        if self._record:
            names = tuple(name.decode().lower() for name, _ in request.raw_headers)
            self.requests.append(RecordedRequest(request.raw_path, names, body))
        try:
            asked: Request = orjson.loads(body)
            asked = as_chat_request(asked) if is_response else asked
            system, user = messages_of(asked)
        except (ValueError, KeyError, TypeError, AttributeError):
            return as_json({"error": {"message": "not a request for a completion"}}, status=400)
        self.requests_total += 1
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            answer = await self._answer(asked, system, user)
            if not isinstance(answer, Served):
                return answer
            return await send(request, as_response_served(answer) if is_response else answer)
        finally:
            self.in_flight -= 1

    async def _answer(self, asked: Request, system: str, user: str) -> Served | web.Response:
        behaviour, dice, slots = self.behaviour, self._dice, self._slots
        number = self.requests_total
        fault = dice.fault() if behaviour.only in text_of(user) else None
        generation = Generation(0.0)
        if self._is_down():
            fault = FaultName.CONNECTION_RESET
        if fault is None or not is_immediate(fault):
            if slots.is_full:
                self.refused_total += 1
                return overloaded(503, behaviour.retry_after_s)
            async with slots:
                generation = dice.generation(text_of(user)).at(asked.get("reasoning_effort"))
                if _is_cut(generation, asked) and fault is None:
                    fault = FaultName.LENGTH_EMPTY
                if generation.latency_s > 0:
                    await asyncio.sleep(generation.latency_s)
                if self._is_down():
                    # What was being generated died with the engine.
                    fault = FaultName.CONNECTION_RESET
        if fault is None and self._replies is not None:
            reply = self._replies(asked)
            if inspect.isawaitable(reply):
                reply = await reply
            if not isinstance(reply, str):
                return reply
            said = self._speaker.say(number, dice, system, user, generation, reply)
            return Served(200, said.body())
        completion = self._speaker.say(number, dice, system, user, generation)
        if self._record:
            label = completion.decision.label
            self.answers.append(RecordedAnswer(text_of(user), label, fault))
        if fault is None:
            return Served(200, completion.body())
        self.faults_served[fault] += 1
        if fault is FaultName.HTTP_500_ENGINE_DEAD:
            now_s = asyncio.get_running_loop().time()
            self._down_until_s = now_s + behaviour.engine_down_s
        return serve(fault, completion, asked, behaviour.retry_after_s)

    def _is_down(self) -> bool:
        return asyncio.get_running_loop().time() < self._down_until_s


def _is_cut(generation: Generation, asked: Request) -> bool:
    """Whether the reasoning alone fills the room that the request gives to the whole answer."""
    room = asked.get("max_completion_tokens")
    return isinstance(room, int) and (generation.reasoning_tokens or 0) >= room
