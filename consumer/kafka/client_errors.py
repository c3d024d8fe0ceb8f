"""
Errors of the Kafka client: what each means for us, decided in this one place.

A fatal one comes in several dresses: as the broker's own code, as a code with `fatal()` set, or as
`_FATAL` with `fatal()` unset, whose words alone say what happened. The client's codes and what it
does by itself are in librdkafka's INTRODUCTION.md, "Error handling"; the rest was tried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError

from consumer.errors import Fatal, InvalidSettings

log = structlog.get_logger()

EVERY_S = 10.0
"""Each kind of error is logged no oftener: a client without its broker reports it without end."""


class Meaning(Enum):
    """What an error asks for."""

    PASSING = "the client, a repetition or the next rebalance mends it"
    PARTITION = "one topic or partition stands still; the others go on"
    AWAY = "no broker lets us in at present"
    NAME_HELD = "the name of this static member is not free yet: join again later"
    SEQUENCE = "this producer is at its end, and another one can take over what was not stored"
    FATAL = "nothing will come any more: stop, and say what to do"


class ClientFault(NamedTuple):
    """An error of the client, read."""

    code: int
    """Of the cause: never `_FATAL`, where the cause could be found."""
    meaning: Meaning
    words: str


def read(error: KafkaError) -> ClientFault:
    """What an error means, wherever it came from: a poll, a commit, a callback."""
    words = error.str()
    is_end = error.code() == KafkaError._FATAL
    code = _cause(words) if is_end else error.code()
    if code == KafkaError.UNRELEASED_INSTANCE_ID:
        meaning = Meaning.NAME_HELD
    elif code in _OF_SEQUENCE:
        meaning = Meaning.SEQUENCE
    elif code in _ADVICE or error.fatal() or is_end:
        meaning = Meaning.FATAL
    elif code in _AWAY:
        meaning = Meaning.AWAY
    elif code in _OF_PARTITION:
        meaning = Meaning.PARTITION
    else:
        meaning = Meaning.PASSING
    return ClientFault(code, meaning, words)


def as_fatal(fault: ClientFault, about: str = "") -> Fatal:
    """The error that stops the worker: what happened, and what to do about it."""
    advice = (_ADVICE | _ADVICE_WHERE_FATAL).get(fault.code, UNKNOWN)
    place = f" ({about})" if about else ""
    kind = InvalidSettings if fault.code in _OF_SETTINGS else Fatal
    return kind(f"the Kafka client cannot go on: {fault.words}{place}; {advice}")


UNKNOWN = (
    "see the brokers' logs; where kafka.static_member is set, make sure that no other process has "
    "the same"
)


def _cause(words: str) -> int:
    """`_FATAL` brings its cause only in words, and those are the client's own for that code."""
    return next((code for code, said in _SAID.items() if said in words), KafkaError._FATAL)


_RIGHTS = "give this worker's user the right (ACL): {}"
_ADVICE = {
    KafkaError.FENCED_INSTANCE_ID: "another process has joined as the same static member: give "
    "every worker a kafka.static_member of its own, and end the one that is too many",
    KafkaError.UNRELEASED_INSTANCE_ID: "another member of the group lives under the same name: "
    "give every worker a kafka.static_member of its own, and end the one that is too many",
    KafkaError._FENCED: "another process has taken this one's place: end one of them",
    KafkaError.INVALID_SESSION_TIMEOUT: "bring kafka.session_timeout_s within the brokers' "
    "group.min.session.timeout.ms and group.max.session.timeout.ms",
    KafkaError.INVALID_GROUP_ID: "choose another kafka.group",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "the group's other members share partitions out in "
    "another way: give this service a kafka.group of its own, or stop them first",
    KafkaError.GROUP_MAX_SIZE_REACHED: "the group is full: run fewer workers, or raise the "
    "brokers' group.max.size (group.consumer.max.size with KIP-848)",
    KafkaError.UNSUPPORTED_ASSIGNOR: "the brokers do not know this assignor: leave "
    "group.remote.assignor out of [kafka.client]",
    KafkaError.UNSUPPORTED_VERSION: "these brokers are too old for what is asked: with "
    'kafka.group_protocol = "consumer" they must be 4.0 or later; else set "classic"',
    KafkaError._UNSUPPORTED_FEATURE: "these brokers are too old for what is asked: with "
    'kafka.group_protocol = "consumer" they must be 4.0 or later; else set "classic"',
    KafkaError.OFFSET_METADATA_TOO_LARGE: "our commit metadata is refused: set "
    "offset.metadata.max.bytes to 4096 (Kafka's default) or more on every broker",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _RIGHTS.format(
        "Read and Describe on inputs, Write, Read and Describe on outputs"
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: _RIGHTS.format("Read on the group kafka.group"),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _RIGHTS.format(
        "Write on the outputs (IdempotentWrite on the cluster for brokers before 2.8)"
    ),
    KafkaError.SECURITY_DISABLED: "the brokers have no security switched on: see [kafka.client]",
}
"""What ends a worker in any dress, and what to do about it."""

_ADVICE_WHERE_FATAL = {
    KafkaError.GROUP_ID_NOT_FOUND: "members with the other kafka.group_protocol are still in the "
    "group: end them, or let their sessions end, and start this worker again",
}
"""What may also pass: to a commit it is an answer like any other."""

_OF_SETTINGS = (KafkaError.INVALID_SESSION_TIMEOUT, KafkaError.INVALID_GROUP_ID)
"""Refused for what we were told to ask: no start changes that."""

_AWAY = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._SSL,
)

_OF_SEQUENCE = (
    KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    KafkaError.DUPLICATE_SEQUENCE_NUMBER,
    KafkaError.UNKNOWN_PRODUCER_ID,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
    KafkaError._GAPLESS_GUARANTEE,
    KafkaError._INCONSISTENT,
)

_OF_PARTITION = (
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._NO_OFFSET,
    KafkaError._LOG_TRUNCATION,
    KafkaError._BAD_MSG,
    KafkaError._BAD_COMPRESSION,
    KafkaError._UNDERFLOW,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_TOPIC_ID,
    KafkaError.INCONSISTENT_TOPIC_ID,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.REPLICA_NOT_AVAILABLE,
)

_SAID = {code: KafkaError(code).str() for code in (*_ADVICE, *_ADVICE_WHERE_FATAL, *_OF_SEQUENCE)}


def ignore(_error: object) -> None:
    """An `error_cb` for clients that are asked a thing and closed: whoever asks sees what fails."""


class ClientErrors:
    """
    An `error_cb`: what a client says of itself while it mends things.

    A client without its broker reports several times a second, without end: each kind is logged
    now and then. `note` is told of the absence of all brokers; a fatal error does not come here but
    out of the next poll, and the rest says nothing of what a poll or a commit will come to.
    """

    def __init__(
        self,
        client: str,
        now_s: Callable[[], float] = time.monotonic,
        note: Callable[[ClientFault], None] = lambda fault: None,
    ) -> None:
        self._client = client
        self._now_s = now_s
        self._note = note
        self._told_s: dict[int, float] = {}
        self._held_back: dict[int, int] = {}

    def __call__(self, error: object) -> None:
        if isinstance(error, KafkaError):
            fault = read(error)
            if fault.meaning is Meaning.AWAY:
                self._note(fault)
        code = getattr(error, "code", lambda: 0)()
        now_s = self._now_s()
        if now_s - self._told_s.get(code, -EVERY_S) < EVERY_S:
            self._held_back[code] = self._held_back.get(code, 0) + 1
            return
        self._told_s[code] = now_s
        log.warning(
            "kafka client",
            client=self._client,
            error=str(error),
            held_back=self._held_back.pop(code, 0),
        )
