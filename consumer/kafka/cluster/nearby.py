"""A broker at an address that nobody has vouched for: asked briefly whether it is there."""

from __future__ import annotations

import socket

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig

CONNECT_S = 0.5
"""A port that takes longer to open is no broker of this machine."""
ANSWER_S = 3.0
"""Whatever else may listen there never answers Kafka's question."""


def brokers_at(address: str) -> int | None:
    """How many brokers the cluster behind `host:port` has; None where none answers. Blocking."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, ValueError):
        return None
    config = KafkaConfig(address, "safeguard-init")
    try:
        with AdminClient(properties.common(config, ignore)) as admin:
            return len(admin.list_topics(timeout=ANSWER_S).brokers) or None
    except KafkaException:
        return None
