"""The notes of filters on both brokers: one order for all who read, and one producer to write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
from confluent_kafka import Producer

from consumer.kafka.cluster.audits import AUDITS_TOPIC, AuditLog, AuditWriter, write_note
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.sink import writer as module
from tests.stage import Broker, new_name
from tests.waiting import until


class Reading:
    """What one worker has read, of the notes of one test alone."""

    def __init__(self, broker: Broker, mark: str) -> None:
        self.values: list[bytes] = []
        self._mark = mark.encode()
        self.is_cut = False
        self.log = AuditLog(broker.config(), self._take, self._missed)

    def _take(self, value: bytes | None) -> None:
        if value is not None and value.startswith(self._mark):
            self.values.append(value)

    def _missed(self) -> None:
        self.is_cut = True

    def has(self, values: Sequence[bytes]) -> Callable[[], bool]:
        def look() -> bool:
            assert self.log.read()
            return self.values == list(values)

        return look


def notes(mark: str, first: int, count: int) -> list[bytes]:
    return [f"{mark} {number}".encode() for number in range(first, first + count)]


@pytest.fixture
def mark(broker: Broker) -> str:
    broker.make_audits()
    return f"{new_name()}:"


async def test_all_read_the_same_notes_in_the_same_order(broker: Broker, mark: str) -> None:
    """From the beginning, whenever they come, and what is noted later soon."""
    config = broker.config()
    early = Reading(broker, mark)
    with closing(AuditWriter(config)) as one, closing(AuditWriter(config)) as other:
        for at in range(0, 40, 10):
            store = one if at % 20 else other
            found = await asyncio.to_thread(store.write, notes(mark, at, 10))
            assert found == [None] * 10
    with closing(early.log):
        await until(early.has(notes(mark, 0, 40)), early.log)
        late = Reading(broker, mark)
        with closing(late.log):
            assert late.log.read()
            assert late.values == early.values
            assert await asyncio.to_thread(write_note, config, notes(mark, 40, 1)[0]) is None
            for reading in (early, late):
                await until(reading.has(notes(mark, 0, 41)), reading.log)


async def test_one_producer_writes_until_it_fails(
    broker: Broker, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fault another one is made: the last may still hold what it did not store."""
    made: list[Producer] = []

    def make(properties: dict[str, object]) -> Producer:
        made.append(Producer(properties))
        return made[-1]

    monkeypatch.setattr(module, "Producer", make)
    with closing(AuditWriter(broker.config())) as store:
        for at in range(3):
            assert await asyncio.to_thread(store.write, notes(mark, at, 1)) == [None]
        assert len(made) == 1
        too_large = [mark.encode() + b"x" * 2_000_000]
        (fault,) = await asyncio.to_thread(store.write, too_large)
        assert fault is not None
        assert await asyncio.to_thread(store.write, notes(mark, 3, 1)) == [None]
        assert len(made) == 2
    reading = Reading(broker, mark)
    with closing(reading.log):
        await until(reading.has(notes(mark, 0, 4)), reading.log)


async def test_without_the_topic_there_is_nothing_to_read_or_write_until_there_is(
    embedded_broker: Broker,
) -> None:
    """And nobody makes it by looking: `safeguard topics apply` does."""
    reading = Reading(embedded_broker, "")
    config = embedded_broker.config(message_timeout_s=1.0)
    with closing(reading.log), closing(AuditWriter(config)) as store:
        assert not await asyncio.to_thread(reading.log.read)
        (fault,) = await asyncio.to_thread(store.write, notes("", 0, 1))
        assert fault is not None
        assert AUDITS_TOPIC not in Topics(config).partitions()
        embedded_broker.make_audits()
        await until(lambda: store.write(notes("", 1, 1)) == [None], store)
        await until(lambda: reading.log.read() and len(reading.values) == 1, reading.log)
        assert reading.values == notes("", 1, 1)
