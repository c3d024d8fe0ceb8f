"""Decisions are followed where they change anything, and only there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.message import Position, Record
from consumer.domain.review import ReviewTerms
from consumer.domain.screening import MemoTerms, ScreeningTerms
from consumer.domain.verdicts.judged import Judged
from consumer.errors import BrokerUnavailable
from consumer.screening.screener import Screener
from consumer.worker.following.decisions import AT_ONCE, DecisionFollower, followed
from tests.builders import TOPIC, a_binding, a_judgement, a_message
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.saying import said_of

DECISIONS = f"{TOPIC}.decisions"
PARTITIONS = {TOPIC: 1, DECISIONS: 2, "other": 1}
TEXT = "call me"


class News:
    """Decisions as a test has them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.followed: Mapping[str, int] = {}
        self.is_away = False
        self.closed = 0

    def follow(self, partitions: Mapping[str, int]) -> None:
        self.followed = partitions

    def read(self) -> list[Record]:
        if self.is_away:
            raise BrokerUnavailable("away")
        found, self.records = self.records, []
        return found

    def close(self) -> None:
        self.closed += 1


class Scene:
    """A screener that remembers a block of `TEXT`, and its follower."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.news = News()
        self.read: list[Position] = []
        self.texts: dict[int, bytes | None] = {7: orjson.dumps({"text": TEXT})}
        self.screener = Screener(HandClock())
        self.follower = DecisionFollower(
            lambda: Catalogue((binding,)),
            lambda: PARTITIONS,
            self.news,
            self._record,
            self.screener,
        )

    def _record(self, position: Position) -> Record | None:
        self.read.append(position)
        value = self.texts.get(position.offset)
        return None if value is None else Record(position, 0, None, value)

    async def remember(self) -> None:
        found = said_of(self.screener, a_message(TEXT), self.binding)
        assert found is not None
        assert not isinstance(found, Judged)
        assert await found.elsewhere() is None
        found.heard(Judged((a_judgement("HH2"),), model="m", template="t"), "v")

    def remembers(self) -> bool:
        return self.screener.remembers(self.binding)

    def decide(self, outcome: str, offset: int = 7, topic: str = TOPIC) -> None:
        fields = {"topic": topic, "position": f"{topic}/0/{offset}", "outcome": outcome}
        place = Position(DECISIONS, 0, len(self.news.records))
        self.news.records.append(Record(place, 0, None, orjson.dumps(fields)))


def reviewed(**changes: Any) -> Binding:
    fields: dict[str, Any] = {"screening": ScreeningTerms(MemoTerms()), "review": ReviewTerms()}
    return a_binding(**fields | changes)


async def test_a_decision_against_the_model_is_heeded() -> None:
    scene = Scene(reviewed())
    await scene.remember()
    await scene.follower.look()
    assert scene.news.followed == {DECISIONS: 2}
    assert scene.remembers()
    scene.decide("block")
    await scene.follower.look()
    assert scene.remembers()
    scene.decide("allow")
    await scene.follower.look()
    assert not scene.remembers()
    scene.decide("allow")
    scene.read.clear()
    await scene.follower.look()
    assert scene.read == [], "where nothing is remembered nothing is read"


async def test_what_cannot_be_read_changes_nothing() -> None:
    """A record that is gone, that says nothing, or another input's decision on this topic."""
    scene = Scene(reviewed(patterns=(TOPIC, "other")))
    await scene.remember()
    scene.texts[8] = b"{"
    for offset, topic in ((8, TOPIC), (9, TOPIC), (7, "other")):
        scene.decide("allow", offset, topic)
    scene.news.records.append(Record(Position(DECISIONS, 0, 3), 0, None, b"{"))
    await scene.follower.look()
    assert scene.remembers()
    assert [each.offset for each in scene.read] == [8, 9]


async def test_brokers_that_are_away_are_told_of_once() -> None:
    scene = Scene(reviewed())
    scene.news.is_away = True
    with capture_logs() as logs:
        await scene.follower.look()
        await scene.follower.look()
        scene.news.is_away = False
        await scene.follower.look()
        scene.news.is_away = True
        await scene.follower.look()
    assert [each["event"] for each in logs] == ["decisions of people not looked at"] * 2


async def test_many_decisions_are_heeded_a_few_at_a_time() -> None:
    """So that the next pause or stop does not wait for a batch of a thousand."""
    scene = Scene(reviewed())
    await scene.remember()
    for _ in range(AT_ONCE):
        scene.decide("block")
    scene.decide("allow")
    await scene.follower.look()
    assert scene.remembers()
    await scene.follower.look()
    assert not scene.remembers()
    await scene.follower.close()
    assert scene.news.closed == 1


@pytest.mark.parametrize(
    ("binding", "partitions", "due"),
    [
        (reviewed(), PARTITIONS, {DECISIONS: TOPIC}),
        (reviewed(screening=ScreeningTerms(None)), PARTITIONS, {}),
        (a_binding(screening=ScreeningTerms(MemoTerms())), PARTITIONS, {}),
        (reviewed(), {TOPIC: 1}, {}),
    ],
)
def test_only_what_changes_anything_is_followed(
    binding: Binding, partitions: Mapping[str, int], due: Mapping[str, str]
) -> None:
    """Not where nobody reviews, where nothing is shared, or where the topic is missing."""
    assert followed(Catalogue((binding,)), partitions) == due


async def test_nothing_is_opened_where_nothing_is_followed() -> None:
    scene = Scene(reviewed(screening=ScreeningTerms(None)))
    scene.decide("allow")
    await scene.follower.look()
    assert len(scene.news.records) == 1
