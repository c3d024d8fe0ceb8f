"""Tombstones: only keys under which nothing of anybody else lies are forgotten."""

from __future__ import annotations

from typing import Any

import orjson

from consumer.domain.binding import Catalogue
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.interfaces import Publication
from consumer.pipeline.assignment.assignment import sought_out
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.review.cases.facts import case_id
from consumer.review.records.reading import ERASED, FactReader, roles_of
from consumer.review.records.tombstone import Tombstones
from tests.builders import TOPIC, a_binding, a_message, a_position, a_record, a_verdict

ENDS = ("allow", "flag", "reports", "appeals", "decisions")
MINE = case_id(TOPIC, "m-1")
REPORTS = f"{TOPIC}.reports"


def a_reader() -> FactReader:
    catalogue = Catalogue((a_binding(review=ReviewTerms()),))
    topics = [TOPIC, *(f"{TOPIC}.{end}" for end in ENDS)]
    return FactReader(catalogue, roles_of(catalogue, topics), "safeguard")


def found(*records: Record, cases: tuple[str, ...] = (MINE,), person: str | None = None) -> Any:
    tombstones = Tombstones(a_reader(), cases, person)
    for record in records:
        tombstones.add(record)
    return tombstones.publications()


def a_report(message: str = "m-1", by: str = "u-2", key: bytes | None = b"k") -> Record:
    fields = {"message_id": message, "reporter": by, "reason": "rude"}
    return a_record(orjson.dumps(fields), key=key, position=a_position(4, topic=REPORTS))


def a_verdict_record(**message: Any) -> Record:
    verdict = a_verdict(outcome=Outcome.ALLOW, message=a_message(**message))
    publisher = Publisher("safeguard", DeadLetterEncoder("safeguard", "w"))
    made = publisher.verdict(sought_out(a_record(), a_binding()), verdict).publication
    place = a_position(3, topic=made.topic)
    return a_record(made.value, made.headers, key=made.key, position=place)


def test_what_is_erased_is_followed_by_a_record_without_a_value() -> None:
    """Under its key, in its partition; a report and an allowed verdict alike."""
    assert found(a_report()) == [Publication(REPORTS, 1, b"k", None, ERASED)]
    (made,) = found(a_verdict_record())
    assert (made.topic, made.partition, made.key) == (f"{TOPIC}.allow", 1, b"room-1")
    assert found(a_report("m-2")) == found(a_verdict_record(id="m-2")) == []


def test_a_key_under_which_something_of_others_lies_is_left_alone() -> None:
    """A tombstone would take that as well, whichever comes first."""
    assert found(a_report(), a_report("m-2")) == []
    assert found(a_report("m-2"), a_report()) == []
    assert len(found(a_report(), a_report(), a_report("m-2", key=b"other"))) == 1


def test_what_has_no_key_or_is_gone_already_needs_none() -> None:
    """What lies before a tombstone goes with it, of whomever it was."""
    gone = a_report()._replace(value=None)
    assert found(a_report(key=None)) == []
    assert found(a_report(), gone) == []
    assert len(found(a_report("m-2"), gone, a_report())) == 1


def test_what_cannot_be_read_is_nobodys() -> None:
    """And so is what lies on a topic that reviewers have nothing to do with."""
    assert found(a_report()._replace(value=b"{")) == []
    assert found(a_report()._replace(position=a_position(1, topic="other"))) == []
    foreign = a_verdict_record()
    assert found(foreign._replace(headers=(("safeguard-group", b"x"),))) == []


def test_a_person_is_told_by_what_they_wrote() -> None:
    """Reports, appeals and messages, in whichever case."""
    appeal = orjson.dumps({"message_id": "m-5", "by": "u-7"})
    records = (
        a_report("m-9", by="u-7"),
        a_record(appeal, key=b"a", position=a_position(4, topic=f"{TOPIC}.appeals")),
        a_verdict_record(id="m-8", author="u-7"),
    )
    assert len(found(*records, cases=(), person="u-7")) == 3
    assert found(*records, cases=(), person="u-8") == []
    assert found(*records, cases=()) == []
    nameless = a_verdict_record(id="m-8", author=None)
    assert found(nameless, cases=(), person=None) == []


def test_our_own_tombstone_is_no_report_that_cannot_be_read() -> None:
    """Else each would be a dead letter."""
    assert a_reader().read(a_report()._replace(value=None, headers=ERASED)) is None
