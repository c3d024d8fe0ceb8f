"""Every commit is answered once; none goes back, and none is of what is not owned."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, TopicPartition

from consumer.interfaces import CommitPoint, Partition
from consumer.kafka.client_errors import read
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.share.sent_commits import SentCommits
from consumer.kafka.source.troubles import Troubles
from tests.unit.kafka.source.fake_client import FakeClient, Told

ZERO, ONE = Partition("in", 0), Partition("in", 1)


class Scene:
    """The first partition is ours from offset 5 on, under its second assignment."""

    def __init__(self) -> None:
        self.holdings, self.told, self.client = Holdings(), Told(), FakeClient()
        self.troubles = Troubles(None, 1.0)
        self.commits = SentCommits(self.holdings, self.told, self.troubles)
        self.holdings.take(ZERO)
        self.holdings.take(ZERO)
        self.commits.begin(ZERO, 5)

    def send(
        self, offset: int, number: int = 2, of: Partition = ZERO, *, waits: bool = False
    ) -> None:
        points = {of: CommitPoint(number, offset, f"m{offset}")}
        self.commits.send(self.client.as_consumer, points, waits=waits)

    def answer(self, offset: int, error: int | None = None) -> None:
        tp = TopicPartition(*ZERO, offset, f"m{offset}")
        self.commits.answered(None if error is None else KafkaError(error), [tp])

    @property
    def answers(self) -> list[tuple[str, bool]]:
        return [(each.metadata, each.is_accepted) for each in self.told.answers]


def test_what_the_broker_says_is_passed_on_once() -> None:
    """A second answer for the same commit is nobody's."""
    scene = Scene()
    scene.send(5)
    assert scene.client.commits == [(ZERO, 5)]
    assert scene.answers == []
    scene.answer(5)
    scene.answer(5, KafkaError._TIMED_OUT)
    assert scene.answers == [("m5", True)]


@pytest.mark.parametrize(
    ("offset", "number", "of"), [(4, 2, ZERO), (9, 1, ZERO), (9, 3, ZERO), (9, 1, ONE)]
)
def test_what_may_not_be_sent_is_refused_at_once(offset: int, number: int, of: Partition) -> None:
    """Behind the last commit, of an assignment that has ended, or of somebody else's partition."""
    scene = Scene()
    scene.send(offset, number, of)
    assert scene.client.commits == []
    assert scene.answers == [(f"m{offset}", False)]


def test_none_goes_behind_one_that_was_sent_before() -> None:
    """Accepted or not: it may have arrived."""
    scene = Scene()
    scene.send(7)
    scene.answer(7, KafkaError._TIMED_OUT)
    scene.send(6)
    scene.send(7)
    assert [offset for _, offset in scene.client.commits] == [7, 7]
    assert scene.answers == [("m7", False), ("m6", False)]


def test_one_that_is_waited_for_has_its_answer_at_the_end() -> None:
    """So has one that the client does not even send."""
    scene = Scene()
    scene.send(6, waits=True)
    scene.client.refusal = KafkaError._STATE
    scene.send(8)
    assert scene.answers == [("m6", True), ("m8", False)]


def test_those_that_are_given_up_are_refused_and_later_answers_dropped() -> None:
    """A revocation would wait for them in vain."""
    scene = Scene()
    scene.send(6)
    scene.commits.give_up()
    scene.answer(6)
    assert scene.answers == [("m6", False)]


def test_a_refusal_for_good_is_kept_for_the_next_round() -> None:
    """Nothing can be raised inside of a call of the client."""
    scene = Scene()
    scene.send(6)
    scene.answer(6, KafkaError.FENCED_INSTANCE_ID)
    end = scene.troubles.end(0.0)
    assert end is not None
    assert end.code == KafkaError.FENCED_INSTANCE_ID


def test_an_answer_that_comes_late_is_no_sign_of_a_broker() -> None:
    """It may have lain in the client since before all went away, which is said once."""
    scene = Scene()
    scene.send(7)
    away = read(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    scene.troubles.heard(away, None, 0.0)
    scene.answer(7)
    assert scene.answers == [("m7", True)]
    assert scene.troubles.are_brokers_away
