"""
Controls: the compacted topic through which an operator pauses inputs for all workers at once.

A cluster without the topic, or one that does not let a worker read it, has nothing paused, and the
worker goes on.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from consumer.domain.control import Control, decode, encode
from consumer.errors import BrokerUnavailable
from consumer.interfaces import Publication
from consumer.kafka.cluster.topics import Step
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.table import PARTITION, Table
from consumer.kafka.sink.writer import TopicWriter

log = structlog.get_logger()

CONTROLS_TOPIC = "safeguard.controls"
STALL_S = 5.0
"""A reading that does not get on is given up for the next one, after kafka.controls_refresh_s."""
FETCH_WAIT_MS = 500
"""The broker holds an empty fetch for so long, so that following costs next to nothing."""


def controls_steps(partitions: Mapping[str, int]) -> list[Step]:
    """What `topics apply` does about the controls; workers do without."""
    if CONTROLS_TOPIC in partitions:
        return []
    problem = "missing; `safeguard topics pause` needs it"
    return [Step(CONTROLS_TOPIC, 1, problem, config={"cleanup.policy": "compact"})]


def controls_table(config: KafkaConfig) -> Table[str, Control]:
    """The last word on each topic."""
    return Table(
        config,
        CONTROLS_TOPIC,
        _entry,
        when_refused="pauses are not seen: grant Read and Describe on the topic",
        stall_s=STALL_S,
        wait_ms=FETCH_WAIT_MS,
    )


def _entry(key: bytes | None, value: bytes | None) -> tuple[str, Control] | None:
    control = decode(key, value)
    if control is None:
        log.warning("passed over a record that is no control", topic=CONTROLS_TOPIC)
        return None
    return control.topic, control


def write_control(config: KafkaConfig, control: Control) -> None:
    """
    Say a word to all workers; returns once the broker has it. Blocking.

    Raises:
        BrokerUnavailable: nothing is known to have been stored.
    """
    key, value = encode(control)
    (fault,) = TopicWriter(config).write([Publication(CONTROLS_TOPIC, PARTITION, key, value, ())])
    if fault is not None:
        raise BrokerUnavailable(
            f"{CONTROLS_TOPIC} cannot be written: {fault}. Look at the brokers and at our right to "
            "write there, and say it again"
        )
