"""The commands `on` and `off`: a person's word on a filter or decision stage, to all workers."""

from __future__ import annotations

from typing import Literal

from consumer.domain.binding import Binding
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import BrokerUnavailable, InvalidSettings, TopicsMissing
from consumer.kafka.cluster.audits import AUDITS_TOPIC, write_note
from consumer.kafka.cluster.topics import Topics
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.audits.note import AuditNote
from consumer.screening.filters import named_digest, named_filter, stages_of
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


def switch_filter(
    settings: Settings,
    topic: str,
    kind: Literal["switched on", "switched off"],
    stage: Cause = Cause.PREFILTER,
) -> int:
    """
    Tell all workers to use a topic's filter, or to ask the model for everything; 0.

    Raises:
        InvalidSettings: the topic has no filter for its live version.
        TopicsMissing: there is nothing yet to write it to.
        BrokerUnavailable: nothing is known to have been stored.
    """
    binding = binding_of(load_catalogue(settings.policies.folder), topic)
    if stage not in stages_of(binding):
        raise InvalidSettings(
            f"{binding.set_name}/topic.toml names no filter: write [screening.{stage.value}]"
        )
    digest = _digest(binding, topic, stage, is_on=kind == "switched on")
    config = kafka_config(settings.kafka)
    if AUDITS_TOPIC not in Topics(config).partitions():
        raise TopicsMissing(f"there is no topic {AUDITS_TOPIC}: `safeguard topics apply` makes it")
    note = AuditNote(kind=kind, version=binding.live.digest, artefact=digest)
    fault = write_note(config, note.encode())
    if fault is not None:
        raise BrokerUnavailable(
            f"{AUDITS_TOPIC} cannot be written: {fault}. Look at the brokers and at our right to "
            "write there, and say it again"
        )
    word = "on" if kind == "switched on" else "off"
    print(f"the filter {digest} of {binding.live.id} is switched {word}")
    return 0


def _digest(binding: Binding, topic: str, stage: Cause, *, is_on: bool) -> str:
    """Of the filter in force; whoever switches one on needs one that workers can use."""
    try:
        digest = named_digest(binding, stage)
    except InvalidSettings as error:
        raise InvalidSettings(f"{topic} has no filter to switch: {error}") from error
    if is_on:
        named_filter(binding, stage)
    return digest
