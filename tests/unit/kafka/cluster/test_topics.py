"""What the client notes is said once, without what changes from one attempt to the next."""

from __future__ import annotations

import socket

import pytest

from consumer.errors import BrokerUnavailable
from consumer.kafka.cluster import topics
from consumer.kafka.cluster.topics import Topics, plain
from consumer.kafka.config import KafkaConfig


@pytest.mark.parametrize(
    "state",
    [
        "after 2ms in state CONNECT",
        "after 15003ms in state AUTH_REQ",
        "after 0ms in state CONNECT, 1 identical error(s) suppressed",
    ],
)
def test_durations_are_left_out(state: str) -> None:
    """Else one cause is said several times."""
    assert plain(f"b:9092/bootstrap: no such host ({state})") == "b:9092/bootstrap: no such host"


def test_brokers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause and the setting are named."""
    monkeypatch.setattr(topics, "TIMEOUT_S", 0.5)
    with pytest.raises(BrokerUnavailable, match=r"refused\. Check kafka\.bootstrap_servers"):
        Topics(KafkaConfig("127.0.0.1:1", "g")).partitions()


def test_brokers_that_hang_are_spoken_of_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client has noted nothing by then, and its own error is no sentence."""
    monkeypatch.setattr(topics, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BrokerUnavailable, match=r"answer: Failed to get metadata: .*\. Check"):
            Topics(KafkaConfig(address, "g")).partitions()
