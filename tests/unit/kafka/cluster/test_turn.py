"""A turn's member is ended whatever becomes of it, and nothing that it asks can end the process."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.kafka.cluster import turn
from consumer.kafka.cluster.turn import Turn, TurnLost
from consumer.kafka.config import KafkaConfig
from tests.waiting import until

CONSUMER = Path(__file__).parents[4] / "consumer"


def test_no_call_goes_to_a_coordinator_through_the_admin_client() -> None:
    """A connection that breaks at the wrong moment in one of them aborts the process."""
    calls = re.compile(r"\b(describe|list|alter|delete)_consumer_group(s|_offsets)\(")
    found = [str(file) for file in CONSUMER.rglob("*.py") if calls.search(file.read_text())]

    assert found == []


class BrokenClient:
    """A consumer whose poll fails, as in a callback; `made` is the last one."""

    made: BrokenClient | None = None

    def __init__(self, _properties: object) -> None:
        BrokenClient.made = self
        self.closed = threading.Event()

    def subscribe(self, _topics: object, **_callbacks: object) -> None:
        pass

    def poll(self, _seconds: float) -> None:
        raise KafkaException(KafkaError(KafkaError._FATAL))

    def close(self) -> None:
        self.closed.set()


async def test_a_member_that_fails_leaves_the_group_and_has_no_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it would hold its partitions until its session ends, and the run would wait for them."""
    monkeypatch.setattr(turn, "Consumer", BrokenClient)
    own = Turn(KafkaConfig("nowhere:1", "g"), "in", 1)
    own._join()
    client = BrokenClient.made
    assert client is not None
    await until(client.closed.is_set, "the end of the client")
    with pytest.raises(TurnLost), own.held():
        pass
    own.close()
