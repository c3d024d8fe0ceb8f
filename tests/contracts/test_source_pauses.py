"""A partition that has nowhere to go is not resumed, whoever thinks otherwise."""

from __future__ import annotations

import pytest

from consumer.interfaces import Partition
from consumer.kafka.source.source import KafkaSource
from consumer.telemetry.telemetry import Telemetry
from tests.contracts.test_source import Listener
from tests.records import write
from tests.stage import Broker
from tests.waiting import until


@pytest.mark.parametrize("outputs_first", [True, False])
async def test_what_has_nowhere_to_go_waits_for_its_outputs(
    broker: Broker, outputs_first: bool
) -> None:
    """It flows once the outputs have grown and the listener has resumed it, in either order."""
    held, other = broker.topic(), broker.topic()
    widths = {held: 0, other: 1}
    write(broker.bootstrap_servers, held, [b"held"])
    source = KafkaSource(
        broker.config(),
        [held, other],
        lambda _: "earliest",
        widths.__getitem__,
        lambda _: {},
        Telemetry(),
        drain_s=5.0,
    )
    listener = Listener()
    source.give_credits(100)
    source.start(listener)

    def grow() -> None:
        widths[held] = 1
        source.look_again()

    def resume() -> None:
        source.resume(listener.numbered(Partition(held, 0)))

    try:
        await until(lambda: len(listener.owned) == 2, "both partitions")
        source.resume(listener.numbered(Partition(other, 0)))
        first, second = (grow, resume) if outputs_first else (resume, grow)
        first()
        for _ in range(2):
            count = len(listener.records)
            write(broker.bootstrap_servers, other, [b"other"])
            await until(lambda count=count: len(listener.records) > count, "the other topic")  # type: ignore[misc]
        assert b"held" not in listener.values

        second()
        await until(lambda: b"held" in listener.values, "the topic whose outputs have grown")
    finally:
        await source.close()
    assert not listener.failures
