"""
Controls: the compacted topic through which an operator pauses inputs for all workers at once.

One partition, read outside any group: every worker sees every word. A cluster without the topic,
or one that does not let a worker read it, has nothing paused, and the worker goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from consumer.domain.control import Control, decode, encode
from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.topics import Step

log = structlog.get_logger()

CONTROLS_TOPIC = "safeguard.controls"
PARTITION = 0
BATCH = 500
TIMEOUT_S = 5.0
"""A look for the topic, and reading that makes no progress, are given up after so long."""
FETCH_WAIT_MS = 500
"""The broker holds an empty fetch for so long, so that following costs next to nothing."""
WRITE_TIMEOUT_S = 15.0

_ABSENT = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED


def controls_steps(partitions: Mapping[str, int]) -> list[Step]:
    """What `topics apply` does about the controls; workers do without."""
    if CONTROLS_TOPIC in partitions:
        return []
    problem = "missing; `safeguard topics pause` needs it"
    return [Step(CONTROLS_TOPIC, 1, problem, config={"cleanup.policy": "compact"})]


class ControlsReader:
    """Follows the topic, from its beginning at the first read. Blocking: use it in a thread."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._consumer: Consumer | None = None
        self._is_following = False
        self._is_at_end = False
        self._is_refusal_told = False
        self._controls: dict[str, Control] = {}
        self._reading = threading.Lock()
        """A stop may close the reader while its last read is under way."""

    def __repr__(self) -> str:
        state = "following" if self._is_following else "no topic"
        return f"<ControlsReader {state}, {len(self._controls)} controls>"

    def read(self) -> Mapping[str, Control]:
        """
        The last word on each topic, after all that was appended since the last time.

        Raises:
            BrokerUnavailable: what was said cannot be read now; the next read goes on from here.
        """
        with self._reading:
            try:
                consumer = self._consumer or self._connect()
                if self._is_following or self._follow(consumer):
                    self._catch_up(consumer)
            except KafkaException as error:
                raise BrokerUnavailable(f"{CONTROLS_TOPIC} cannot be read: {error}") from None
            return dict(self._controls)

    def close(self) -> None:
        with self._reading:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None
            self._is_following = False

    def _connect(self) -> Consumer:
        self._consumer = Consumer(
            properties.reader(self._config, ClientErrors("controls"))
            | {"fetch.wait.max.ms": FETCH_WAIT_MS}
        )
        return self._consumer

    def _follow(self, consumer: Consumer) -> bool:
        """Begin where the topic begins; False where there is none."""
        found = consumer.list_topics(CONTROLS_TOPIC, timeout=TIMEOUT_S).topics[CONTROLS_TOPIC]
        if found.error is not None:
            if self._is_gone(found.error):
                return False
            raise _unreadable(found.error)
        self._controls.clear()
        consumer.assign([TopicPartition(CONTROLS_TOPIC, PARTITION, 0)])
        self._is_following, self._is_at_end = True, False
        return True

    def _catch_up(self, consumer: Consumer) -> None:
        """Wait for the end the first time; after that the client fetches by itself."""
        moved_s = time.monotonic()
        while self._is_following:
            messages = consumer.consume(BATCH, 0 if self._is_at_end else 0.1)
            for message in messages:
                error = message.error()
                if error is None:
                    self._note(message.key(), message.value())
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._is_at_end = True
                elif self._is_gone(error):
                    consumer.unassign()
                    return
                else:
                    raise _unreadable(error)
            if messages:
                moved_s = time.monotonic()
            elif self._is_at_end:
                return
            elif time.monotonic() - moved_s > TIMEOUT_S:
                raise BrokerUnavailable(f"reading {CONTROLS_TOPIC} made no progress")

    def _note(self, key: bytes | None, value: bytes | None) -> None:
        control = decode(key, value)
        if control is None:
            log.warning("passed over a record that is no control", topic=CONTROLS_TOPIC)
            return
        self._controls[control.topic] = control

    def _is_gone(self, error: KafkaError) -> bool:
        """Whether this says that there is nothing for us to read; then nothing is paused."""
        code = error.code()
        if code == _REFUSED and not self._is_refusal_told:
            self._is_refusal_told = True
            log.warning(
                "pauses are not seen: grant Read and Describe on the topic", topic=CONTROLS_TOPIC
            )
        if code != _REFUSED and code not in _ABSENT:
            return False
        self._controls.clear()
        self._is_following = False
        return True


def _unreadable(error: KafkaError) -> BrokerUnavailable:
    return BrokerUnavailable(f"{CONTROLS_TOPIC} cannot be read: {error.str()}")


def write_control(config: KafkaConfig, control: Control) -> None:
    """
    Say a word to all workers; returns once the broker has it. Blocking.

    Raises:
        BrokerUnavailable: nothing is known to have been stored.
    """
    failures: list[str] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            failures.append(error.str())

    key, value = encode(control)
    producer = Producer(properties.producer(config, ClientErrors("controls")))
    producer.produce(CONTROLS_TOPIC, value, key, PARTITION, on_delivery=delivered)
    if producer.flush(WRITE_TIMEOUT_S) or failures:
        why = failures[0] if failures else f"no answer within {WRITE_TIMEOUT_S:g} s"
        raise BrokerUnavailable(
            f"{CONTROLS_TOPIC} cannot be written: {why}. Look at the brokers and at our right to "
            "write there, and say it again"
        )
