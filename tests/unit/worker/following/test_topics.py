"""Topics are followed: new ones are taken, those made again are said, faults end nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.domain.checkpoint import Floor
from consumer.errors import BrokerUnavailable, TopicsMissing
from consumer.interfaces import Output
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following import topics
from consumer.worker.following.topics import TopicFollower
from tests.waiting import until

ALLOW = Output("chat.allow", 0)


class Scene:
    """Inputs that change as told, and what source and sink hear of it."""

    def __init__(self) -> None:
        self.topics, self.ids = ["chat"], {"chat": "1"}
        self.looks = 0
        self.fault: Exception | None = None
        self.made_again: list[str] = []
        self.doubts = asyncio.Event()
        self.subscribed: list[list[str]] = []
        self.seen_ids: list[dict[str, str]] = []
        self.bytes_max: dict[str, int] = {"chat.allow": 1_000}
        self.limits: list[dict[str, int]] = []
        self.telemetry = Telemetry()

    def look(self) -> dict[Output, Floor]:
        self.looks += 1
        if self.fault is not None:
            raise self.fault
        if self.looks == 3:
            self.topics = ["chat", "posts"]
        return {ALLOW: Floor(7)}

    def add_outputs(self, ends: dict[Output, Floor]) -> list[str]:
        assert ends == {ALLOW: Floor(7)}
        return self.made_again

    def heed_limits(self, limits: dict[str, int]) -> None:
        self.limits.append(dict(limits))

    def begin_again(self, ids: dict[str, str]) -> None:
        self.seen_ids.append(ids)

    def subscribe(self, topics: list[str]) -> None:
        self.subscribed.append(topics)

    def look_again(self) -> None:
        """Nothing is stranded here."""

    def follow(self, refresh_s: float) -> asyncio.Task[None]:
        all_of_them: Any = self
        follower = TopicFollower(all_of_them, all_of_them, all_of_them, self.telemetry, refresh_s)
        return asyncio.create_task(follower.run())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "DOUBT_S", 0.0)


async def test_the_sink_hears_what_each_topic_takes_at_every_look() -> None:
    """So that batches that were made smaller may grow again."""
    scene = Scene()
    following = scene.follow(0.0)
    await until(lambda: scene.looks > 2, "some looks")
    scene.bytes_max["chat.allow"] = 2_000
    await until(lambda: {"chat.allow": 2_000} in scene.limits, "the limit of now")
    following.cancel()
    assert scene.limits[0] == {"chat.allow": 1_000}


async def test_new_topics_are_subscribed_to_once() -> None:
    scene = Scene()
    following = scene.follow(0.0)
    await until(lambda: scene.looks > 5, "some looks")
    following.cancel()
    assert scene.subscribed == [["chat", "posts"]]
    assert scene.seen_ids[0] == {"chat": "1"}


async def test_an_output_that_was_made_again_is_said_and_counted() -> None:
    scene = Scene()
    scene.made_again = ["chat.allow"]
    with capture_logs() as logs:
        following = scene.follow(0.0)
        await until(lambda: len(scene.seen_ids) > 0, "a look")
        following.cancel()
    assert logs[0]["topic"] == "chat.allow"
    counted = scene.telemetry.metrics.topics_made_again.labels("chat.allow")._value.get()
    assert counted == sum("made again" in line["event"] for line in logs) > 0


@pytest.mark.parametrize("fault", [BrokerUnavailable("away"), TopicsMissing("gone")])
async def test_what_cannot_be_looked_at_now_stays_as_it_was(fault: Exception) -> None:
    scene = Scene()
    scene.fault = fault
    with capture_logs() as logs:
        following = scene.follow(0.0)
        await until(lambda: scene.looks > 1, "two looks")
        scene.fault = None
        await until(lambda: len(scene.seen_ids) > 0, "a look that works")
        following.cancel()
    assert logs[0]["event"] == "topics not looked at"


async def test_a_doubt_of_the_source_is_followed_up_at_once() -> None:
    """However long it is until the next look."""
    scene = Scene()

    def has_looked_twice() -> bool:
        scene.doubts.set()
        return scene.looks > 1

    following = scene.follow(3_600.0)
    await until(has_looked_twice, "two looks")
    following.cancel()
