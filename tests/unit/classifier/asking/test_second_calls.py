"""A second call's answer is the endpoint's that gave it: its verdict, and its faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from consumer.errors import InferenceTimeout
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.pacing.hedge import Hedging
from consumer.inference.transports.reply import Reply
from tests.builders import a_version
from tests.unit.classifier.asking.test_endings import in_turn, policy_at
from tests.unit.classifier.test_judge import Scripted, World, answer_to, ended, is_probe
from tests.unit.inference.fleet.test_fleet import learned

LIMIT_S = 20.0


def two_servers(slow: Scripted, other: Scripted) -> tuple[World, Endpoint, Endpoint]:
    """Two endpoints, with a second call for what takes long at the first of them."""
    world = World(slow, other)
    world.fleet.calls.hedging = learned(Hedging(0.95, 0.05))
    first, second = world.fleet.endpoints
    second.format = replace(second.format, model="another-model")
    return world, first, second


async def hangs(asked: dict[str, Any], timeout_s: float) -> bytes:
    if not is_probe(asked):
        await asyncio.Event().wait()
    return answer_to(asked)


async def test_a_verdict_names_the_endpoint_that_answered() -> None:
    """And its model: the one that was asked first has said nothing."""
    world, first, second = two_servers(Scripted(hangs), in_turn())
    version = a_version(policy_at(world, first))

    judged = await asyncio.wait_for(world.judge(version=version), LIMIT_S)

    assert ended(judged) == "HH2"
    assert (judged.endpoint, judged.model) == (second.name, "another-model")


async def test_a_fault_of_the_second_call_is_blamed_on_its_endpoint() -> None:
    """What the second answers says nothing about the first, which is the one that judges."""
    calls: list[bool] = []

    async def slow_once(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            return answer_to(asked)
        calls.append(True)
        if len(calls) == 1:
            await asyncio.sleep(0.2)
            raise InferenceTimeout
        return answer_to(asked)

    async def broken(asked: dict[str, Any], timeout_s: float) -> Reply:
        return Reply(400, {}, b'{"error":{"message":"who knows"}}')

    world, first, second = two_servers(Scripted(slow_once), Scripted(broken))
    version = a_version(policy_at(world, first))

    judged = await asyncio.wait_for(world.judge(version=version), LIMIT_S)

    assert ended(judged) == "HH2"
    assert second.breaker.is_open
    assert not first.breaker.is_open
    await second.close()
