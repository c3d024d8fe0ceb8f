"""What becomes of a retried record goes where its input's does, and says where it was first."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.binding import Outputs
from consumer.domain.messages.message import Headers, Position
from consumer.domain.policy import Outcome
from consumer.errors import UndecodableMessage
from consumer.interfaces import Partition, Publication
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from tests.builders import TOPIC, a_binding, a_judgement, a_message, a_record, a_verdict

RETRY = f"{TOPIC}.retry"
OURS: Headers = (("safeguard-first-position", b"chat.messages/1/41"), ("safeguard-attempts", b"2"))


def a_flight(topic: str, payload: str = "envelope") -> Flight:
    binding = a_binding(outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    record = a_record(headers=(("a", b"1"), *OURS), position=Position(topic, 1, 0))
    return Flight(record, Assignment(Partition(topic, 1), 1), binding, 0.0)


def publisher() -> Publisher:
    return Publisher("g", DeadLetterEncoder("g", "w"))


@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
@pytest.mark.parametrize("outcome", Outcome)
def test_a_retried_records_verdict(payload: str, outcome: Outcome) -> None:
    """The input's topic, partition and key; the first position once, and none of ours echoed."""
    flight = a_flight(RETRY, payload)
    found = publisher().verdict(flight, a_verdict(outcome=outcome)).publication
    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.{outcome}", 1, b"room-1")
    names = [name for name, _ in found.headers]
    assert names.count("safeguard-first-position") == 1
    assert dict(found.headers)["safeguard-first-position"] == b"chat.messages/1/41"
    assert dict(found.headers)["safeguard-position"] == f"{RETRY}/1/0".encode()
    assert not [name for name in names if name.startswith("upstream-")]


@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
def test_a_forged_first_position_does_not_pass(payload: str) -> None:
    """On the input itself the same headers are renamed, where headers are handed on at all."""
    flight = a_flight(TOPIC, payload)
    found = publisher().verdict(flight, a_verdict(outcome=Outcome.ALLOW)).publication
    names = [name for name, _ in found.headers]
    assert "safeguard-first-position" not in names
    assert ("upstream-safeguard-first-position" in names) is (payload == "passthrough")


def test_a_retried_records_dead_letter() -> None:
    """It lies on the input's dead-letter topic and counts the attempts."""
    rejection = UndecodableMessage("no_text", "none")
    retried = publisher().dead_letter(a_flight(RETRY), rejection).publication
    assert retried.topic == f"{TOPIC}.dead-letter"
    assert dict(retried.headers)["safeguard-first-position"] == b"chat.messages/1/41"
    assert dict(retried.headers)["safeguard-attempts"] == b"2"
    forged = publisher().dead_letter(a_flight(TOPIC), rejection).publication
    assert "safeguard-first-position" not in dict(forged.headers)
    assert dict(forged.headers)["safeguard-attempts"] == b"1"


# What fits.


def size(publication: Publication) -> int:
    """What it surely takes of its topic's limit."""
    headers = sum(len(name) + len(value or b"") for name, value in publication.headers)
    return len(publication.key or b"") + len(publication.value or b"") + headers


def fitted(
    limits: Mapping[str, int],
    *,
    outcome: Outcome = Outcome.ALLOW,
    payload: str = "envelope",
    text: str = "hello",
    headers: Headers = (),
    bytes_max: int = 1_000_000,
) -> Publication:
    encoder = DeadLetterEncoder("g", "w")
    publisher = Publisher("g", encoder, bytes_max, limits)
    record = a_record(orjson.dumps({"text": text}), headers=headers)
    binding = a_binding(outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    flight = Flight(record, Assignment(Partition(TOPIC, 1), 1), binding, 0.0)
    verdict = a_verdict(outcome=outcome, message=a_message(text=text))
    return publisher.fitting(flight, publisher.verdict(flight, verdict)).publication


def test_the_smaller_limit_of_an_output_counts() -> None:
    """Whatever the client itself would send: the topic takes what it takes."""
    text = "x" * 50_000
    limits = {f"{TOPIC}.flag": 20_000}
    assert size(fitted({}, outcome=Outcome.FLAG, text=text)) > 50_000
    cut = fitted(limits, outcome=Outcome.FLAG, text=text)
    assert cut.topic == f"{TOPIC}.flag"
    assert size(cut) <= 20_000
    # Another topic's limit is another topic's.
    assert size(fitted({f"{TOPIC}.block": 20_000}, outcome=Outcome.FLAG, text=text)) > 50_000


def test_a_larger_limit_of_an_output_does_not_widen_what_the_client_sends() -> None:
    """The client itself would refuse it."""
    text = "x" * 50_000
    limits = {f"{TOPIC}.flag": 10_000_000}
    assert size(fitted(limits, outcome=Outcome.FLAG, text=text, bytes_max=20_000)) <= 20_000


def test_headers_count_as_well() -> None:
    """Those that the input brought are handed on with the record, and are as large as they like."""
    headers: Headers = (("trace", b"t" * 9_900),)
    limits = {f"{TOPIC}.allow": 10_000}
    assert fitted(limits, payload="passthrough").topic == f"{TOPIC}.allow"
    found = fitted(limits, payload="passthrough", headers=headers)
    assert found.topic == f"{TOPIC}.dead-letter"


def test_our_own_headers_count_as_well() -> None:
    """A value that fits exactly does not fit with what is written beside it."""
    fits = fitted({}, payload="passthrough", text="x" * 5_000)
    limit = len(fits.key or b"") + len(fits.value or b"") + 10
    assert fitted({fits.topic: limit}, payload="passthrough", text="x" * 5_000).topic != fits.topic


@given(
    limit=st.integers(2_500, 30_000),
    text=st.integers(1, 40_000),
    header=st.integers(0, 20_000),
    outcome=st.sampled_from(Outcome),
    payload=st.sampled_from(["envelope", "passthrough"]),
)
def test_what_is_published_fits_its_topic(
    limit: int, text: int, header: int, outcome: Outcome, payload: str
) -> None:
    """Whatever came, in whatever form, and a record that fits is not made smaller."""
    topics = [f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "dead-letter")]
    headers: Headers = (("h", b"h" * header),) if header else ()
    given_ = {"outcome": outcome, "payload": payload, "text": "x" * text, "headers": headers}
    whole = fitted({}, **given_)  # type: ignore[arg-type]
    found = fitted(dict.fromkeys(topics, limit), **given_)  # type: ignore[arg-type]

    assert size(found) <= limit
    if size(whole) + 1_000 <= limit:
        assert found == whole


def test_an_envelope_that_is_long_for_another_reason_than_its_text_ends_as_well() -> None:
    """Rationales are never cut: what the end of the text cannot make smaller is a dead letter."""
    flight = a_flight(TOPIC)
    judgement = a_judgement(rationale="ш" * 2_000)
    verdict = a_verdict(outcome=Outcome.FLAG, judgements=(judgement,) * 3)
    found = publisher().verdict(flight, verdict)
    sizes = [len(found.publication.value or b"")]
    assert sizes[0] > 8_000
    while found.rejection is None and len(sizes) < 10:
        found = publisher().smaller(flight, found)
        sizes.append(len(found.publication.value or b""))
    assert sorted(set(sizes), reverse=True) == sizes
    assert found.publication.topic == f"{TOPIC}.dead-letter"
