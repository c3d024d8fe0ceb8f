"""One broker fixture, two brokers behind it: what holds for one must hold for the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import pytest

from consumer.dev.broker import EmbeddedBroker
from consumer.kafka.cluster.audits import AUDITS_TOPIC
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from tests.brokers.kafka import RealKafka

_names = itertools.count()


def new_name() -> str:
    """A name that no other test of the session uses."""
    return f"n{next(_names)}"


class Broker(NamedTuple):
    """A broker to test against."""

    kind: str
    bootstrap_servers: str
    creator: Creator

    @property
    def embedded(self) -> EmbeddedBroker:
        assert isinstance(self.creator, _Embedded)
        return self.creator.broker

    def topic(self, partitions: int = 1, suffix: str = "") -> str:
        """A new topic of this test's own."""
        name = f"t{next(_names)}{suffix}"
        self.creator.create_topics({name: partitions})
        return name

    def moderated(
        self, partitions: int = 1, outputs: int | None = None, *, large: bool = False
    ) -> str:
        """A new input topic with its four outputs; a `large` input takes records of 12 MB."""
        name = f"in{next(_names)}"
        width = partitions if outputs is None else outputs
        if large:
            assert isinstance(self.creator, RealKafka)
            limits = {"max.message.bytes": "12000000"}
            self.creator.create_topics({name: partitions}, limits)
        else:
            self.creator.create_topics({name: partitions})
        self.creator.create_topics(
            {name + end: width for end in (".allow", ".flag", ".block", ".dead-letter")}
        )
        return name

    def make_audits(self) -> None:
        """The topic of notes on filters, which the tests of the session's real broker share."""
        if AUDITS_TOPIC not in Topics(self.config()).partitions():
            self.creator.create_topics({AUDITS_TOPIC: 1})

    def config(self, **changes: object) -> KafkaConfig:
        client = {"log_level": "0"}
        if changes.get("group_protocol") != "consumer":
            # The embedded broker notices a member that left at the others' next heartbeat.
            client["heartbeat.interval.ms"] = "300"
        base = KafkaConfig(
            self.bootstrap_servers,
            group=f"g{next(_names)}",
            session_timeout_s=6.0,
            message_timeout_s=2.0,
            request_timeout_s=1.5,
            client=client,
        )
        return base._replace(**changes)  # type: ignore[arg-type]


class Creator(Protocol):
    def create_topics(self, topics: Mapping[str, int]) -> None: ...


class _Embedded:
    def __init__(self, broker: EmbeddedBroker) -> None:
        self.broker = broker

    def create_topics(self, topics: Mapping[str, int]) -> None:
        for name, partitions in topics.items():
            self.broker.create_topic(name, partitions)


def embedded_of(broker: EmbeddedBroker) -> Broker:
    """An embedded broker of the test's own making."""
    return Broker("embedded", broker.bootstrap_servers, _Embedded(broker))


@pytest.fixture
def embedded_broker() -> Iterator[Broker]:
    """The embedded broker, fresh for each test: for faults that a real one has not on demand."""
    with EmbeddedBroker({}) as embedded:
        yield embedded_of(embedded)


@pytest.fixture
def real_broker(real_kafka: RealKafka) -> Broker:
    """The session's real broker: for what the embedded one lacks (listed in dev/broker.py)."""
    return Broker("real", real_kafka.bootstrap_servers, real_kafka)


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Either of them: what holds for one must hold for the other."""
    found = request.getfixturevalue(f"{request.param}_broker")
    assert isinstance(found, Broker)
    return found
