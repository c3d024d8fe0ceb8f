"""A scan goes on until it has seen the end of every span, however the records come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import TopicPartition

from consumer.errors import BrokerUnavailable
from consumer.interfaces import Output
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader import reader
from consumer.kafka.reader.reader import Span, TopicReader


class Message:
    def __init__(self, partition: int, offset: int) -> None:
        self._at = (partition, offset)

    def topic(self) -> str:
        return "in"

    def partition(self) -> int:
        return self._at[0]

    def offset(self) -> int:
        return self._at[1]

    def error(self) -> None:
        return None

    def headers(self) -> None:
        return None

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes:
        return b"v"

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_000


class FakeConsumer:
    """Answers each poll with what the test says, and then with nothing for ever."""

    def __init__(self, polls: Sequence[Sequence[Message]]) -> None:
        self._polls: Iterator[Sequence[Message]] = iter(polls)
        self.paused: list[int] = []

    def assign(self, _: object) -> None: ...

    def consume(self, _count: int, _seconds: float) -> Sequence[Message]:
        return next(self._polls, [])

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused += [tp.partition for tp in partitions]

    def close(self) -> None: ...


def scanned(
    monkeypatch: pytest.MonkeyPatch, polls: Sequence[Sequence[Message]], stall_s: float = 30
) -> list[tuple[int, int]]:
    consumer = FakeConsumer(polls)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "Consumer", lambda _: consumer)
        topics = TopicReader(KafkaConfig("nowhere", group="g"), stall_s)
        batches = topics.records([Span("in", 0, 0, 4), Span("in", 1, 0, 1)])
        return [tuple(record.position[1:]) for batch in batches for record in batch]  # type: ignore[misc]


def test_every_batch_is_handed_on_whether_or_not_it_ends_a_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first of a large topic ends none; and an empty poll between two ends nothing."""
    polls = [
        [Message(0, 0), Message(0, 1)],
        [],
        [Message(1, 0)],
        [],
        [Message(0, 2), Message(0, 3), Message(0, 4)],
    ]

    assert scanned(monkeypatch, polls) == [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3)]


def test_only_a_scan_that_stands_still_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is said, and never taken for the end."""
    with pytest.raises(BrokerUnavailable, match="no progress"):
        scanned(monkeypatch, [[Message(0, 0)]], stall_s=0)


class FakeAdmin:
    """One topic with two partitions, whose ends are as the test says."""

    def __init__(self, *ends: int) -> None:
        self._ends = ends

    def __enter__(self) -> FakeAdmin:
        return self

    def __exit__(self, *_: object) -> None: ...

    def list_topics(self, timeout: float) -> SimpleNamespace:
        topic = SimpleNamespace(partitions=dict.fromkeys(range(len(self._ends))), error=None)
        return SimpleNamespace(topics={"out": topic})

    def list_offsets(
        self, asked: dict[TopicPartition, object], **_: object
    ) -> dict[TopicPartition, Future[SimpleNamespace]]:
        found = {}
        for tp in asked:
            found[tp] = Future[SimpleNamespace]()
            found[tp].set_result(SimpleNamespace(offset=self._ends[tp.partition]))
        return found


def ends_of(monkeypatch: pytest.MonkeyPatch, *ends: int) -> dict[Output, int]:
    monkeypatch.setattr(reader, "AdminClient", lambda _: FakeAdmin(*ends))
    wanted = [Output("out", number) for number in (0, 1, 2)]
    return TopicReader(KafkaConfig("nowhere", group="g")).ends([*wanted, Output("other", 0)])


def test_the_end_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends_of(monkeypatch, 5, 0) == {Output("out", 0): 5, Output("out", 1): 0}


def test_a_leader_that_does_not_answer_leaves_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client then says -1001 and names no error; nothing of what lies there would be found."""
    with pytest.raises(BrokerUnavailable, match="no leader answers for out"):
        ends_of(monkeypatch, 5, -1001)
