"""Records of others become facts, or are refused with what is wrong; nothing else happens."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.message import Headers, Record
from consumer.domain.messages.retry import retry_headers, second_judgement
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.verdicts.certainty import Certainty
from consumer.domain.verdicts.headers import rfc3339
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import DeadLetterReason, UndecodableMessage
from consumer.pipeline.assignment.assignment import sought_out
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.review.cases.facts import About, AppealFact, ReportFact, VerdictFact
from consumer.review.records.decision import DecisionRecord, encode_decision
from consumer.review.records.reading import FactReader, Role, roles_of, version_of
from tests.builders import (
    TIMESTAMP_MS,
    TOPIC,
    a_binding,
    a_judgement,
    a_message,
    a_policy,
    a_position,
    a_record,
    a_verdict,
    a_version,
)
from tests.cases import a_decision, about

GROUP = "safeguard"
TOPICS = [
    TOPIC,
    *(f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "reports", "appeals", "decisions")),
]
POSITION = f"{TOPIC}/1/7"
REPORT = {"message_id": "m-1", "reporter": "u-2", "reason": "rude"}
APPEAL = {"message_id": "m-1", "by": "u-1"}


def reader(binding: Binding | None = None, group: str = GROUP) -> FactReader:
    found = binding or a_binding(review=ReviewTerms())
    catalogue = Catalogue((found,))
    return FactReader(catalogue, roles_of(catalogue, TOPICS), group)


def published(group: str = GROUP, **changes: Any) -> Record:
    """A verdict as a worker publishes it."""
    verdict = a_verdict(**changes)
    publisher = Publisher(group, DeadLetterEncoder(group, "w"))
    binding = a_binding(review=ReviewTerms())
    found = publisher.verdict(sought_out(a_record(), binding), verdict).publication
    position = a_position(3, topic=found.topic)
    return Record(position, TIMESTAMP_MS + 900, found.key, found.value, found.headers)


def written(end: str, fields: object, headers: Headers = ()) -> Record:
    value = fields if isinstance(fields, bytes) or fields is None else orjson.dumps(fields)
    return a_record(value, headers, position=a_position(4, topic=f"{TOPIC}.{end}"))


def test_the_topics_of_inputs_that_people_review_have_roles() -> None:
    """Only those that the broker has; of others nothing is followed."""
    catalogue = Catalogue((a_binding(review=ReviewTerms()),))
    roles = roles_of(catalogue, [*TOPICS, "other"])

    assert roles.of(Role.VERDICTS) == [f"{TOPIC}.allow", f"{TOPIC}.block", f"{TOPIC}.flag"]
    assert roles.of(Role.REPORTS, Role.DECISIONS) == [f"{TOPIC}.decisions", f"{TOPIC}.reports"]
    assert roles.of(Role.APPEALS) == [f"{TOPIC}.appeals"]
    assert roles_of(catalogue, [TOPIC]).roles == {}
    assert roles_of(Catalogue((a_binding(),)), TOPICS).roles == {}


def test_a_verdict_that_flags_is_a_fact_with_all_that_a_reviewer_needs() -> None:
    record = published(
        outcome=Outcome.FLAG,
        judgements=(a_judgement("HH1", certainty=Certainty(0.75, True, ())),),
    )
    found = reader(a_binding(review=ReviewTerms(), live=a_version(a_policy(severity="high")))).read(
        record
    )
    assert found is not None
    assert (found.topic, found.message_id) == (TOPIC, "m-1")
    fact = found.fact
    assert isinstance(fact, VerdictFact)
    assert fact.id == a_verdict().id
    assert fact.at_ms == TIMESTAMP_MS + 500
    assert (fact.position, fact.outcome, fact.cause) == (POSITION, "flag", "model")
    assert (fact.supersedes, fact.severity, fact.certainty) == (None, "high", 0.75)
    assert fact.key == "cm9vbS0x"
    assert fact.envelope["message"]["text"] == "hello there"


def test_the_gravest_policy_that_did_not_allow_it_counts() -> None:
    policies = (a_policy(severity="low"), a_policy(name="spam", severity="critical"))
    binding = a_binding(review=ReviewTerms(), live=a_version(*policies))
    allowed = a_judgement("HH0", policy="spam")
    flagged = a_judgement("HH1")
    for judgements, severity in (
        ((flagged, allowed), "low"),
        ((flagged, allowed._replace(outcome=Outcome.FLAG)), "critical"),
        ((allowed,), "medium"),
        ((), "medium"),
    ):
        found = reader(binding).read(published(outcome=Outcome.FLAG, judgements=judgements))
        assert found is not None
        assert isinstance(found.fact, VerdictFact)
        assert found.fact.severity == severity
    gone = published(outcome=Outcome.FLAG, version=a_version(number=9), judgements=(flagged,))
    found = reader(binding).read(gone)
    assert found is not None
    assert isinstance(found.fact, VerdictFact)
    assert found.fact.severity == "medium", "its version is not among the policies any more"


def test_what_was_allowed_is_passed_over_unless_it_supersedes() -> None:
    assert reader().read(published(outcome=Outcome.ALLOW)) is None
    assert reader().read(published(outcome=Outcome.BLOCK)) is None
    found = reader().read(
        published(outcome=Outcome.ALLOW, cause=Cause.REPLAY, supersedes="v0", judged_at_ms=0)
    )
    assert found is not None
    fact = found.fact
    assert isinstance(fact, VerdictFact)
    assert (fact.supersedes, fact.cause, fact.outcome) == ("v0", "replay", "allow")
    assert (fact.at_ms, fact.envelope) == (0, {})


def test_a_record_that_went_on_as_it_came_is_read_by_its_headers() -> None:
    record = published(outcome=Outcome.ALLOW, cause=Cause.REPLAY, supersedes="v0")
    bare = tuple(
        (name, value) for name, value in record.headers if not name.startswith(("ce_", "content"))
    )
    found = reader().read(record._replace(value=b'{"text":"as it came"}', headers=bare))
    assert found is not None
    assert found.message_id == "m-1"


def test_verdicts_of_other_groups_and_unreadable_ones_are_passed_over() -> None:
    """They lie on our own topics, and stay there; nothing of them is guessed."""
    record = published(outcome=Outcome.FLAG)
    assert reader(group="another").read(record) is None
    assert reader().read(record._replace(headers=())) is None
    for name in ("safeguard-position", "safeguard-verdict-id"):
        headers = tuple(h for h in record.headers if h[0] != name)
        assert reader().read(record._replace(headers=headers)) is None
    elsewhere = (*record.headers, ("safeguard-position", b"other/0/1"))
    assert reader().read(record._replace(headers=elsewhere)) is None
    assert reader().read(a_record()) is None


@pytest.mark.parametrize("value", [b"{", b"[1]", b"null", None])
def test_an_envelope_that_cannot_be_read_leaves_what_the_headers_say(value: bytes | None) -> None:
    found = reader().read(published(outcome=Outcome.FLAG)._replace(value=value))
    assert found is not None
    assert isinstance(found.fact, VerdictFact)
    assert (found.message_id, found.fact.envelope) == ("m-1", {})
    assert (found.fact.severity, found.fact.certainty) == ("medium", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "x"},
        {"message": {"text": 5}},
        {"message": {"context": ["x"]}},
        {"judgements": None},
        {"judgements": ["x"]},
        {"judgements": [{"policy": []}]},
        {"judgements": [{"policy": "a", "label": "b", "outcome": "flag", "rules": [{}]}]},
        {"judgements": [{"policy": "a", "label": "b", "outcome": "flag", "certainty": 1}]},
    ],
)
def test_an_envelope_of_another_shape_stops_nothing(changes: dict[str, object]) -> None:
    """Nor does a later release that says more: people are asked by what the headers say."""
    record = published(outcome=Outcome.FLAG)
    envelope = orjson.loads(record.value or b"")
    found = reader().read(record._replace(value=orjson.dumps(envelope | changes)))
    assert found is not None
    assert isinstance(found.fact, VerdictFact)
    assert (found.message_id, found.fact.outcome, found.fact.envelope) == ("m-1", "flag", {})
    more = envelope | {"more": changes}
    found = reader().read(record._replace(value=orjson.dumps(more)))
    assert found is not None
    assert isinstance(found.fact, VerdictFact)
    assert found.fact.envelope == more


def test_an_odd_time_is_the_records_own() -> None:
    record = published(outcome=Outcome.FLAG)
    for said, at_ms in ((b"yesterday", TIMESTAMP_MS + 900), (b"", TIMESTAMP_MS + 900)):
        headers = (*record.headers, ("safeguard-judged-at", said))
        found = reader().read(record._replace(headers=headers))
        assert found is not None
        assert found.fact.at_ms == at_ms
    timeless = record._replace(headers=headers, timestamp_ms=-1)
    found = reader().read(timeless)
    assert found is not None
    assert found.fact.at_ms == 0


def test_a_report_is_a_fact() -> None:
    full = REPORT | {
        "id": "r-1",
        "note": "look",
        "reach": 40,
        "position": POSITION,
        "verdict_id": "v1",
        "reported_at": "2026-01-01T01:00:00+01:00",
        "of_the_platforms_own": [1],
    }
    fact = ReportFact("r-1", 1_767_225_600_000, "u-2", "rude", "look", 40, POSITION, "v1")
    assert reader().read(written("reports", full)) == About(TOPIC, "m-1", fact)
    bare = reader().read(written("reports", REPORT | {"message_id": 12, "reporter": 7}))
    assert bare == About(TOPIC, "12", ReportFact(f"{TOPIC}.reports/1/4", TIMESTAMP_MS, "7", "rude"))
    timeless = written("reports", REPORT)._replace(timestamp_ms=-1)
    found = reader().read(timeless)
    assert found is not None
    assert found.fact.at_ms == 0


def test_an_appeal_is_a_fact() -> None:
    full = APPEAL | {"note": "a joke", "appealed_at": "2026-01-01T00:00:00Z", "verdict_id": "v1"}
    fact = AppealFact(f"{TOPIC}.appeals/1/4", 1_767_225_600_000, "u-1", "a joke", None, "v1")
    assert reader().read(written("appeals", full)) == About(TOPIC, "m-1", fact)


@pytest.mark.parametrize(
    ("end", "fields", "reason", "words"),
    [
        ("reports", None, DeadLetterReason.TOMBSTONE, "no value"),
        ("reports", b"{", DeadLetterReason.NOT_JSON, "not JSON"),
        ("reports", b'"\\ud800"', DeadLetterReason.NOT_JSON, "not JSON"),
        ("reports", b"\xff", DeadLetterReason.NOT_JSON, "not JSON"),
        ("reports", [], DeadLetterReason.WRONG_SHAPE, "value: "),
        ("reports", {}, DeadLetterReason.WRONG_SHAPE, "message_id: Field required; reporter"),
        ("reports", REPORT | {"reason": ""}, DeadLetterReason.WRONG_SHAPE, "reason: "),
        ("reports", REPORT | {"reach": -1}, DeadLetterReason.WRONG_SHAPE, "reach: "),
        ("reports", REPORT | {"reporter": "x" * 1_001}, DeadLetterReason.WRONG_SHAPE, "reporter:"),
        ("reports", REPORT | {"note": "x" * 10_001}, DeadLetterReason.WRONG_SHAPE, "note: "),
        ("reports", REPORT | {"reported_at": "soon"}, DeadLetterReason.WRONG_SHAPE, "reported_at"),
        (
            "reports",
            REPORT | {"reported_at": "2026-01-01T00:00:00"},
            DeadLetterReason.WRONG_SHAPE,
            "reported_at",
        ),
        ("reports", REPORT | {"position": "here"}, DeadLetterReason.WRONG_SHAPE, "position: "),
        ("reports", REPORT | {"position": "x/0/1"}, DeadLetterReason.WRONG_SHAPE, "on no topic of"),
        ("appeals", {"message_id": "m"}, DeadLetterReason.WRONG_SHAPE, "by: Field required"),
        ("appeals", APPEAL | {"by": "\n" * 2_000}, DeadLetterReason.WRONG_SHAPE, "by: "),
    ],
)
def test_what_people_wrote_and_nobody_can_read_is_refused_with_its_reason(
    end: str, fields: object, reason: DeadLetterReason, words: str
) -> None:
    """Which field and how, and nothing of what somebody wrote there."""
    with pytest.raises(UndecodableMessage, match=words) as refused:
        reader().read(written(end, fields))
    assert refused.value.reason == reason
    assert "xxx" not in str(refused.value)
    assert "soon" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "at_ms"),
    [
        ("2025-12-31T00:00:00Z", 1_767_139_200_000),
        ("9999-12-31T23:59:59-14:00", TIMESTAMP_MS),
        ("0001-01-01T00:00:00+14:00", 0),
        (TIMESTAMP_MS / 1_000 + 1, TIMESTAMP_MS),
    ],
)
def test_a_time_that_people_give_is_not_to_come_and_can_be_told(said: object, at_ms: int) -> None:
    """Else a report would wait for a year that nobody sees, or no page could show its case."""
    for end, fields in (
        ("reports", REPORT | {"reported_at": said}),
        ("appeals", APPEAL | {"appealed_at": said}),
    ):
        found = reader().read(written(end, fields))
        assert found is not None
        assert found.fact.at_ms == at_ms
    undated = written("reports", REPORT | {"reported_at": said})
    found = reader().read(Record(undated.position, -1, undated.key, undated.value, ()))
    assert found is not None
    assert rfc3339(found.fact.at_ms)[:4].isdecimal()


def test_a_report_may_name_a_record_of_the_retry_topic() -> None:
    """What was retried is judged there, and its input is the same."""
    found = reader().read(written("reports", REPORT | {"position": f"{TOPIC}.retry/0/1"}))
    assert found is not None


def test_a_decision_is_read_back_as_it_was_written() -> None:
    decision = a_decision(
        label="harassment.HH2", rule="HH2.a", appeals=("a1",), approved_by="bob", follows="d0"
    )
    said = about(decision)
    value, headers = encode_decision(said, decision)

    assert reader().read(written("decisions", value, headers)) == said
    later = orjson.loads(value) | {"more": 1}
    assert reader().read(written("decisions", later)) == said, "of a later release"
    properties = DecisionRecord.model_json_schema()["properties"]
    assert "second person" in properties["approved_by"]["description"]
    assert dict(headers)["safeguard-decision-id"] == b"d1"
    assert all((value or b"").isascii() for _, value in headers)
    elsewhere = about(decision, topic="comments")
    value, headers = encode_decision(elsewhere, decision)
    assert reader().read(written("decisions", value, headers)) is None


@pytest.mark.parametrize(
    "changes",
    [{"case": "another"}, {"decided_at": "soon"}, {"outcome": "flag"}, {"id": None}],
)
def test_what_is_no_decision_of_ours_is_none(changes: dict[str, object]) -> None:
    decision = a_decision()
    value, _ = encode_decision(about(decision), decision)
    assert reader().read(written("decisions", orjson.loads(value) | changes)) is None
    assert reader().read(written("decisions", None)) is None


def test_a_version_is_found_by_its_name() -> None:
    old = a_version(number=1)
    binding = a_binding(live=a_version(number=2), versions={1: old})

    assert version_of(binding, f"{TOPIC}@v1") is old
    assert version_of(binding, f"{TOPIC}@v2") is binding.live
    assert version_of(binding, f"{TOPIC}@v3") is None


def test_the_message_keeps_the_id_that_the_envelope_has_whole() -> None:
    """The header is cut at 256 characters."""
    long = "x" * 300
    found = reader().read(published(outcome=Outcome.FLAG, message=a_message(id=long)))
    assert found is not None
    assert found.message_id == long


def test_a_block_is_read_with_all_that_is_said_of_it() -> None:
    """From the topics of verdicts alone: headers in a report are anybody's."""
    blocked = published(outcome=Outcome.BLOCK, judgements=(a_judgement("HH2"),))
    found = reader().blocked(blocked)
    assert found is not None
    assert isinstance(found.fact, VerdictFact)
    assert (found.topic, found.message_id, found.fact.outcome) == (TOPIC, "m-1", "block")
    assert found.fact.envelope["judgements"][0]["label"] == "HH2"
    assert reader().read(blocked) is None
    assert reader().blocked(published(outcome=Outcome.ALLOW)) is None
    assert reader(group="other").blocked(blocked) is None
    assert reader().blocked(written("reports", REPORT, blocked.headers)) is None


@pytest.mark.parametrize("event", ["edit", "delete"])
def test_edits_and_deletions_are_facts_wherever_they_go(event: Any) -> None:
    """An allow and a block have no text to show; which message it is, the id says."""
    cause = Cause.MODEL if event == "edit" else Cause.DELETED
    for outcome in (Outcome.ALLOW, Outcome.BLOCK):
        message = a_message(event=event, id="m 1")
        found = reader().read(published(outcome=outcome, cause=cause, message=message))
        assert found is not None
        assert found.message_id == "m 1"
        assert isinstance(found.fact, VerdictFact)
        assert (found.fact.cause, found.fact.outcome) == (cause, outcome)
        assert (found.fact.envelope, found.fact.supersedes) == ({}, None)
        assert found.fact.event == event
    flagged = reader().read(published(outcome=Outcome.FLAG, message=a_message(event=event)))
    assert flagged is not None
    assert isinstance(flagged.fact, VerdictFact)
    assert flagged.fact.envelope["event"] == event


def test_what_was_overtaken_is_no_fact() -> None:
    """What has its place tells all that there is to know."""
    message = a_message(event="edit")
    record = published(outcome=Outcome.BLOCK, cause=Cause.OVERTAKEN, message=message)
    assert reader().read(record) is None


def test_a_second_judgement_is_about_the_version_that_was_judged_first() -> None:
    """Its own record lies on the retry topic; other retried records lie where they lie."""
    again = second_judgement(a_record(), TOPIC, "ab" * 16)
    for headers, place, supersedes in (
        (again, POSITION, "ab" * 16),
        (retry_headers(a_position(), 1), f"{TOPIC}.retry/1/2", None),
    ):
        position = a_position(2, topic=f"{TOPIC}.retry")
        retried = a_record(headers=headers, position=position)
        verdict = a_verdict(
            outcome=Outcome.FLAG, supersedes=supersedes, message=a_message(position=position)
        )
        publisher = Publisher(GROUP, DeadLetterEncoder(GROUP, "w"))
        binding = a_binding(review=ReviewTerms())
        made = publisher.verdict(sought_out(retried, binding), verdict).publication
        found = reader().read(
            Record(
                a_position(3, topic=made.topic), TIMESTAMP_MS, made.key, made.value, made.headers
            )
        )
        assert found is not None
        assert isinstance(found.fact, VerdictFact)
        assert (found.topic, found.fact.position) == (TOPIC, place)
        assert found.fact.supersedes == supersedes


def test_a_report_may_say_what_the_verdict_was() -> None:
    """Else it was an allow: people report what they see."""
    for more, outcome in (({}, "allow"), ({"outcome": "block"}, "block")):
        found = reader().read(written("reports", REPORT | more))
        assert found is not None
        assert isinstance(found.fact, ReportFact)
        assert found.fact.outcome == outcome
    with pytest.raises(UndecodableMessage, match="outcome"):
        reader().read(written("reports", REPORT | {"outcome": "gone"}))


def test_only_where_there_is_a_retry_topic_messages_are_judged_once_more() -> None:
    """And only reports ask for it."""
    catalogue = Catalogue((a_binding(review=ReviewTerms()),))
    for topics, can in ((TOPICS, False), ([*TOPICS, f"{TOPIC}.retry"], True)):
        found = FactReader(catalogue, roles_of(catalogue, topics), GROUP)
        report, appeal = (
            found.read(written("reports", REPORT)),
            found.read(written("appeals", APPEAL)),
        )
        assert report is not None
        assert appeal is not None
        assert found.can_be_judged_again(report) is can
        assert not found.can_be_judged_again(appeal)
