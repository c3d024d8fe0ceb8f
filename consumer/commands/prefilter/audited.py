"""The command `audits`: what the audits of a live filter or decision stage have shown by now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from consumer.commands.terminal import tell
from consumer.domain.counted import counted
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.kafka.cluster.audits import AUDITS_TOPIC, AuditLog
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.audited import AuditedStage, why_off
from consumer.screening.audits.forecast import Stream, messages_to_alarm, messages_to_certify
from consumer.screening.audits.note import read_note
from consumer.screening.audits.prevalence import PrevalenceEstimate
from consumer.screening.audits.watch import FilterStanding, FilterWatch
from consumer.screening.filters import named_filter, stages_of
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config

FALLEN_BY = 0.05
"""A fall of the recall of which it is said how soon the alarm sees it."""


def tell_audits(
    settings: Settings, topic: str, *, stage: Cause = Cause.PREFILTER, as_json: bool
) -> int:
    """
    Read all notes as a worker does and print what they come to; 0 while the stage is on.

    Raises:
        InvalidSettings: the topic has no such stage for its live version.
        TopicsMissing: there are no notes.
        BrokerUnavailable: they cannot be read now.
    """
    binding = binding_of(load_catalogue(settings.policies.folder), topic)
    if stage not in stages_of(binding):
        raise InvalidSettings(
            f"{binding.set_name}/topic.toml names no filter: write [screening.{stage.value}]"
        )
    _, filtering, problem = named_filter(binding, stage)
    if filtering is None:
        raise InvalidSettings(f"{topic} has no filter to watch: {problem}")
    watch = _read(settings, filtering)
    standing, languages = watch.standing, watch.by_language()
    needed = _needed(filtering, standing)
    fields = {
        "filter": filtering.digest,
        "version": binding.live.id,
        "on": standing.is_on,
        "alarmed": standing.is_alarmed,
        "recall_demanded": filtering.terms.recall,
        "recall_shown": standing.is_shown,
        "recall": standing.bounds._asdict(),
        "positives": standing.positives,
        "missed": standing.missed,
        "messages": standing.messages,
        "prevalence": _figures(standing.prevalence),
        "prevalence_by_language": {n or "-": _figures(each) for n, each in languages.items()},
        **{name: None if math.isinf(value) else round(value) for name, value in needed.items()},
    }
    tell(fields, _lines(filtering, binding.live.id, standing, languages, needed), as_json=as_json)
    return 0 if standing.is_on else 1


def _read(settings: Settings, filtering: AuditedStage) -> FilterWatch:
    watch = filtering.watch_anew()

    def take(value: bytes | None) -> None:
        note = read_note(value)
        if note is not None:
            watch.add(note)

    with closing(AuditLog(kafka_config(settings.kafka), take, watch.miss_some)) as log:
        if not log.read():
            raise TopicsMissing(
                f"there is no topic {AUDITS_TOPIC}: `safeguard topics apply` makes it"
            )
    return watch


def _needed(filtering: AuditedStage, standing: FilterStanding) -> dict[str, float]:
    """Messages until something is shown, at the prevalence that the audits have found."""
    terms = filtering.terms
    share = standing.prevalence.share if standing.prevalence else 0.0
    fallen = Stream(share, max(0.0, terms.recall - FALLEN_BY))
    return {
        "messages_to_evidence": messages_to_certify(terms, Stream(share, filtering.recall_shown)),
        "messages_to_alarm": messages_to_alarm(terms, fallen),
    }


def _lines(
    filtering: AuditedStage,
    version: str,
    standing: FilterStanding,
    languages: Mapping[str, PrevalenceEstimate],
    needed: Mapping[str, float],
) -> list[str]:
    terms, (low, high) = filtering.terms, standing.bounds
    by_notes = "on"
    if not standing.is_on:
        by_notes = why_off(filtering.stage, standing)
    shown = "shown anew on live traffic"
    if not standing.is_shown:
        shown = (
            f"not shown anew yet; from nothing it takes {_about(needed['messages_to_evidence'])}"
        )
    lines = [
        f"{filtering.stage.value} {filtering.digest} for {version}: {by_notes}",
        f"recall {terms.recall:g} is demanded: {shown}",
        f"recall between {low:g} and {high:g}, with confidence {1 - terms.alpha:g} however often "
        f"one looks: of {counted(standing.positives, 'positive')} in {standing.messages:,} "
        f"messages audits found {standing.missed} that it had settled",
        f"a fall by {FALLEN_BY:g} raises the alarm after {_about(needed['messages_to_alarm'])}",
        f"{_said(standing.prevalence)} of the messages are not allowed",
    ]
    return [*lines, *(f"  {name or '-'}: {_said(each)}" for name, each in languages.items())]


def _about(messages: float) -> str:
    return "no number of messages" if math.isinf(messages) else f"about {messages:,.0f} messages"


def _said(estimate: PrevalenceEstimate | None) -> str:
    if estimate is None:
        return "an unknown share"
    return f"{estimate.share:.2%} [{estimate.low:.2%}, {estimate.high:.2%}]"


def _figures(estimate: PrevalenceEstimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {name: round(value, 6) for name, value in estimate._asdict().items()}
