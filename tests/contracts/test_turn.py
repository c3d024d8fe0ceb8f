"""Whose turn it is: one run at a time works on an input, however many are started at once."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from consumer.kafka.cluster.turn import Turn, TurnLost
from tests.stage import Broker
from tests.waiting import until


@pytest.mark.kafka
async def test_a_second_run_waits_until_the_first_has_ended(real_broker: Broker) -> None:
    """It says so once, and has the turn soon after."""
    topic, config = real_broker.topic(partitions=3), real_broker.config()
    first, second = Turn(config, topic, 3), Turn(config, topic, 3)
    told: list[str] = []
    await asyncio.to_thread(first.take, told.append)
    waiting = asyncio.create_task(asyncio.to_thread(second.take, told.append))
    try:
        with first.held():
            pass
        await until(lambda: told, "the word that it waits")
        assert not waiting.done()
    finally:
        await asyncio.to_thread(first.close)
    with pytest.raises(TurnLost), first.held():
        pass
    await waiting
    with second.held():
        pass
    await asyncio.to_thread(second.close)


@pytest.mark.kafka
@pytest.mark.parametrize("partitions", [1, 4])
async def test_of_runs_that_start_at_once_one_works_at_a_time(
    real_broker: Broker, partitions: int
) -> None:
    """However often: what was read at the beginning of a turn holds while something is stored."""
    topic, config = real_broker.topic(partitions=partitions), real_broker.config()
    log = Log()
    runs = [asyncio.to_thread(work, Turn(config, topic, partitions), log) for _ in range(4)]
    await asyncio.gather(*runs)

    assert log.entries == list(range(4 * STEPS))


async def test_a_lone_run_has_its_turn_at_once(broker: Broker) -> None:
    """And has it no longer once it has given it up."""
    topic, config = broker.topic(partitions=2), broker.config()
    turn = Turn(config, topic, 2)
    await asyncio.to_thread(turn.take, print)
    with turn.held():
        pass
    await asyncio.to_thread(turn.close)
    with pytest.raises(TurnLost), turn.held():
        pass


@pytest.mark.kafka
async def test_runs_on_different_inputs_do_not_wait_for_each_other(real_broker: Broker) -> None:
    """The group is the same, the partitions are not."""
    config = real_broker.config()
    one, other = (Turn(config, real_broker.topic(), 1) for _ in range(2))
    await asyncio.to_thread(one.take, print)
    await asyncio.to_thread(other.take, print)
    with one.held(), other.held():
        pass
    await asyncio.to_thread(one.close)
    await asyncio.to_thread(other.close)


STEPS = 3


class Log:
    """Shared by all runs, as the outputs are."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self._lock = threading.Lock()

    def append(self, expected: int) -> None:
        with self._lock:
            self.entries.append(expected)


def work(turn: Turn, log: Log) -> None:
    """Append to the log what was read off it before, some steps in one turn if it lasts."""
    done = 0
    while done < STEPS:
        turn.take(lambda _: None)
        seen = len(log.entries)
        try:
            while done < STEPS:
                with turn.held():
                    time.sleep(0.02)
                    log.append(seen)
                    done += 1
                    seen += 1
        except TurnLost:
            continue
    turn.close()
