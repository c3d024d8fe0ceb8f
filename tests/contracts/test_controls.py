"""The reader of controls on both brokers: the last word on each topic, from where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from consumer.domain.control import Control
from consumer.kafka.cluster.controls import (
    CONTROLS_TOPIC,
    controls_steps,
    controls_table,
    write_control,
)
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.table import Table
from tests.records import write
from tests.stage import Broker, new_name
from tests.waiting import until


def make_controls(broker: Broker) -> None:
    """The topic as `topics apply` makes it; the tests on the real broker share it."""
    topics = Topics(broker.config())
    steps = controls_steps(topics.partitions())
    if broker.kind == "real":
        topics.apply(steps, 1, {})
    elif steps:
        broker.embedded.create_topic(CONTROLS_TOPIC, 1)


@pytest.fixture
def reader(broker: Broker) -> Iterator[Table[str, Control]]:
    make_controls(broker)
    with closing(controls_table(broker.config())) as reader:
        yield reader


def says(reader: Table[str, Control], topic: str, paused: bool) -> Callable[[], bool]:
    def look() -> bool:
        control = reader.read().get(topic)
        return control is not None and control.is_paused == paused

    return look


async def test_the_last_word_on_each_topic_counts(
    broker: Broker, reader: Table[str, Control]
) -> None:
    """What was said before the reader came is read at once, what is said later soon."""
    config, first, second = broker.config(), new_name(), new_name()
    write_control(config, Control(first, True, "a@b", "t", "why"))
    write_control(config, Control(second, True))
    write_control(config, Control(second, False))
    found: Mapping[str, Control] = reader.read()
    assert found[first] == Control(first, True, "a@b", "t", "why")
    assert not found[second].is_paused

    write_control(config, Control(first, False))
    write(broker.bootstrap_servers, CONTROLS_TOPIC, [b"no control"], key=b"x")
    write_control(config, Control(second, True))

    await until(says(reader, second, True), reader)
    assert not reader.read()[first].is_paused
    assert "x" not in reader.read()


async def test_without_the_topic_nothing_is_paused_until_there_is_one(
    embedded_broker: Broker,
) -> None:
    """No error, no topic made by looking; one that is made later is followed."""
    config, topic = embedded_broker.config(), new_name()
    with closing(controls_table(config)) as reader:
        assert reader.read() == {}
        assert CONTROLS_TOPIC not in Topics(config).partitions()
        make_controls(embedded_broker)
        write_control(config, Control(topic, True))

        await until(says(reader, topic, True), reader)


def test_a_closed_reader_closes_twice(embedded_broker: Broker) -> None:
    """A worker that fails at its start and one that stops both close it."""
    reader = controls_table(embedded_broker.config())
    reader.close()
    assert reader.read() == {}
    reader.close()
    reader.close()
