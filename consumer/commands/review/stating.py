"""The command `review statements`: a statement of reasons for each restriction, as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pydantic import ValidationError
from rich.console import Console

from consumer.commands.review.room import opened
from consumer.commands.terminal import bars, read
from consumer.domain.counted import counted
from consumer.domain.policy import Outcome
from consumer.domain.statement import StatementTerms
from consumer.errors import InvalidSettings
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import VerdictFact
from consumer.review.records.reading import FactReader, Role, roles_of, told, version_of
from consumer.review.records.restriction import (
    Restriction,
    decided_restriction,
    verdict_restriction,
)
from consumer.review.records.statement import encode_statement, statement_of
from consumer.review.room import ReviewRoom
from consumer.review.store.survey import decided
from consumer.settings.settings import Settings

Found = tuple[str, str | None, Restriction]
"""An input, the policy version that judged, and what was restricted."""


def list_statements(settings: Settings, since_ms: int, *, people_alone: bool) -> int:
    """
    Print the statement of every restriction since a time; 1 where one could not be made.

    Those of people are in the store, those of workers on the topics that they block to.

    Raises:
        InvalidSettings: no topic wants statements.
        BrokerUnavailable: a topic cannot be read.
    """
    faults = 0
    with opened(settings) as room:
        if not any(b.review and b.review.statements for b in room.catalogue.bindings):
            raise InvalidSettings(
                "nothing asks for statements: write a table [review.statements] in a topic.toml"
            )
        sources = [_of_people(room, since_ms)]
        if not people_alone:
            sources.append(_of_workers(settings, room, since_ms))
        for found in sources:
            for topic, version, restriction in found:
                faults += not _printed(room, topic, version, restriction)
    if faults:
        print(f"{counted(faults, 'statement')} could not be made", file=sys.stderr)
    return 1 if faults else 0


def _printed(room: ReviewRoom, topic: str, version: str | None, found: Restriction) -> bool:
    binding, terms = room.catalogue.binding_for(topic), statement_terms(room, topic)
    assert binding is not None
    assert terms is not None
    known = version_of(binding, version) if version is not None else binding.live
    try:
        value, _ = encode_statement(statement_of(found, known, terms))
    except ValidationError as error:
        print(f"{found.puid}: {told(error)}", file=sys.stderr)
        return False
    print(value.decode())
    return True


def statement_terms(room: ReviewRoom, topic: str) -> StatementTerms | None:
    """What an input wants of statements; None where it wants none."""
    binding = room.catalogue.binding_for(topic)
    return binding.review.statements if binding is not None and binding.review else None


def _of_people(room: ReviewRoom, since_ms: int) -> Iterator[Found]:
    for case, decision in decided(room.database, room.book, since_ms):
        terms = statement_terms(room, case.topic)
        found = decided_restriction(case, decision, terms) if terms is not None else None
        if found is not None:
            yield case.topic, _judged_by(case), found


def _judged_by(case: ReviewCase) -> str | None:
    return str(case.flagged.envelope.get("policy_version")) if case.flagged is not None else None


def _of_workers(settings: Settings, room: ReviewRoom, since_ms: int) -> Iterator[Found]:
    partitions = Topics(room.kafka).partitions()
    roles = roles_of(room.catalogue, list(partitions))
    reader = FactReader(room.catalogue, roles, settings.kafka.group)
    blocked = {
        binding.outputs.destination(Outcome.BLOCK, source)
        for source in room.catalogue.inputs_among(list(partitions))
        if (binding := room.catalogue.binding_for(source)) is not None
        and statement_terms(room, source) is not None
    }
    scan = TopicReader(room.kafka)
    spans = [
        span
        for name in sorted(blocked & set(roles.of(Role.VERDICTS)))
        for span in scan.spans(
            name, partitions[name], scan.starts_at(name, partitions[name], since_ms)
        )
    ]
    with bars(Console(stderr=True)) as progress:
        for batch in read(scan, spans, progress, "verdicts"):
            for record in batch:
                about = reader.blocked(record)
                terms = statement_terms(room, about.topic) if about is not None else None
                if about is None or terms is None or not isinstance(about.fact, VerdictFact):
                    continue
                if about.fact.at_ms < since_ms:
                    continue
                found = verdict_restriction(about.fact, record.timestamp_ms, terms)
                if found is not None:
                    named = about.fact.envelope.get("policy_version")
                    yield about.topic, str(named) if named else None, found
