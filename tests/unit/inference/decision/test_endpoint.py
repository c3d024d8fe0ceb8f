"""The decision endpoint within its bounds: what it is asked, and when it is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from consumer.errors import InferenceTimeout
from consumer.inference.decision.endpoint import UNTRIED, DecisionEndpoint, DecisionLimits
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.transports.reply import Reply
from consumer.interfaces import Probabilities

LIMITS = DecisionLimits(
    model="d",
    wire="auto",
    timeout_s=1.0,
    in_flight_max=2,
    questions_max=3,
    body_bytes_max=1_000,
    failures_max=2,
)


class Server:
    """A transport that answers by a function, and counts what it was asked."""

    def __init__(self, answer: Callable[[str, Any], Any]) -> None:
        self.answer = answer
        self.paths: list[str] = []

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.paths.append(path)
        found = self.answer(path, orjson.loads(body))
        if asyncio.isfuture(found):
            found = await found
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Reply) else Reply(200, {}, orjson.dumps(found))

    async def get(self, path: str, timeout_s: float) -> Reply:
        raise AssertionError(path)

    async def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def now_s(self) -> float:
        return self.s

    def wall_ms(self) -> int:
        return int(self.s * 1_000)


def systemone(path: str, asked: Any) -> Any:
    """llama.cpp: the one shape only."""
    if path != "/systemone":
        return Reply(404, {}, b"")
    return {
        "model": "d",
        "answers": {name: {"type": "noul", "noul": 0.1} for name in asked["questions"]},
    }


def opened(
    answer: Callable[[str, Any], Any], **changes: Any
) -> tuple[DecisionEndpoint, Server, Clock]:
    server, clock = Server(answer), Clock()
    limits = LIMITS._replace(**changes)
    return DecisionEndpoint(server, limits, Breaker(30.0), clock), server, clock


async def test_the_shape_is_found_out_at_the_start() -> None:
    endpoint, server, _ = opened(systemone)
    assert endpoint.off == UNTRIED
    assert await endpoint.probe() is None
    assert endpoint.wire == "systemone"
    assert server.paths == ["/decisions", "/systemone"]
    assert await endpoint.ask("hello", ["a", "b"]) == Probabilities((0.1, 0.1), "d")


@pytest.mark.parametrize("status", [404, 501])
async def test_a_server_without_decisions_is_not_here_and_costs_nothing(status: int) -> None:
    """It is tried again beside the messages, not more often than the breaker says."""
    endpoint, server, clock = opened(lambda path, asked: Reply(status, {}, b"{}"))
    why = await endpoint.probe()
    assert why is not None
    assert why.startswith("not here")
    assert str(status) in why
    tried = len(server.paths)
    for _ in range(20):
        assert await endpoint.ask("hello", ["a"]) == why
    assert len(server.paths) == tried
    endpoint.look_after()
    await asyncio.sleep(0.01)
    assert len(server.paths) == tried
    clock.s += 31
    endpoint.look_after()
    await asyncio.sleep(0.01)
    assert len(server.paths) == tried + 2


async def test_after_a_few_failures_it_is_left_alone_until_a_probe_is_answered() -> None:
    now: dict[str, Any] = {"is_down": False}

    def answer(path: str, asked: Any) -> Any:
        return (
            InferenceTimeout("no answer within 1.0 s") if now["is_down"] else systemone(path, asked)
        )

    endpoint, server, clock = opened(answer, wire="systemone")
    assert await endpoint.probe() is None
    now["is_down"] = True
    for _ in range(5):
        assert await endpoint.ask("hello", ["a"]) == "no answer within 1.0 s"
    assert len(server.paths) == 1 + LIMITS.failures_max
    now["is_down"] = False
    clock.s += 31
    endpoint.look_after()
    assert isinstance(await endpoint.ask("hello", ["a"]), str), "a message does not wait for it"
    await asyncio.sleep(0.01)
    assert await endpoint.ask("hello", ["a"]) == Probabilities((0.1,), "d")


async def test_one_failure_among_answers_is_the_messages_own() -> None:
    bad = Reply(400, {}, b"{}")
    endpoint, *_ = opened(
        lambda path, asked: bad if asked["state"] == "bad" else systemone(path, asked),
        wire="systemone",
    )
    await endpoint.probe()
    for _ in range(5):
        assert isinstance(await endpoint.ask("bad", ["a"]), str)
        assert isinstance(await endpoint.ask("good", ["a"]), Probabilities)
    assert endpoint.off is None


async def test_what_is_beyond_its_bounds_is_not_asked() -> None:
    """Too many questions, too large a request, too many calls at once: each by its setting."""
    held: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    endpoint, server, _ = opened(
        lambda path, asked: held if asked["state"] == "held" else systemone(path, asked),
        wire="systemone",
    )
    await endpoint.probe()
    tried = len(server.paths)
    assert "questions_max" in str(await endpoint.ask("hello", ["a"] * 4))
    assert "body_bytes_max" in str(await endpoint.ask("x" * 1_000, ["a"]))
    assert len(server.paths) == tried
    first, second = (asyncio.create_task(endpoint.ask("held", ["a"])) for _ in range(2))
    await asyncio.sleep(0)
    assert "in_flight_max" in str(await endpoint.ask("hello", ["a"]))
    held.set_result(systemone("/systemone", {"questions": {"q0": 1}}))
    assert isinstance(await first, Probabilities)
    assert isinstance(await second, Probabilities)
    assert isinstance(await endpoint.ask("hello", ["a"]), Probabilities)
