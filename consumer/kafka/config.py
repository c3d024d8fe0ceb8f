"""
Settings -> librdkafka properties: what we set, what passes through, what may not be touched.

The reasons stand beside the values; sources are librdkafka's CONFIGURATION.md and measurements on
Kafka 4.4 with the client pinned in requirements.lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from consumer.errors import InvalidSettings

OWNED = {
    "bootstrap.servers": "kafka.bootstrap_servers",
    "group.id": "kafka.group",
    "group.protocol": "kafka.group_protocol",
    "group.instance.id": "kafka.static_member",
    "enable.auto.commit": "the service commits only what is finished",
    "enable.auto.offset.store": "the service commits only what is finished",
    "auto.offset.reset": "start in topic.toml",
    "enable.idempotence": "the service needs the order that it keeps",
    "acks": "a verdict is done when the brokers have it",
    "request.required.acks": "a verdict is done when the brokers have it",
    "message.timeout.ms": "kafka.message_timeout_s",
    "socket.timeout.ms": "kafka.request_timeout_s",
    "delivery.timeout.ms": "kafka.message_timeout_s",
    "max.poll.interval.ms": "kafka.max_poll_interval_s",
    "session.timeout.ms": "kafka.session_timeout_s",
    "partition.assignment.strategy": "kafka.group_protocol",
    "isolation.level": "records of aborted transactions are no messages",
    "enable.partition.eof": "the service reads it itself",
    "message.max.bytes": "kafka.message_bytes_max",
    "transactional.id": "the service does not use transactions",
    "max.in.flight": "the service needs the order that it keeps",
    "max.in.flight.requests.per.connection": "the service needs the order that it keeps",
}
"""Properties that the service sets itself, and the setting or the reason instead."""


PRODUCER_ONLY = ("linger.ms", "batch.", "compression.", "queue.buffering.", "sticky.partitioning.")
CONSUMER_ONLY = ("fetch.", "queued.", "check.crcs", "auto.commit.", "heartbeat.", "coordinator.")


Properties = dict[str, Any]


class KafkaConfig(NamedTuple):
    """What is needed to talk to the brokers."""

    bootstrap_servers: str
    group: str
    client_id: str = "safeguard"
    group_protocol: str = "classic"
    static_member: str | None = None
    session_timeout_s: float = 45.0
    max_poll_interval_s: float = 300.0
    message_timeout_s: float = 15.0
    request_timeout_s: float = 10.0
    linger_ms: float = 2.0
    message_bytes_max: int = 1_000_000
    batch_bytes_max: int = 1_000_000
    client: Mapping[str, str] = {}
    """Any other librdkafka property, as given by the operator: SASL, TLS and so on."""

    @property
    def client_timeout_s(self) -> float:
        """
        After so long the client itself gives up a publication; the sink does so before it.

        No publication is stored later than this after it was sent, even if the process stood still
        in between: on waking the client looks for expired messages before it sends any.
        """
        return self.message_timeout_s * 1.25 + 0.5


def common(config: KafkaConfig, on_error: Callable[[object], None]) -> Properties:
    """Properties of every client. Errors come through `on_error`, not on stderr."""
    return {
        "bootstrap.servers": config.bootstrap_servers,
        "client.id": config.client_id,
        "error_cb": on_error,
        "log_level": 2,
        # A request that takes longer fails; the lease counts on it.
        "socket.timeout.ms": int(config.request_timeout_s * 1_000),
        # New partitions are seen by then; where a new one begins counts on it (GROWN_S).
        "topic.metadata.refresh.interval.ms": 60_000,
        "allow.auto.create.topics": False,
        **{
            name: value
            for name, value in config.client.items()
            if not name.startswith((*PRODUCER_ONLY, *CONSUMER_ONLY))
        },
    }


def consumer(config: KafkaConfig, on_error: Callable[[object], None]) -> Properties:
    """Properties of the consumer that is a member of the group."""
    properties = common(config, on_error) | {
        "group.id": config.group,
        "group.protocol": config.group_protocol,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # Where our position is not in the log any more the source begins anew and says what is
        # lost: retention was faster, or the topic is another one.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "max.poll.interval.ms": int(config.max_poll_interval_s * 1_000),
        # Small prefetch: what lies in the client's queue is thrown away by every pause.
        "queued.max.messages.kbytes": 16_384,
        "queued.min.messages": 2_000,
        "fetch.wait.max.ms": 50,
        # The default of 1,000 ms shows as hiccups when the small queue has been full.
        "fetch.queue.backoff.ms": 50,
    }
    if config.static_member:
        properties["group.instance.id"] = config.static_member
    if config.group_protocol == "classic":
        # KIP-848 refuses these two: there the broker and the group hold them.
        properties["partition.assignment.strategy"] = "cooperative-sticky"
        properties["session.timeout.ms"] = int(config.session_timeout_s * 1_000)
    return properties | _passed_on(config, PRODUCER_ONLY)


def producer(config: KafkaConfig, on_error: Callable[[object], None]) -> Properties:
    """Properties of the producer of verdicts and dead letters."""
    return (
        common(config, on_error)
        | {
            "enable.idempotence": True,
            "acks": "all",
            # The sink gives up first, and as a whole. The client's own time-out is no good here:
            # it lets later messages pass and starts a new sequence (enable.gapless.guarantee does
            # not cover it, says CONFIGURATION.md), which stored messages in flight twice here.
            "message.timeout.ms": int(config.client_timeout_s * 1_000),
            "linger.ms": config.linger_ms,
            "compression.type": "lz4",
            "message.max.bytes": config.message_bytes_max,
            "batch.size": min(config.batch_bytes_max, 1_000_000),
            # Twenty times what pipeline.pending_total_max lets wait; a full one is mended, too.
            "queue.buffering.max.messages": 200_000,
        }
        | _passed_on(config, CONSUMER_ONLY)
    )


def reader(config: KafkaConfig, on_error: Callable[[object], None]) -> Properties:
    """Properties of a consumer that is in no group: it reads tails and end offsets."""
    return common(config, on_error) | {
        "group.id": config.group + ".reader",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 10,
        # The client's defaults hold 64 MB for each reader, and a megabyte of compressed verdicts
        # is several when unpacked; a recovery has a reader for every output at once.
        "queued.max.messages.kbytes": 1_024,
        "fetch.message.max.bytes": 524_288,
        # The default of 1,000 ms would be waited for after every such megabyte.
        "fetch.queue.backoff.ms": 10,
    }


def _passed_on(config: KafkaConfig, without: tuple[str, ...]) -> Properties:
    return {n: v for n, v in config.client.items() if not n.startswith(without)}


def check_client_properties(client: Mapping[str, str]) -> None:
    """
    Refuse properties that the service owns.

    Raises:
        InvalidSettings: naming every such property and what to use instead.
    """
    faults = [
        f"kafka.client.{name} is not yours to set: {OWNED[name]}"
        for name in sorted(client)
        if name in OWNED
    ]
    if faults:
        raise InvalidSettings("\n".join(faults))
