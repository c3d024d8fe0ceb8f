"""Announcement: a decision as the records that tell of it, for the topics of its input. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from zlib import crc32

from pydantic import ValidationError

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Headers, Message, Position, Record
from consumer.domain.messages.retry import second_judgement
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.statement import StatementTerms
from consumer.domain.verdicts.verdict import Cause, Verdict
from consumer.errors import ConsumerError, Rejected
from consumer.interfaces import Publication
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.superseding import Superseder, Superseding
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import About, DecisionFact, VerdictFact
from consumer.review.records.decision import encode_decision
from consumer.review.records.reading import told, version_of
from consumer.review.records.restriction import (
    Restriction,
    decided_restriction,
    verdict_restriction,
)
from consumer.review.records.statement import (
    encode_statement,
    statement_of,
)


class Unpublishable(ConsumerError):
    """It can never be published; what it says tells why."""


class Announcements:
    """Makes the records, by the policies of one moment."""

    def __init__(
        self, catalogue: Catalogue, publisher: Publisher, partitions: Mapping[str, int]
    ) -> None:
        """`partitions`: how many each topic has."""
        self._catalogue = catalogue
        self._publisher = publisher
        self._partitions = partitions

    def decision(self, case: ReviewCase, decision: DecisionFact) -> Publication:
        """
        The record on the input's topic of decisions, in the message's own partition.

        Raises:
            Unpublishable: nobody reviews the input any more.
        """
        review = self._binding(case).review
        if review is None:
            raise Unpublishable(f"no [review] in the policies of {case.topic} any more")
        about = About(case.topic, case.message_id, decision)
        value, headers = encode_decision(about, decision)
        topic = review.topics(case.topic).decisions
        partition = self._partition(topic, case, decision)
        return Publication(topic, partition, _key(case), value, headers)

    def statement(self, case: ReviewCase, decision: DecisionFact) -> Publication:
        """
        The statement of reasons for what the decision restricts.

        Raises:
            Unpublishable: the topic wants none by now, or what it says is no statement.
        """
        binding = self._binding(case)
        terms = binding.review.statements if binding.review is not None else None
        found = decided_restriction(case, decision, terms) if terms is not None else None
        if terms is None or terms.topic is None or found is None:
            raise Unpublishable(f"[review.statements] of {case.topic} asks for no statement by now")
        value, headers = _stated(found, _version(binding, case.flagged), terms)
        topic = terms.topic.replace("{topic}", case.topic)
        partition = self._partition(topic, case, decision)
        return Publication(topic, partition, _key(case), value, headers)

    def blocked(self, record: Record, about: About) -> Publication | None:
        """
        The statement for what a worker's verdict blocks, in the partition of its record.

        None where the topic wants none of it.

        Raises:
            Unpublishable: what it says is no statement.
        """
        binding = self._catalogue.binding_for(about.topic)
        terms = binding.review.statements if binding is not None and binding.review else None
        if binding is None or terms is None or terms.topic is None:
            return None
        assert isinstance(about.fact, VerdictFact)
        found = verdict_restriction(about.fact, record.timestamp_ms, terms)
        if found is None:
            return None
        named = about.fact.envelope.get("policy_version")
        version = version_of(binding, str(named)) if named else binding.live
        topic = terms.topic.replace("{topic}", about.topic)
        value, headers = _stated(found, version, terms)
        return Publication(topic, record.position.partition, record.key, value, headers)

    def _partition(self, topic: str, case: ReviewCase, decision: DecisionFact) -> int:
        place = Position.parse(decision.position or "")
        if place is not None:
            return place.partition
        # Nobody said where it lies: any partition will do, the same one each time.
        return crc32(case.id.encode()) % self._partitions.get(topic, 1)

    def verdict(
        self, case: ReviewCase, decision: DecisionFact, record: Record | None
    ) -> Publication:
        """
        The verdict that supersedes the one decided about; `record` is the message's, if it is left.

        Raises:
            Unpublishable: there is nothing left to publish, or it does not fit its topic.
        """
        binding = self._binding(case)
        place = Position.parse(decision.position or "")
        if place is None or decision.supersedes is None:
            raise Unpublishable("nobody said which verdict it replaces")
        flagged = case.flagged
        if record is None:
            if binding.outputs.payload == "passthrough":
                raise Unpublishable(f"the record at {place} is gone, and verdicts carry it whole")
            record = Record(place, decision.at_ms, _key(case), None)
        message = _message(record, binding, case, flagged)
        verdict = Verdict(
            id="",
            outcome=Outcome(decision.outcome),
            cause=Cause(decision.cause),
            message=message,
            version=_version(binding, flagged),
            judged_at_ms=decision.at_ms,
        )
        superseder = Superseder(self._publisher, Cause(decision.cause), decision.id)
        found = superseder.supersede(record, binding, verdict, decision.supersedes)
        if not isinstance(found, Superseding):
            raise Unpublishable(f"the verdict does not fit its topic: {found}")
        return found.publication

    def second_judgement(
        self, case: ReviewCase, verdict: str, record: Record | None
    ) -> Publication:
        """
        The record of a reported message, for the workers to judge in the place of that verdict.

        Raises:
            Unpublishable: it is gone, or what lies there is another message.
        """
        binding = self._binding(case)
        topic = self._catalogue.retry_topic_of(case.topic)
        if record is None or topic is None:
            raise Unpublishable(f"nothing to judge once more: no record at {case.version}")
        if record.value is None or _message(record, binding, case, None).event == "delete":
            raise Unpublishable(f"the record at {record.position} says nothing that can be judged")
        headers = second_judgement(record, case.topic, verdict)
        return Publication(topic, record.position.partition, record.key, record.value, headers)

    def _binding(self, case: ReviewCase) -> Binding:
        binding = self._catalogue.binding_for(case.topic)
        if binding is None:
            raise Unpublishable(f"no policy binds {case.topic} any more")
        return binding


def _stated(
    found: Restriction, version: PolicyVersion | None, terms: StatementTerms
) -> tuple[bytes, Headers]:
    try:
        return encode_statement(statement_of(found, version, terms))
    except ValidationError as error:
        raise Unpublishable(f"the database would refuse the statement: {told(error)}") from None


def _key(case: ReviewCase) -> bytes | None:
    """The message's key, where a verdict has told it."""
    told = next((verdict.key for verdict in reversed(case.verdicts) if verdict.key), None)
    return None if told is None else base64.b64decode(told)


def _message(
    record: Record, binding: Binding, case: ReviewCase, flagged: VerdictFact | None
) -> Message:
    """
    The message as its record has it, else as the verdict that flagged it has it.

    Raises:
        Unpublishable: people said where it lies, and what lies there is not known to be it.
    """
    if record.value is not None:
        try:
            message = decode(record, binding.reading)
        except Rejected:
            # The policies read it another way by now; what was judged is in the envelope.
            pass
        else:
            if flagged is None and message.id != case.message_id:
                raise Unpublishable(f"the record at {record.position} is another message")
            return message
    if flagged is None:
        raise Unpublishable(f"the record at {record.position} cannot be read any more")
    about = flagged.envelope.get("message", {})
    return Message(
        record.position,
        record.timestamp_ms,
        # What goes to allow and block has no text.
        "",
        case.message_id,
        author=about.get("author"),
        conversation=about.get("conversation"),
        language=about.get("language"),
    )


def _version(binding: Binding, flagged: VerdictFact | None) -> PolicyVersion:
    """The version that judged it, by name and digest if its folder is gone; else the live one."""
    if flagged is None:
        return binding.live
    named = str(flagged.envelope.get("policy_version", ""))
    found = version_of(binding, named)
    if found is not None:
        return found
    name, _, number = named.rpartition("@v")
    digest = str(flagged.envelope.get("policy_digest", ""))
    return PolicyVersion(name, int(number), (), digest) if number.isdecimal() else binding.live
