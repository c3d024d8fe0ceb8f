"""Session: after how long the group gives up a silent member, and how often a member is heard."""

from __future__ import annotations

from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from consumer.domain.checkpoint import CHARS_MAX
from consumer.errors import BrokerUnavailable, InvalidSettings
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig

log = structlog.get_logger()

CALL_S = 10.0
"""For each question; the start asks again for a while."""
HEARTBEAT_S = 3.0
"""librdkafka's default of heartbeat.interval.ms (classic protocol); [kafka.client] may set it."""


class Session(NamedTuple):
    """Of a member of the group; in seconds, and where that was found."""

    session_s: float
    heartbeat_s: float
    origin: str


def read_session(config: KafkaConfig, *, may_ask: bool = True) -> Session:
    """
    The session as it will be.

    With the classic protocol the client says it, with KIP-848 the group or the broker does.
    `may_ask` is false for a broker that cannot be asked: then the setting is believed.

    Raises:
        BrokerUnavailable: the brokers do not answer.
    """
    heartbeat_ms = config.client.get("heartbeat.interval.ms")
    heartbeat_s = float(heartbeat_ms) / 1_000 if heartbeat_ms else HEARTBEAT_S
    if config.group_protocol == "classic" or not may_ask:
        return Session(config.session_timeout_s, heartbeat_s, "kafka.session_timeout_s")
    found = _described(config, ConfigResource.Type.GROUP, config.group)
    if "consumer.session.timeout.ms" in found:
        return Session(
            float(found["consumer.session.timeout.ms"]) / 1_000,
            float(found.get("consumer.heartbeat.interval.ms", "5000")) / 1_000,
            "the group's consumer.session.timeout.ms",
        )
    # Brokers before 4.0.1, or no right to describe: the operator has to know.
    return Session(config.session_timeout_s, 5.0, "kafka.session_timeout_s, since it is not shown")


def check_metadata_room(config: KafkaConfig) -> None:
    """
    Make sure that the brokers take commit metadata as long as ours.

    A broker that does not let us see its configuration is believed to have the default, and so is
    one that does not answer while another does: it may be ending, and no worker waits for it.

    Raises:
        BrokerUnavailable: none answers.
        InvalidSettings: naming the brokers' setting.
    """
    try:
        with AdminClient(properties.common(config, ignore)) as admin:
            brokers = list(admin.list_topics(timeout=CALL_S).brokers)
    except KafkaException as error:
        raise BrokerUnavailable(f"the brokers do not answer: {error}") from error
    silent: list[BrokerUnavailable] = []
    for broker in brokers:
        try:
            found = _described(config, ConfigResource.Type.BROKER, str(broker))
        except BrokerUnavailable as error:
            log.warning("a broker does not show its configuration", broker=broker, error=str(error))
            silent.append(error)
            continue
        room = found.get("offset.metadata.max.bytes")
        if room is not None and int(room) <= CHARS_MAX:
            raise InvalidSettings(
                f"broker {broker} has offset.metadata.max.bytes = {room}, and our commits need "
                f"more than {CHARS_MAX}: set it to 4096 (Kafka's default) or more on "
                "every broker"
            )
    if brokers and len(silent) == len(brokers):
        raise silent[-1]


def _described(config: KafkaConfig, kind: Any, name: str) -> dict[str, str]:
    """
    The configuration of a group or broker; empty where it may not be seen, or is not known there.

    Raises:
        BrokerUnavailable: no answer is no leave to believe our own setting: a lease that is longer
            than the session would let two owners publish.
    """
    resource = ConfigResource(kind, name)
    try:
        with AdminClient(properties.common(config, ignore)) as admin:
            found = admin.describe_configs([resource], request_timeout=CALL_S)[resource].result()
        return {name: entry.value for name, entry in found.items() if entry.value}
    except KafkaException as error:
        if error.args[0].code() in _NOT_SHOWN:
            return {}
        raise BrokerUnavailable(f"the configuration of {name} cannot be read: {error}") from error


_NOT_SHOWN = (
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.INVALID_REQUEST,
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError._UNSUPPORTED_FEATURE,
)
"""No right to see it, or a broker that knows no such thing (groups have none before 4.0)."""
