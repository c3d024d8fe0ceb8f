"""Records that a command must store: what is said of each when a batch of them is refused."""

from __future__ import annotations

import asyncio
import os

import pytest

from consumer.kafka.sink.writer import TopicWriter
from tests.contracts.test_sink import alter, publication
from tests.records import read_all
from tests.stage import Broker


@pytest.mark.kafka
async def test_of_a_refused_batch_only_what_is_refused_alone_is_at_fault(
    real_broker: Broker,
) -> None:
    """The topic takes less than the client sends at once: the others are stored all the same."""
    topic = real_broker.topic()
    alter(real_broker, topic, "max.message.bytes", "5000")
    config = real_broker.config(linger_ms=100.0, message_timeout_s=10.0)
    large = 7
    records = [
        publication(topic, number, config.group, os.urandom(8_000 if number == large else 300))
        for number in range(30)
    ]
    faults = await asyncio.to_thread(TopicWriter(config).write, records)

    assert [number for number, fault in enumerate(faults) if fault is not None] == [large]
    stored = {record.key for record in read_all(real_broker.bootstrap_servers, [topic])}
    assert stored == {record.key for record in records} - {records[large].key}
