"""Records of the topics that reviewers depend on -> facts about messages."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import orjson
from pydantic import ValidationError

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.messages.retry import FIRST_POSITION
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.verdicts.headers import EVENT, LATEST_MS, percent
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import DeadLetterReason, UndecodableMessage
from consumer.review.cases.facts import About, AppealFact, ReportFact, VerdictFact
from consumer.review.records.complaint import AboutMessage, AppealRecord, ReportRecord
from consumer.review.records.decision import decode_decision
from consumer.review.records.told_envelope import told_envelope

ERASED: Headers = (("safeguard-erased", b"1"),)
"""Of a tombstone that `safeguard review erase` has written: nobody's report, and no fault."""
SEVERITIES = ("low", "medium", "high", "critical")


class Role(Enum):
    """What lies on a topic."""

    VERDICTS = "verdicts"
    REPORTS = "reports"
    APPEALS = "appeals"
    DECISIONS = "decisions"


class Roles(NamedTuple):
    """Which topics reviewers depend on, and what lies on each."""

    roles: Mapping[str, Role]
    inputs: Mapping[str, str]
    """Of a topic that people write to or that decisions are on: the input that it is about."""
    retried: frozenset[str] = frozenset()
    """Inputs whose messages can be judged once more, since they have a retry topic."""

    def of(self, *wanted: Role) -> list[str]:
        """The topics with any of these roles, sorted."""
        return sorted(topic for topic, role in self.roles.items() if role in wanted)


def roles_of(catalogue: Catalogue, topics: Sequence[str]) -> Roles:
    """The topics of all inputs that people review, as far as they are among the broker's."""
    roles: dict[str, Role] = {}
    inputs: dict[str, str] = {}
    for source in catalogue.inputs_among(list(topics)):
        binding = catalogue.binding_for(source)
        if binding is None or binding.review is None or binding.origin_of(source) != source:
            continue
        own = binding.review.topics(source)
        for topic, role in zip(own, (Role.REPORTS, Role.APPEALS, Role.DECISIONS), strict=True):
            roles[topic], inputs[topic] = role, source
        for outcome in Outcome:
            roles[binding.outputs.destination(outcome, source)] = Role.VERDICTS
    present = set(topics)
    retried = frozenset(s for s in inputs.values() if catalogue.retry_topic_of(s) in present)
    return Roles(
        {topic: role for topic, role in roles.items() if topic in present}, inputs, retried
    )


class FactReader:
    """Reads records by the policies of one moment, for the verdicts of one group."""

    def __init__(self, catalogue: Catalogue, roles: Roles, group: str) -> None:
        self._catalogue = catalogue
        self._roles = roles
        self._group = percent(group)

    def read(self, record: Record) -> About | None:
        """
        The fact in a record; None where it says nothing that reviewers have to know.

        Raises:
            UndecodableMessage: what people wrote cannot be read.
        """
        topic = record.position.topic
        if record.value is None and record.headers == ERASED:
            return None
        match self._roles.roles.get(topic):
            case Role.VERDICTS:
                return self._verdict(record)
            case Role.REPORTS:
                return self._report(record, self._roles.inputs[topic])
            case Role.APPEALS:
                return self._appeal(record, self._roles.inputs[topic])
            case Role.DECISIONS:
                about = decode_decision(record)
                return about if about and about.topic == self._roles.inputs[topic] else None
        return None

    def told(self, record: Record) -> About | None:
        """
        What a record says of a message, also where reviewers need not know.

        Raises:
            UndecodableMessage: what people wrote cannot be read.
        """
        if self._roles.roles.get(record.position.topic) is not Role.VERDICTS:
            return self.read(record)
        headers = dict(record.headers)
        return self._any_verdict(record, headers, _text(headers.get("safeguard-outcome")), None)

    def _verdict(self, record: Record) -> About | None:
        # Ours follow what the input brought, and the input's are renamed.
        headers = dict(record.headers)
        supersedes = _text(headers.get("safeguard-supersedes")) or None
        outcome = _text(headers.get("safeguard-outcome"))
        # All that is allowed comes by here, so this is looked at first.
        if supersedes is None and outcome != Outcome.FLAG and EVENT not in headers:
            return None
        if headers.get("safeguard-cause") == Cause.OVERTAKEN.encode():
            # What has its place has a verdict too, and that one says what to do.
            return None
        about = self._any_verdict(record, headers, outcome, supersedes)
        if about is None or outcome == Outcome.FLAG:
            return about
        # Without text there is nothing to show, and the rest is in the other fields.
        assert isinstance(about.fact, VerdictFact)
        return about._replace(fact=replace(about.fact, envelope={}))

    def blocked(self, record: Record) -> About | None:
        """The verdict in a record that blocks, with all that is said of it; None for another."""
        # What people write may have any headers.
        if self._roles.roles.get(record.position.topic) is not Role.VERDICTS:
            return None
        headers = dict(record.headers)
        outcome = _text(headers.get("safeguard-outcome"))
        if outcome != Outcome.BLOCK:
            return None
        supersedes = _text(headers.get("safeguard-supersedes")) or None
        return self._any_verdict(record, headers, outcome, supersedes)

    def _any_verdict(
        self,
        record: Record,
        headers: Mapping[str, bytes | None],
        outcome: str,
        supersedes: str | None,
    ) -> About | None:
        position = Position.parse(_text(headers.get("safeguard-position")))
        name = _text(headers.get("safeguard-verdict-id"))
        if position is None or not name or headers.get("safeguard-group") != self._group:
            return None
        binding = self._catalogue.binding_for(position.topic)
        if binding is None or binding.review is None:
            return None
        envelope = told_envelope(record)
        message_id = _dug(envelope, "message", "id")
        if not isinstance(message_id, str):
            message_id = unquote(_text(headers.get("safeguard-message-id")))
        score = _dug(envelope, "confidence", "score")
        place = position
        if supersedes is not None:
            # A second judgement is on a record of its own, about what was judged first.
            place = Position.parse(_text(headers.get(FIRST_POSITION))) or position
        fact = VerdictFact(
            id=name,
            at_ms=_moment_ms(_text(headers.get("safeguard-judged-at")), record.timestamp_ms),
            position=str(place),
            outcome=outcome,
            cause=_text(headers.get("safeguard-cause")),
            supersedes=supersedes,
            severity=_severity(binding, envelope),
            certainty=score if isinstance(score, float) else None,
            key=None if record.key is None else base64.b64encode(record.key).decode(),
            envelope=envelope,
            event=_text(headers.get(EVENT)) or None,
        )
        return About(binding.origin_of(position.topic), message_id, fact)

    def can_be_judged_again(self, about: About) -> bool:
        """Whether it is a report on an input whose workers can be asked once more."""
        return isinstance(about.fact, ReportFact) and about.topic in self._roles.retried

    def _report(self, record: Record, source: str) -> About:
        found = self._complaint(record, ReportRecord, source)
        fact = ReportFact(
            id=found.id or str(record.position),
            at_ms=_time_ms(found.reported_at, record.timestamp_ms),
            reporter=found.reporter,
            reason=found.reason,
            note=found.note,
            reach=found.reach,
            position=found.position,
            verdict=found.verdict_id,
            outcome=found.outcome,
        )
        return About(source, found.message_id, fact)

    def _appeal(self, record: Record, source: str) -> About:
        found = self._complaint(record, AppealRecord, source)
        fact = AppealFact(
            id=found.id or str(record.position),
            at_ms=_time_ms(found.appealed_at, record.timestamp_ms),
            by=found.by,
            note=found.note,
            position=found.position,
            verdict=found.verdict_id,
        )
        return About(source, found.message_id, fact)

    def _complaint(self, record: Record, model: type[Complaint], source: str) -> Complaint:
        if record.value is None:
            raise UndecodableMessage(DeadLetterReason.TOMBSTONE, "the record has no value")
        try:
            fields = orjson.loads(record.value)
        except orjson.JSONDecodeError as error:
            raise UndecodableMessage(DeadLetterReason.NOT_JSON, f"not JSON: {error}") from None
        try:
            found = model.model_validate(fields)
        except ValidationError as error:
            raise UndecodableMessage(DeadLetterReason.WRONG_SHAPE, told(error)) from None
        position = Position.parse(found.position) if found.position else None
        binding = self._catalogue.binding_for(source)
        if position is not None and binding is not None:
            bound = self._catalogue.binding_for(position.topic)
            if bound is None or bound.origin_of(position.topic) != source:
                raise UndecodableMessage(
                    DeadLetterReason.WRONG_SHAPE, f"position: lies on no topic of {source}"
                )
        return found


Complaint = TypeVar("Complaint", bound=AboutMessage)


def told(error: ValidationError) -> str:
    """Which fields are wrong and how, without what somebody wrote in them."""
    faults = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
    return "; ".join(f"{place or 'value'}: {words}" for place, words in faults)


def _dug(fields: Mapping[str, Any], table: str, name: str) -> object:
    inner = fields.get(table)
    return inner.get(name) if isinstance(inner, dict) else None


def version_of(binding: Binding, named: str) -> PolicyVersion | None:
    """The version of this name (`set@v2`), if it is among the policies."""
    found = (version for version in binding.versions.values() if version.id == named)
    return next(found, binding.live if binding.live.id == named else None)


def _severity(binding: Binding, envelope: Mapping[str, Any]) -> str:
    """Of the gravest policy that did not simply allow it."""
    version = version_of(binding, str(envelope.get("policy_version")))
    judgements = envelope.get("judgements")
    if version is None or not isinstance(judgements, list):
        return "medium"
    named = {j.get("policy") for j in judgements if isinstance(j, dict) and _is_bad(j)}
    grave = [SEVERITIES.index(p.severity) for p in version.policies if p.name in named]
    return SEVERITIES[max(grave)] if grave else "medium"


def _is_bad(judgement: Mapping[str, Any]) -> bool:
    return judgement.get("outcome") != Outcome.ALLOW


def _time_ms(moment: datetime | None, written_ms: int) -> int:
    """When people say that they wrote: not after their record came, whatever their clocks say."""
    if moment is None:
        return _told_ms(written_ms)
    said_ms = _told_ms(round(moment.timestamp() * 1_000))
    # A record of an old client has no time of its own.
    return min(said_ms, _told_ms(written_ms)) if written_ms > 0 else said_ms


def _moment_ms(text: str, otherwise: int) -> int:
    try:
        return _told_ms(round(datetime.fromisoformat(text).timestamp() * 1_000))
    except ValueError:
        return _told_ms(otherwise)


def _told_ms(at_ms: int) -> int:
    """
    A time that can be told: none before 1970 nor after the last year of four digits, which a time
    zone can take a date past.
    """
    return min(max(0, at_ms), LATEST_MS)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "backslashreplace")
