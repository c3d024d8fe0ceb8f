"""The commands `topics plan` and `topics apply`: what the policies need, and making it."""

from __future__ import annotations

from collections.abc import Mapping

from consumer.domain.binding import Catalogue
from consumer.kafka.cluster.audits import audits_steps
from consumer.kafka.cluster.controls import controls_steps
from consumer.kafka.cluster.outputs import describe_outputs, unfit_steps
from consumer.kafka.cluster.topics import Step, Topics
from consumer.registry.load import load_catalogue
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


def plan_topics(settings: Settings, *, input_partitions: int | None = None) -> int:
    """Print what `apply` would do; 1 where there is something to do."""
    _topics, steps = _topics_and_steps(settings, input_partitions)
    for step in steps:
        print(f"{step.change:<8} {step}")
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if steps else 0


def apply_topics(
    settings: Settings, config: Mapping[str, str], *, input_partitions: int | None = None
) -> int:
    """
    Make what is missing; 1 where something is left to be done by hand.

    `input_partitions`: to make missing inputs too, with so many partitions.

    Raises:
        TopicsMissing: the brokers refuse a topic.
    """
    topics, steps = _topics_and_steps(settings, input_partitions)
    for line in topics.apply(steps, settings.kafka.replication, config):
        print(line)
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if any(step.change == "by hand" for step in steps) else 0


def _topics_and_steps(
    settings: Settings, input_partitions: int | None
) -> tuple[Topics, list[Step]]:
    catalogue = load_catalogue(settings.policies.folder)
    topics = Topics(kafka_config(settings.kafka))
    partitions = topics.partitions()
    inputs = {} if input_partitions is None else missing_inputs(catalogue, partitions)
    steps = [
        Step(name, input_partitions or 1, f"missing; {set_name}/topic.toml reads it")
        for name, set_name in inputs.items()
    ]
    # Their outputs are planned as if they were there already, so that one call makes all.
    planned = {**partitions, **dict.fromkeys(inputs, input_partitions or 1)}
    steps += topics.plan(catalogue, planned) + controls_steps(partitions)
    steps += audits_steps(catalogue, partitions)
    return topics, steps + unfit(settings, catalogue, partitions)


def missing_inputs(catalogue: Catalogue, partitions: Mapping[str, int]) -> dict[str, str]:
    """Inputs that the policies name and the brokers do not have, each with its policy set."""
    named = {name: catalogue.binding_for(name) for name in catalogue.named_topics}
    return {
        name: binding.set_name
        for name, binding in named.items()
        if binding is not None and name not in partitions
    }


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
