"""A person allows what the model flagged: then the model is asked about such a text anew."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest

from consumer.dev.safeguard.server import StandInSafeguard
from tests.journeys.reviewing import PATIENCE_S, ReviewScene
from tests.journeys.worker import finished, settings_for, working
from tests.stage import Broker
from tests.waiting import until

TEXT = "a doubtful thing"


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_what_a_person_overturns_is_not_shared_any_more(
    real_broker: Broker, tmp_path: Path
) -> None:
    """The worker hears of it by the topic of decisions, and needs neither store nor reload."""
    scene = ReviewScene(real_broker, tmp_path, f"sqlite:///{tmp_path / 'review.sqlite'}")
    numbers = count()

    async with StandInSafeguard() as server:
        changes = {"kafka.group": scene.group, "kafka.topics_refresh_s": "1"}
        settings = settings_for(real_broker, server.base_url, scene.policies, changes)
        async with working(settings, 2) as worker:

            async def said_again() -> str:
                """The same text once more; what its verdict rests on."""
                number = next(numbers)
                scene.say(number, TEXT)
                await finished(worker, number + 1)
                found = (
                    r
                    for r in scene.on(".flag")
                    if r.header("safeguard-message-id") == f"m-{number}"
                )
                return next(found).header("safeguard-cause") or ""

            assert [await said_again() for _ in range(3)] == ["model", "memo", "memo"]
            with scene.feed():
                await scene.until_open(3)
                case = (await asyncio.to_thread(scene.next, "ann"))["case"]
                await asyncio.to_thread(scene.decide, "ann", case, "--outcome", "allow")
                await until(lambda: scene.on(".decisions"), "the decision", PATIENCE_S)
            for _ in range(60):
                if await said_again() == "model":
                    break
                await asyncio.sleep(0.5)
            else:
                pytest.fail("the memo went on sharing what a person had overturned")
            assert await said_again() == "memo", "the new answer is remembered like any other"
