"""What every broker must do for the sink: store in order, report, and never store twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from consumer.interfaces import Publication, Report
from consumer.kafka.config import KafkaConfig
from consumer.kafka.sink import KafkaSink
from consumer.kafka.tail import TailReader
from consumer.telemetry.metrics import Metrics
from tests.records import read_all, write
from tests.stage import Broker
from tests.waiting import until


class Ticket:
    """A ticket with a number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_live = True


class Listener:
    """Notes the reports."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.too_large: list[int] = []
        self.failures: list[Exception] = []

    def reported(self, reports: Sequence[Report]) -> None:
        for ticket, is_stored in reports:
            assert isinstance(ticket, Ticket)
            (self.stored if is_stored else self.too_large).append(ticket.number)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


@asynccontextmanager
async def running(config: KafkaConfig) -> AsyncIterator[tuple[KafkaSink, Listener, Metrics]]:
    metrics, listener = Metrics(), Listener()
    sink = KafkaSink(config, config.group, TailReader(config), metrics)
    sink.start(listener, {})
    try:
        yield sink, listener, metrics
    finally:
        await sink.close(10.0)
    assert not listener.failures


def publication(topic: str, number: int, group: str, value: bytes | None = b"v") -> Publication:
    headers = (
        ("safeguard-position", b"in/0/%d" % number),
        ("safeguard-group", group.encode()),
    )
    return Publication(topic, 0, b"k%d" % number, value, headers)


async def test_publications_are_stored_in_order_with_their_headers(broker: Broker) -> None:
    """Key, value and headers lie on the partition named, in the order they were sent."""
    topic, config = broker.topic(), broker.config()
    async with running(config) as (sink, listener, _):
        for number in range(200):
            sink.send(publication(topic, number, config.group), Ticket(number))
        await until(lambda: len(listener.stored) == 200, "all reports")

    found = read_all(broker.bootstrap_servers, [topic])
    assert [record.key for record in found] == [b"k%d" % number for number in range(200)]
    assert found[7].header("safeguard-position") == "in/0/7"
    assert listener.stored == list(range(200))


async def test_what_is_too_large_is_reported_and_the_rest_goes_on(broker: Broker) -> None:
    """Too large is an answer for one publication, not a failure of the sink."""
    topic = broker.topic()
    config = broker.config(message_bytes_max=10_000)
    async with running(config) as (sink, listener, _):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        sink.send(publication(topic, 1, config.group, b"x" * 20_000), Ticket(1))
        sink.send(publication(topic, 2, config.group), Ticket(2))
        await until(lambda: len(listener.stored) == 2 and listener.too_large, "three reports")

    assert listener.too_large == [1]
    assert len(read_all(broker.bootstrap_servers, [topic])) == 2


async def test_a_tail_names_the_positions_of_its_own_group_alone(broker: Broker) -> None:
    """Another group's verdicts, superseding ones and foreign records are no proof of ours."""
    topic, config = broker.topic(), broker.config()
    tail = TailReader(config)
    assert tail.positions(topic, 0, 0, "mine") == set()

    def headers(number: int, group: bytes, *more: tuple[str, bytes]) -> list[tuple[str, bytes]]:
        return [("safeguard-position", b"in/0/%d" % number), ("safeguard-group", group), *more]

    write(broker.bootstrap_servers, topic, [b"v"], headers=headers(1, b"mine"))
    write(broker.bootstrap_servers, topic, [b"v"], headers=headers(2, b"other"))
    write(
        broker.bootstrap_servers,
        topic,
        [b"v"],
        headers=headers(3, b"mine", ("safeguard-supersedes", b"x")),
    )
    write(broker.bootstrap_servers, topic, [b"v"])
    write(broker.bootstrap_servers, topic, [b"v"], headers=headers(5, b"mine"))

    assert tail.positions(topic, 0, 0, "mine") == {"in/0/1", "in/0/5"}
    assert tail.positions(topic, 0, 1, "mine") == {"in/0/5"}
    assert tail.ends([(topic, 0)]) == {(topic, 0): 5}


@pytest.mark.parametrize("is_live", [True, False])
async def test_after_an_outage_each_is_stored_once_and_in_order(
    embedded_broker: Broker, is_live: bool
) -> None:
    """Timed-out publications are looked for and sent again in order; those not live are not."""
    broker = embedded_broker
    topic = broker.topic()
    config = broker.config(message_timeout_s=1.0)
    embedded = broker.embedded
    async with running(config) as (sink, listener, metrics):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        await until(lambda: listener.stored == [0], "the first report")
        embedded.set_broker_down()
        tickets = [Ticket(number) for number in range(1, 30)]
        for ticket in tickets:
            sink.send(publication(topic, ticket.number, config.group), ticket)
        await until(lambda: "repairing" in repr(sink), "the first time-out")
        late = Ticket(30)
        sink.send(publication(topic, 30, config.group), late)
        for ticket in tickets[::2]:
            ticket.is_live = is_live
        embedded.set_broker_up()
        expected = [0, *(t.number for t in tickets if t.is_live), 30]
        await until(lambda: sorted(listener.stored) == expected, "all reports")
        repeats = metrics.publish_repeats._value.get()

    positions = [
        r.header("safeguard-position") for r in read_all(broker.bootstrap_servers, [topic])
    ]
    assert positions == [f"in/0/{number}" for number in expected]
    assert repeats > 0
