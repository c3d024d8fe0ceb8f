"""What becomes of a retried record goes where its input's does, and says where it was first."""

from __future__ import annotations

import pytest

from consumer.domain.binding import Outputs
from consumer.domain.message import Headers, Position
from consumer.domain.policy import Outcome
from consumer.errors import UndecodableMessage
from consumer.interfaces import Partition
from consumer.pipeline.flight import Flight, Stretch
from consumer.pipeline.publisher import Publisher
from consumer.reliability.dead_letters import DeadLetterOffice
from tests.builders import TOPIC, a_binding, a_record, a_verdict

RETRY = f"{TOPIC}.retry"
OURS: Headers = (("safeguard-first-position", b"chat.messages/1/41"), ("safeguard-attempts", b"2"))


def a_flight(topic: str, payload: str = "envelope") -> Flight:
    binding = a_binding(outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    record = a_record(headers=(("a", b"1"), *OURS), position=Position(topic, 1, 0))
    return Flight(record, Stretch(Partition(topic, 1), 1), binding, 0.0)


def publisher() -> Publisher:
    return Publisher("g", DeadLetterOffice("g", "w"))


@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
@pytest.mark.parametrize("outcome", Outcome)
def test_a_retried_records_verdict(payload: str, outcome: Outcome) -> None:
    """The input's topic, partition and key; the first position once, and none of ours echoed."""
    found = publisher().verdict(a_flight(RETRY, payload), a_verdict(outcome=outcome))
    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.{outcome}", 1, b"room-1")
    names = [name for name, _ in found.headers]
    assert names.count("safeguard-first-position") == 1
    assert dict(found.headers)["safeguard-first-position"] == b"chat.messages/1/41"
    assert dict(found.headers)["safeguard-position"] == f"{RETRY}/1/0".encode()
    assert not [name for name in names if name.startswith("upstream-")]


@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
def test_a_forged_first_position_does_not_pass(payload: str) -> None:
    """On the input itself the same headers are renamed, where headers are handed on at all."""
    found = publisher().verdict(a_flight(TOPIC, payload), a_verdict(outcome=Outcome.ALLOW))
    names = [name for name, _ in found.headers]
    assert "safeguard-first-position" not in names
    assert ("upstream-safeguard-first-position" in names) is (payload == "passthrough")


def test_a_retried_records_dead_letter() -> None:
    """It lies on the input's dead-letter topic and counts the attempts."""
    rejection = UndecodableMessage("no_text", "none")
    retried = publisher().dead_letter(a_flight(RETRY), rejection)
    assert retried.topic == f"{TOPIC}.dead-letter"
    assert dict(retried.headers)["safeguard-first-position"] == b"chat.messages/1/41"
    assert dict(retried.headers)["safeguard-attempts"] == b"2"
    forged = publisher().dead_letter(a_flight(TOPIC), rejection)
    assert "safeguard-first-position" not in dict(forged.headers)
    assert dict(forged.headers)["safeguard-attempts"] == b"1"
