"""Paused topics at the source: assigned paused, and never resumed against another reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from consumer.interfaces import Partition
from consumer.kafka.source import KafkaSource
from consumer.telemetry.metrics import Metrics
from tests.contracts.test_source import Listener
from tests.records import write
from tests.stage import Broker
from tests.waiting import until


@asynccontextmanager
async def two_topics(
    broker: Broker, held: str, other: str, widths: dict[str, int]
) -> AsyncIterator[tuple[KafkaSource, Listener]]:
    """A source that owns both topics, of which one is paused from before its start."""
    source = KafkaSource(
        broker.config(),
        [held, other],
        lambda _: "earliest",
        lambda topic: widths.get(topic, 1),
        Metrics(),
        drain_s=5.0,
    )
    listener = Listener()
    source.paused_topics = frozenset({held})
    # Credits from before the assignment: the poll that assigns could bring records at once.
    source.give_credits(100)
    source.start(listener)
    try:
        await until(lambda: len(listener.owned) == 2, "both partitions")
        yield source, listener
    finally:
        await source.close()
    assert not listener.failures


async def flows(broker: Broker, listener: Listener, other: str) -> None:
    """Wait for two more records of the other topic, so that the source has gone round twice."""
    for _ in range(2):
        count = len(listener.records)
        write(broker.bootstrap_servers, other, [b"other"])
        await until(lambda count=count: len(listener.records) > count, "the other topic")  # type: ignore[misc]


async def test_a_paused_topic_is_assigned_paused(broker: Broker) -> None:
    """Not one record of it is taken, with credits at hand, until it is resumed."""
    held, other = broker.topic(), broker.topic()
    write(broker.bootstrap_servers, held, [b"held"] * 5)
    async with two_topics(broker, held, other, {}) as (source, listener):
        await flows(broker, listener, other)
        assert b"held" not in listener.values

        source.paused_topics = frozenset()
        source.resume([Partition(held, 0)])
        await until(lambda: listener.values.count(b"held") == 5, "the resumed topic")


@pytest.mark.parametrize("outputs_first", [True, False])
async def test_what_has_nowhere_to_go_is_not_resumed(broker: Broker, outputs_first: bool) -> None:
    """A stranded partition waits for its outputs and for the operator, in either order."""
    held, other = broker.topic(), broker.topic()
    widths = {held: 0}
    write(broker.bootstrap_servers, held, [b"held"] * 5)
    async with two_topics(broker, held, other, widths) as (source, listener):

        def resume() -> None:
            source.paused_topics = frozenset()
            source.resume([Partition(held, 0)])

        def grow() -> None:
            widths[held] = 1
            source.look_again()

        first, second = (grow, resume) if outputs_first else (resume, grow)
        first()
        await flows(broker, listener, other)
        assert b"held" not in listener.values

        second()
        await until(lambda: listener.values.count(b"held") == 5, "the topic")
