"""Which commit is of the topic that is there now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer.domain.checkpoint import Checkpoint
from consumer.kafka.cluster import commits
from consumer.kafka.cluster.commits import is_of_this, read_commits
from consumer.kafka.config import KafkaConfig

TOPIC, ID, OLD = "chat", "newnewnew", "oldoldold"


def left(topic_id: str, offset: int) -> str:
    return Checkpoint("o", 1, 0, topic_id=topic_id[:8]).encode(offset, TOPIC)


def test_a_commit_is_of_this_topic_where_nothing_says_otherwise() -> None:
    """One without our checkpoint names no topic: only an end below it tells."""
    assert is_of_this(TOPIC, 100, left(ID, 100), ID, 100)
    assert not is_of_this(TOPIC, 101, left(ID, 101), ID, 100)
    assert not is_of_this(TOPIC, 1, left(OLD, 1), ID, 100)
    assert is_of_this(TOPIC, 1, left(OLD, 1), "", 100)
    assert is_of_this(TOPIC, 1, "", ID, 100)


MOVING = KafkaException(KafkaError(KafkaError.NOT_COORDINATOR, "not coordinator", retriable=True))
REFUSED = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED, "not allowed"))


class Group:
    """A group's commits, behind a coordinator that answers with errors first."""

    def __init__(self, *errors: KafkaException) -> None:
        self._errors = list(errors)
        self.questions = 0

    def committed(self, asked: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.questions += 1
        if self._errors:
            raise self._errors.pop(0)
        return [TopicPartition(tp.topic, tp.partition, 5) for tp in asked]

    def get_watermark_offsets(self, tp: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, 9


def read_behind(group: Group, monkeypatch: pytest.MonkeyPatch) -> dict[int, commits.Commit]:
    @contextmanager
    def reading(_of_reader: object, _what: str) -> Iterator[Group]:
        yield group

    monkeypatch.setattr(commits, "reading", reading)
    monkeypatch.setattr(commits, "AGAIN_S", 0.0)
    return read_commits(KafkaConfig("nowhere", group="g"), "g", TOPIC, 2, ID)


def test_a_coordinator_that_moves_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that have just started have none for a moment."""
    group = Group(MOVING, MOVING)
    found = read_behind(group, monkeypatch)
    assert {number: commit.offset for number, commit in found.items()} == {0: 5, 1: 5}
    assert group.questions == 3


def test_what_asking_again_does_not_mend_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(REFUSED)
    with pytest.raises(KafkaException, match="not allowed"):
        read_behind(group, monkeypatch)
    assert group.questions == 1
