"""The commands `topics plan` and `topics apply`: what the policies need, and making it."""

from __future__ import annotations

from collections.abc import Mapping

from consumer.domain.binding import Catalogue
from consumer.kafka.cluster.controls import controls_steps
from consumer.kafka.cluster.outputs import describe_outputs, unfit_steps
from consumer.kafka.cluster.topics import Step, Topics
from consumer.registry.load import load_catalogue
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


def plan_topics(settings: Settings) -> int:
    """Print what `apply` would do; 1 where there is something to do."""
    _topics, steps = _topics_and_steps(settings)
    for step in steps:
        print(f"{step.change:<8} {step}")
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if steps else 0


def apply_topics(settings: Settings, config: Mapping[str, str]) -> int:
    topics, steps = _topics_and_steps(settings)
    for line in topics.apply(steps, settings.kafka.replication, config):
        print(line)
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if any(step.change == "by hand" for step in steps) else 0


def _topics_and_steps(settings: Settings) -> tuple[Topics, list[Step]]:
    topics = Topics(kafka_config(settings.kafka))
    catalogue = load_catalogue(settings.policies.folder)
    partitions = topics.partitions()
    steps = topics.plan(catalogue, partitions) + controls_steps(partitions)
    return topics, steps + unfit(settings, catalogue, partitions)


def unfit(settings: Settings, catalogue: Catalogue, partitions: Mapping[str, int]) -> list[Step]:
    """Outputs that would forget verdicts too soon."""
    if not settings.kafka.topic_ids:
        return []
    outputs: dict[str, None] = {}
    for source in catalogue.inputs_among(list(partitions)):
        binding = catalogue.binding_for(source)
        if binding is not None:
            outputs |= dict.fromkeys(o for o in binding.outputs_of(source) if o in partitions)
    facts = describe_outputs(kafka_config(settings.kafka), list(outputs))
    return unfit_steps(facts, settings.kafka.retention_min_s)
