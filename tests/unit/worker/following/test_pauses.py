"""Pauses are followed: what an operator says holds, and each change is said once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from structlog.testing import capture_logs

from consumer.domain.control import Control
from consumer.errors import BrokerUnavailable
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.pauses import PauseFollower
from tests.waiting import until

PAUSED = {"chat": Control("chat", True, by="me"), "other": Control("other", True)}


class Scene:
    """A follower of an input `chat`, and what the pipeline is told."""

    def __init__(self) -> None:
        self.said: Mapping[str, Control] | None = {}
        self.reads = 0
        self.told: frozenset[str] = frozenset()
        self.telemetry = Telemetry()
        self.follower = PauseFollower(self.read, lambda: ["chat"], self.tell, self.telemetry, 0.0)

    def read(self) -> Mapping[str, Control]:
        self.reads += 1
        if self.said is None:
            raise BrokerUnavailable("away")
        return self.said

    def tell(self, topics: frozenset[str]) -> None:
        self.told = topics

    @property
    def gauge(self) -> float | None:
        return self.telemetry.metrics.registry.get_sample_value("safeguard_topics_paused")


def test_each_change_of_an_input_is_said_once() -> None:
    """The pipeline is told of topics that are no inputs yet, too; nobody else needs to know."""
    scene = Scene()
    with capture_logs() as logs:
        for controls in (PAUSED, PAUSED, {}, {}):
            scene.follower.heed(controls)
            assert scene.told == frozenset(controls)
            assert scene.gauge == len(scene.follower.paused) == (1 if controls else 0)
    assert [(line["event"], line["topic"], line["by"]) for line in logs] == [
        ("topic paused", "chat", "me"),
        ("topic resumed", "chat", ""),
    ]


async def test_while_nothing_can_be_read_the_last_word_holds() -> None:
    scene = Scene()
    scene.said = PAUSED
    following = asyncio.create_task(scene.follower.run())
    await until(lambda: scene.follower.paused == {"chat"}, "the pause")
    with capture_logs() as logs:
        scene.said = None
        reads = scene.reads
        await until(lambda: scene.reads > reads + 1, "two reads that fail")
        assert scene.follower.paused == {"chat"}
        scene.said = {}
        await until(lambda: not scene.follower.paused, "the end of the pause")
    following.cancel()
    assert "pauses not looked at" in [line["event"] for line in logs]
