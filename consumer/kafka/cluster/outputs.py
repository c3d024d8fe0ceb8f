"""Outputs as the brokers keep them: for how long, whether compacted, and how large a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.cluster.topics import Step
from consumer.kafka.config import KafkaConfig

log = structlog.get_logger()

CALL_S = 15.0
"""For one question about all of them; at the start it is asked again, later the next look does."""


class OutputFacts(NamedTuple):
    """What the brokers' configuration says of one output."""

    is_compacted: bool
    retention_s: float
    """Infinite where nothing is ever deleted."""
    bytes_max: int | None
    """The largest batch of records that is taken (max.message.bytes, or a segment)."""


def describe_outputs(config: KafkaConfig, outputs: Sequence[str]) -> Mapping[str, OutputFacts]:
    """The facts of each output; one whose configuration may not be seen is left out and logged."""
    if not outputs:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in outputs]
    found: dict[str, OutputFacts] = {}
    with AdminClient(properties.common(config, ignore)) as admin:
        described = admin.describe_configs(resources, request_timeout=CALL_S)
        wait(described.values())
    for resource, future in described.items():
        try:
            values = {name: entry.value or "" for name, entry in future.result().items()}
        except KafkaException as error:
            log.warning("a topic's configuration is not shown", topic=resource.name, why=str(error))
            continue
        retention_ms = int(values.get("retention.ms") or -1)
        limits = [values.get(name) for name in ("max.message.bytes", "segment.bytes")]
        found[resource.name] = OutputFacts(
            "compact" in values.get("cleanup.policy", ""),
            retention_ms / 1_000 if retention_ms >= 0 else float("inf"),
            min((int(limit) for limit in limits if limit), default=None),
        )
    return found


def unfit_steps(facts: Mapping[str, OutputFacts], retention_min_s: float) -> list[Step]:
    """
    Outputs that would forget verdicts before they are surely committed, as steps done by hand.

    A compacted output drops a key's older verdicts, and one with a short retention all of them: a
    worker that comes back would judge their messages again.
    """
    steps: list[Step] = []
    for topic, fact in facts.items():
        if fact.is_compacted:
            problem = (
                "is compacted, so that verdicts get lost before they are recovered: "
                "set cleanup.policy=delete"
            )
        elif fact.retention_s < retention_min_s:
            problem = (
                f"keeps verdicts for {fact.retention_s:g} s only: set retention.ms to "
                f"{int(retention_min_s * 1_000)} or more, or lower kafka.retention_min_s"
            )
        else:
            continue
        steps.append(Step(topic, 0, problem, change="by hand"))
    return steps
