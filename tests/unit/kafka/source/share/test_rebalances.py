"""Partitions are begun paused, drained before they are given back, and forgotten when lost."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest
from confluent_kafka import Consumer, TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Assigned, CommitPoint, Partition
from consumer.kafka.source.mailbox import Mailbox
from consumer.kafka.source.share import start_finder
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.share.namesakes import MadeAgain, Namesakes
from consumer.kafka.source.share.pauses import Pauses
from consumer.kafka.source.share.rebalances import Rebalances
from consumer.kafka.source.share.sent_commits import SentCommits
from consumer.kafka.source.share.share import Share
from consumer.kafka.source.share.start import Start
from consumer.kafka.source.share.start_finder import StartFinder
from consumer.kafka.source.troubles import Troubles
from consumer.telemetry.telemetry import Telemetry
from tests.unit.kafka.source.fake_client import FakeClient, Told

ZERO, ONE = Partition("in", 0), Partition("in", 1)


class Drained(Told):
    """Its listener drains for as long as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Mapping[Partition, int] = {}
        self.future: Future[Mapping[Partition, CommitPoint]] = Future()

    def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Future[Mapping[Partition, CommitPoint]]:
        self.asked = assignments
        return self.future


class Scene:
    """Every partition begins at 7; `ids` are the broker's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ids = {"in": "id"}
        self.failures: list[BrokerUnavailable] = []
        self.told, self.client, self.mailbox = Drained(), FakeClient(), Mailbox()
        troubles, holdings = Troubles(None, 1.0), Holdings()
        pauses = Pauses(holdings, lambda _: 99)
        self.commits = SentCommits(holdings, self.told, troubles)
        self.share = Share(holdings, pauses, self.commits, troubles)
        self.starts = StartFinder(
            lambda _: "earliest", self.identify, Namesakes(Telemetry()), 300.0, self.told.went_round
        )
        self.rebalances = Rebalances(
            self.share, self.starts, self.mailbox, self.told, troubles, drain_s=0.0
        )
        monkeypatch.setattr(start_finder, "starting_offsets", self.starting_offsets)
        monkeypatch.setattr(start_finder, "AGAIN_S", 0.0)

    def identify(self, topics: object) -> Mapping[str, str]:
        if self.failures:
            raise self.failures.pop()
        return self.ids

    def starting_offsets(
        self, consumer: Consumer, given: list[TopicPartition], *_: object
    ) -> Mapping[Partition, Start]:
        return {Partition(tp.topic, tp.partition): Start(7) for tp in given}

    def give(self, *partitions: Partition) -> None:
        given = [TopicPartition(*partition) for partition in partitions]
        self.rebalances.assigned(self.client.as_consumer, given)

    def revoke(self, *partitions: Partition) -> None:
        taken = [TopicPartition(*partition) for partition in partitions]
        self.rebalances.revoked(self.client.as_consumer, taken)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_what_is_given_begins_paused_with_the_topics_id(scene: Scene) -> None:
    """The listener hears of it with the number of the assignment."""
    scene.give(ZERO)
    assert scene.told.assignments == [Assigned(ZERO, 1, 7, topic_id="id")]
    assert scene.client.given == {ZERO: 7}
    assert scene.client.flowing == set()


def test_brokers_that_are_away_are_asked_again(scene: Scene) -> None:
    """But not by a worker that is about to stop."""
    scene.failures = [BrokerUnavailable("away")] * 3
    scene.give(ZERO)
    assert scene.client.given == {ZERO: 7}

    scene.starts.is_stopping = True
    scene.failures = [BrokerUnavailable("away")]
    with pytest.raises(BrokerUnavailable):
        scene.give(ONE)


def test_nothing_is_begun_on_a_topic_made_again_by_a_client_that_read_the_old_one(
    scene: Scene,
) -> None:
    """It might never read it."""
    scene.give(ZERO)
    scene.ids = {"in": "other"}
    with pytest.raises(MadeAgain):
        scene.give(ONE)
    assert scene.client.given == {ZERO: 7}


def test_what_was_drained_is_committed_before_it_is_given_back(scene: Scene) -> None:
    """And what was under way before is answered, so that the drain can commit again."""
    scene.give(ZERO, ONE)
    scene.commits.send(scene.client.as_consumer, {ZERO: CommitPoint(1, 8, "early")})
    scene.told.future.set_result({ZERO: CommitPoint(1, 9, "last")})
    scene.revoke(ZERO)

    assert scene.told.asked == {ZERO: 1}
    assert scene.client.commits == [(ZERO, 8), (ZERO, 9)]
    assert [(a.metadata, a.is_accepted) for a in scene.told.answers] == [
        ("early", False),
        ("last", True),
    ]
    assert scene.client.given == {ONE: 7}
    assert scene.share.holdings.partitions == (ONE,)


def test_the_other_partitions_commits_go_on_during_a_drain(scene: Scene) -> None:
    """Their leases would run out."""
    scene.give(ZERO, ONE)
    scene.mailbox.commit({ONE: CommitPoint(1, 8, "stays")})
    committed = scene.client.commit

    def commit(offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition] | None:
        scene.told.future.set_result({})
        return committed(offsets, asynchronous)

    scene.client.commit = commit  # type: ignore[method-assign]
    scene.revoke(ZERO)
    assert scene.client.commits == [(ONE, 8)]


def test_a_drain_that_fails_commits_nothing(scene: Scene) -> None:
    """The partitions go all the same."""
    scene.give(ZERO)
    scene.told.future.set_exception(RuntimeError("no loop"))
    scene.revoke(ZERO)
    assert scene.client.commits == []
    assert scene.share.holdings.partitions == ()


def test_what_is_begun_anew_is_lost_first_and_has_another_number(scene: Scene) -> None:
    """So that what is in flight of it moves nothing any more."""
    scene.give(ZERO, ONE)
    scene.rebalances.assign_anew(scene.client.as_consumer, [ZERO])
    assert scene.told.losses == [ZERO]
    assert [(a.partition, a.number) for a in scene.told.assignments] == [
        (ZERO, 1),
        (ONE, 1),
        (ZERO, 2),
    ]
    scene.rebalances.lose_all()
    assert scene.told.losses == [ZERO, ONE, ZERO]
    assert scene.share.holdings.partitions == ()
