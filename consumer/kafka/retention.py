"""Retention: outputs must keep verdicts for as long as a recovery may have to find them."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig
from consumer.kafka.topics import Step

log = structlog.get_logger()

CALL_S = 15.0


def unfit_outputs(
    config: KafkaConfig, outputs: Sequence[str], retention_min_s: float
) -> list[Step]:
    """
    Outputs that would forget verdicts before they are surely committed, as steps done by hand.

    A compacted output drops a key's older verdicts, and one with a short retention all of them: a
    worker that comes back would judge their messages again. Where the configuration may not be
    seen nothing is said but in the log.
    """
    if not outputs:
        return []
    admin = AdminClient(properties.common(config, _ignore))
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in outputs]
    steps: list[Step] = []
    futures = admin.describe_configs(resources, request_timeout=CALL_S)
    for resource, future in futures.items():
        try:
            found = {name: entry.value for name, entry in future.result().items()}
        except KafkaException as error:
            log.warning("a topic's configuration is not shown", topic=resource.name, why=str(error))
            continue
        problem = _problem(found, retention_min_s)
        if problem:
            steps.append(Step(resource.name, 0, problem, change="by hand"))
    return steps


def _problem(found: dict[str, str | None], retention_min_s: float) -> str | None:
    if "compact" in (found.get("cleanup.policy") or ""):
        return (
            "is compacted, so that verdicts get lost before they are recovered: "
            "set cleanup.policy=delete"
        )
    retention_ms = int(found.get("retention.ms") or -1)
    if 0 <= retention_ms < retention_min_s * 1_000:
        return (
            f"keeps verdicts for {retention_ms / 1_000:g} s only: set retention.ms to "
            f"{int(retention_min_s * 1_000)} or more, or lower kafka.retention_min_s"
        )
    return None


def _ignore(_error: object) -> None:
    """The caller sees failures where they matter."""
