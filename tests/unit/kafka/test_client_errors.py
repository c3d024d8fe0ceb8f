"""Every code that the client knows has one meaning, in whatever dress it comes."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from consumer.errors import InvalidSettings
from consumer.kafka.client_errors import ClientErrors, ClientFault, Meaning, as_fatal, read

CODES = {
    name: code
    for name in dir(KafkaError)
    if name.strip("_").isupper() and isinstance(code := getattr(KafkaError, name), int)
}
ENDS = {
    "FENCED_INSTANCE_ID": "kafka.static_member",
    "_FENCED": "another process",
    "INVALID_SESSION_TIMEOUT": "kafka.session_timeout_s",
    "INVALID_GROUP_ID": "kafka.group",
    "INCONSISTENT_GROUP_PROTOCOL": "kafka.group of its own",
    "GROUP_MAX_SIZE_REACHED": "group.max.size",
    "UNSUPPORTED_ASSIGNOR": "group.remote.assignor",
    "UNSUPPORTED_VERSION": "kafka.group_protocol",
    "_UNSUPPORTED_FEATURE": "kafka.group_protocol",
    "OFFSET_METADATA_TOO_LARGE": "offset.metadata.max.bytes",
    "TOPIC_AUTHORIZATION_FAILED": "right (ACL)",
    "GROUP_AUTHORIZATION_FAILED": "right (ACL)",
    "CLUSTER_AUTHORIZATION_FAILED": "right (ACL)",
    "SECURITY_DISABLED": "[kafka.client]",
    "_FATAL": "kafka.static_member",
}
"""What ends a worker by its code alone, and what its error must speak of."""
OTHERS = {
    Meaning.NAME_HELD: {"UNRELEASED_INSTANCE_ID"},
    Meaning.SEQUENCE: {
        "OUT_OF_ORDER_SEQUENCE_NUMBER",
        "DUPLICATE_SEQUENCE_NUMBER",
        "UNKNOWN_PRODUCER_ID",
        "INVALID_PRODUCER_EPOCH",
        "INVALID_PRODUCER_ID_MAPPING",
        "_GAPLESS_GUARANTEE",
        "_INCONSISTENT",
    },
    Meaning.AWAY: {
        "_ALL_BROKERS_DOWN",
        "_AUTHENTICATION",
        "SASL_AUTHENTICATION_FAILED",
        "UNSUPPORTED_SASL_MECHANISM",
        "_SSL",
    },
    Meaning.PARTITION: {
        "_UNKNOWN_TOPIC",
        "_UNKNOWN_PARTITION",
        "_AUTO_OFFSET_RESET",
        "_NO_OFFSET",
        "_LOG_TRUNCATION",
        "_BAD_MSG",
        "_BAD_COMPRESSION",
        "_UNDERFLOW",
        "_NOT_IMPLEMENTED",
        "UNKNOWN_TOPIC_OR_PART",
        "UNKNOWN_TOPIC_ID",
        "INCONSISTENT_TOPIC_ID",
        "TOPIC_EXCEPTION",
        "OFFSET_OUT_OF_RANGE",
        "OFFSET_NOT_AVAILABLE",
        "INVALID_MSG",
        "INVALID_MSG_SIZE",
        "MSG_SIZE_TOO_LARGE",
        "UNSUPPORTED_COMPRESSION_TYPE",
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        "KAFKA_STORAGE_ERROR",
        "REPLICA_NOT_AVAILABLE",
    },
}


def meaning(name: str) -> Meaning:
    if name in ENDS:
        return Meaning.FATAL
    return next((each for each, names in OTHERS.items() if name in names), Meaning.PASSING)


@pytest.mark.parametrize("name", sorted(CODES))
def test_each_code_means_what_the_table_says(name: str) -> None:
    """What is in no list is mended by the client, or by asking again."""
    assert read(KafkaError(CODES[name])).meaning is meaning(name)


@pytest.mark.parametrize("name", sorted(CODES))
def test_what_is_marked_as_fatal_is_never_taken_for_passing(name: str) -> None:
    """A fatal error of a kind that nobody has thought of ends the worker all the same."""
    found = read(KafkaError(CODES[name], "so it is", True)).meaning
    expected = meaning(name)
    mended = (Meaning.NAME_HELD, Meaning.SEQUENCE)
    assert found is (expected if expected in mended else Meaning.FATAL)


@pytest.mark.parametrize("name", sorted({*ENDS, "UNRELEASED_INSTANCE_ID"} - {"_FATAL"}))
def test_the_cause_of_a_fatal_error_is_read_from_its_words(name: str) -> None:
    """A poll gives `_FATAL` with `fatal()` unset, and the cause in the client's own words."""
    said = KafkaError(CODES[name]).str()
    fault = read(KafkaError(KafkaError._FATAL, f"Fatal error: {said}: heartbeat error: {said}"))
    assert (fault.code, fault.meaning) == (CODES[name], meaning(name))


@pytest.mark.parametrize(("name", "words"), ENDS.items())
def test_each_end_says_what_happened_and_what_to_do(name: str, words: str) -> None:
    """An operator reads the client's words, the place, and what to change."""
    error = as_fatal(read(KafkaError(CODES[name])), "topic chat")
    assert KafkaError(CODES[name]).str() in str(error)
    assert "topic chat" in str(error)
    assert words in str(error)
    is_of_settings = name in ("INVALID_SESSION_TIMEOUT", "INVALID_GROUP_ID")
    assert error.exit_code == (2 if is_of_settings else 1)
    assert isinstance(error, InvalidSettings) == is_of_settings


def test_a_client_without_brokers_is_told_of_now_and_then() -> None:
    """It repeats itself several times a second; each kind is logged once in ten seconds."""
    now_s = 0.0
    noted: list[ClientFault] = []
    errors = ClientErrors("consumer", lambda: now_s, noted.append)
    with capture_logs() as logs:
        for _ in range(5):
            errors(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        errors(KafkaError(KafkaError._TRANSPORT))
        now_s = 11.0
        errors(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    assert [log["held_back"] for log in logs] == [0, 0, 4]
    assert [fault.code for fault in noted] == [KafkaError._ALL_BROKERS_DOWN] * 6


def test_a_group_of_the_other_protocol_is_named() -> None:
    """
    So the client says it at the change from one group protocol to the other (librdkafka 2.16).

    The bare code, such as a commit may be answered with, ends nobody.
    """
    words = (
        "Fatal error: Broker: The group id does not exist: ConsumerGroupHeartbeat fatal error: "
        "Broker: The group id does not exist"
    )
    fault = read(KafkaError(KafkaError._FATAL, words))
    assert (fault.code, fault.meaning) == (KafkaError.GROUP_ID_NOT_FOUND, Meaning.FATAL)
    assert "kafka.group_protocol" in str(as_fatal(fault))
    assert read(KafkaError(KafkaError.GROUP_ID_NOT_FOUND)).meaning is Meaning.PASSING
