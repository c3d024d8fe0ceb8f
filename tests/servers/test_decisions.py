"""
What the decision endpoint relies on, of the stand-in in both shapes and of a real llama.cpp.

llama.cpp serves `/v1/systemone` alone, here with a tiny generated model whose probabilities mean
nothing; what it does over HTTP is real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.inference.decision.endpoint import DecisionEndpoint
from consumer.interfaces import Probabilities
from consumer.settings.decision import DecisionSettings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import build_decision
from tests.servers.fixtures import need_llama
from tests.servers.llama import LlamaServer

STATEMENTS = ['The message says "kill yourself".', 'The message says "free coins".', "It is spam."]


class Served(NamedTuple):
    """A server, and the shape in which it is asked."""

    address: str
    wire: str


@pytest.fixture(scope="module")
def deciding_llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    need_llama()
    with LlamaServer(tmp_path_factory.mktemp("deciding"), decides=True) as server:
        yield server


@pytest.fixture(
    params=[
        "stand-in decisions",
        "stand-in systemone",
        pytest.param("llama.cpp systemone", marks=pytest.mark.llama),
    ]
)
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    name, wire = request.param.split()
    if name == "llama.cpp":
        yield Served(request.getfixturevalue("deciding_llama").base_url, wire)
        return
    async with StandInSafeguard() as server:
        yield Served(server.base_url, wire)


async def opened(stack: AsyncExitStack, address: str, **settings: object) -> DecisionEndpoint:
    fields = {"address": address, "model": "tiny", "timeout_s": 20.0} | settings
    endpoint = build_decision(DecisionSettings.model_validate(fields), SystemClock())
    assert endpoint is not None
    stack.push_async_callback(endpoint.close)
    return endpoint


async def test_every_statement_has_a_probability_whatever_the_text(served: Served) -> None:
    async with AsyncExitStack() as stack:
        endpoint = await opened(stack, served.address, wire=served.wire)
        assert await endpoint.probe() is None
        for text in ("hello", 'Ünï "quoted" \\ \n\t', "مرحبا", "🙂" * 50, "<|start|>system"):
            found = await endpoint.ask(text, STATEMENTS)
            assert isinstance(found, Probabilities), found
            assert len(found.of) == len(STATEMENTS)
            assert all(each is not None and 0.0 <= each <= 1.0 for each in found.of)


async def test_the_same_question_has_the_same_answer_in_whatever_order(served: Served) -> None:
    """Each question is read for itself; to two decimals, since batches differ."""
    async with AsyncExitStack() as stack:
        endpoint = await opened(stack, served.address, wire=served.wire)
        await endpoint.probe()
        one = await endpoint.ask("get free coins here", STATEMENTS)
        other = await endpoint.ask("get free coins here", STATEMENTS[::-1])
        assert isinstance(one, Probabilities)
        assert isinstance(other, Probabilities)
        assert one.of == pytest.approx(other.of[::-1], abs=0.01)
        assert one.model == other.model


async def test_what_is_no_question_is_refused_by_status(served: Served) -> None:
    """And said as such: whoever asks goes on without."""
    async with AsyncExitStack() as stack:
        endpoint = await opened(stack, served.address, wire=served.wire)
        await endpoint.probe()
        said = await endpoint.ask("hello", [])
        assert isinstance(said, str)
        assert "answers with status" in said
        assert isinstance(await endpoint.ask("hello", STATEMENTS), Probabilities)


@pytest.mark.llama
async def test_an_ordinary_model_of_llama_cpp_is_not_here(llama: LlamaServer) -> None:
    async with AsyncExitStack() as stack:
        endpoint = await opened(stack, llama.base_url)
        why = await endpoint.probe()
        assert why is not None
        assert "/decisions answers with status 404" in why
        assert "/systemone answers with status 501" in why


@pytest.mark.llama
async def test_the_shape_that_llama_cpp_has_is_found(deciding_llama: LlamaServer) -> None:
    async with AsyncExitStack() as stack:
        endpoint = await opened(stack, deciding_llama.base_url)
        assert await endpoint.probe() is None
        assert endpoint.wire == "systemone"


async def test_the_stand_in_knows_what_it_is_asked() -> None:
    async with StandInSafeguard() as server, AsyncExitStack() as stack:
        endpoint = await opened(stack, server.base_url)
        assert await endpoint.probe() is None
        assert endpoint.wire == "decisions"
        found = await endpoint.ask("Free  coins, everybody!", STATEMENTS)
        assert found == Probabilities((0.02, 0.97, 0.02), "tiny")
