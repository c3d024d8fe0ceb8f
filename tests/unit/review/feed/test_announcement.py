"""A decision becomes the records that tell of it."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from consumer.domain.binding import Binding, Catalogue, MessageTerms, Outputs
from consumer.domain.messages.rules import EventRule, EventTerms
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.domain.verdicts.envelope import Envelope
from consumer.domain.verdicts.verdict import Cause, superseding_id
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import DecisionFact
from consumer.review.feed.announcement import Announcements, Unpublishable
from consumer.review.records.decision import DecisionRecord
from consumer.review.records.statement import StatementRecord
from tests.builders import a_binding, a_record
from tests.cases import TOPIC, a_case, a_decision, a_report, a_verdict_fact

DECISION = a_decision(verdict=superseding_id("v1", Cause.HUMAN, "d1"))


def announcements(binding: Binding | None = None, bytes_max: int = 1_000_000) -> Announcements:
    found = binding or a_binding(review=ReviewTerms())
    publisher = Publisher("safeguard", DeadLetterEncoder("safeguard", "w"), bytes_max)
    return Announcements(Catalogue((found,)), publisher, {f"{TOPIC}.decisions": 4})


def flagged() -> ReviewCase:
    return a_case(a_verdict_fact(), DECISION)


def test_a_decision_lies_where_its_message_lies() -> None:
    """In its partition, under its key, on the topic of its input."""
    found = announcements().decision(flagged(), DECISION)

    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.decisions", 1, b"room-1")
    said = DecisionRecord.model_validate_json(found.value or b"")
    assert (said.outcome, said.decided_by, said.message_id) == ("block", "ann", "m-1")


def test_a_decision_about_a_message_that_lies_nobody_knows_where_has_its_place_too() -> None:
    """The same one each time it is asked for."""
    decision = a_decision(position=None, supersedes=None, verdict=None)
    case = a_case(a_report(position=None), decision)
    first = announcements().decision(case, decision)

    assert first == announcements().decision(case, decision)
    assert 0 <= first.partition < 4
    elsewhere = a_binding(review=ReviewTerms(decisions="d.{topic}"))
    assert announcements(elsewhere).decision(case, decision).partition == 0
    assert b"null" not in (first.value or b"")
    assert first.key is None


@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
@pytest.mark.parametrize("outcome", ["allow", "block"])
def test_the_verdict_supersedes_the_one_decided_about(payload: str, outcome: str) -> None:
    """By the id that the decision says, with the record whole where the topic wants that."""
    binding = a_binding(review=ReviewTerms(), outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    decision = replace(DECISION, outcome=outcome)
    found = announcements(binding).verdict(flagged(), decision, a_record())
    headers = dict(found.headers)

    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.{outcome}", 1, b"room-1")
    assert headers["safeguard-verdict-id"] == (decision.verdict or "").encode()
    assert headers["safeguard-supersedes"] == b"v1"
    assert headers["safeguard-cause"] == b"human"
    if payload == "passthrough":
        assert found.value == a_record().value
    else:
        envelope = Envelope.model_validate_json(found.value or b"")
        assert (envelope.id, envelope.supersedes) == (decision.verdict, "v1")
        assert envelope.policy_version == f"{TOPIC}@v1"
        assert envelope.message.text is None


def test_a_record_that_is_gone_leaves_what_the_flag_told() -> None:
    """Enough for an envelope; a topic that carries records whole cannot have it."""
    found = announcements().verdict(flagged(), DECISION, None)
    envelope = Envelope.model_validate_json(found.value or b"")

    assert (envelope.message.id, envelope.message.author) == ("m-1", "u-1")
    assert found.key == b"room-1"
    whole = a_binding(review=ReviewTerms(), outputs=Outputs(payload="passthrough"))
    with pytest.raises(Unpublishable, match="is gone"):
        announcements(whole).verdict(flagged(), DECISION, None)


def test_a_record_that_is_read_another_way_by_now_is_told_as_it_was_judged() -> None:
    found = announcements().verdict(flagged(), DECISION, a_record(b"no JSON"))
    assert Envelope.model_validate_json(found.value or b"").message.author == "u-1"


@pytest.mark.parametrize(
    ("named", "version", "digest"),
    [(f"{TOPIC}@v7", f"{TOPIC}@v7", "d7"), ("odd", f"{TOPIC}@v1", None)],
)
def test_a_version_whose_folder_is_gone_is_named_as_it_was(
    named: str, version: str, digest: str | None
) -> None:
    """And where nothing can be made of the name, the live one is."""
    seen = a_verdict_fact()
    envelope = seen.envelope | {"policy_version": named, "policy_digest": "d7"}
    case = a_case(replace(seen, envelope=envelope), DECISION)
    found = orjson.loads(announcements().verdict(case, DECISION, None).value or b"")

    assert found["policy_version"] == version
    assert found["policy_digest"] == (digest or a_binding().live.digest)


def test_a_report_alone_is_decided_under_the_live_version() -> None:
    """If what lies where people said it lies is the message that they name."""
    case = a_case(a_report(), DECISION)
    binding = a_binding(review=ReviewTerms(), reading=MessageTerms(id=("id",)))
    record = a_record(b'{"text":"hello","id":"m-1"}')
    found = announcements(binding).verdict(case, DECISION, record)

    assert Envelope.model_validate_json(found.value or b"").policy_version == a_binding().live.id
    with pytest.raises(Unpublishable, match=f"{TOPIC}/1/7 is another message"):
        announcements().verdict(case, DECISION, record)
    for gone in (None, a_record(b"no JSON")):
        with pytest.raises(Unpublishable, match="cannot be read any more"):
            announcements().verdict(case, DECISION, gone)


@pytest.mark.parametrize(
    "decision", [replace(DECISION, supersedes=None), replace(DECISION, position=None)]
)
def test_without_a_verdict_to_replace_there_is_none(decision: DecisionFact) -> None:
    with pytest.raises(Unpublishable, match="nobody said which verdict"):
        announcements().verdict(flagged(), decision, None)


def test_what_can_never_be_published_says_why() -> None:
    with pytest.raises(Unpublishable, match="no policy binds"):
        announcements(a_binding(patterns=("other",))).decision(flagged(), DECISION)
    with pytest.raises(Unpublishable, match=r"no \[review\]"):
        announcements(a_binding()).decision(flagged(), DECISION)
    with pytest.raises(Unpublishable, match="too_large"):
        announcements(bytes_max=50).verdict(flagged(), DECISION, a_record())


def test_a_block_is_stated_where_the_topic_wants_it() -> None:
    """Beside the decision; none where it wants none by now, and none that would be refused."""
    terms = StatementTerms(topic="{topic}.statements", exempt=frozenset({"spam.SP2"}))
    wanted = announcements(a_binding(review=ReviewTerms(statements=terms)))
    found = wanted.statement(flagged(), DECISION)
    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.statements", 1, b"room-1")
    said = StatementRecord.model_validate_json(found.value or b"")
    assert said.puid == DECISION.verdict
    for other in (replace(DECISION, outcome="allow"), replace(DECISION, label="spam.SP2")):
        with pytest.raises(Unpublishable, match="asks for no statement"):
            wanted.statement(flagged(), other)
    with pytest.raises(Unpublishable, match="asks for no statement"):
        announcements().statement(flagged(), DECISION)
    with pytest.raises(Unpublishable, match="refuse the statement: application_date"):
        wanted.statement(flagged(), replace(DECISION, at_ms=1))


VERDICT = "ab" * 16


def test_a_second_judgement_is_the_record_once_more_for_the_workers() -> None:
    """In its partition, under its key, with where it was first and what it is to supersede."""
    case = a_case(a_report(verdict=VERDICT))
    reading = MessageTerms(id=("id",))
    record = a_record(b'{"text":"hi","id":"m-1"}', (("h", b"1"), ("safeguard-outcome", b"allow")))
    found = announcements(a_binding(review=ReviewTerms(), reading=reading)).second_judgement(
        case, VERDICT, record
    )
    assert (found.topic, found.partition, found.key) == (f"{TOPIC}.retry", 1, record.key)
    assert found.value == record.value
    assert found.headers == (
        ("h", b"1"),
        ("upstream-safeguard-outcome", b"allow"),
        ("safeguard-first-position", f"{TOPIC}/1/7".encode()),
        ("safeguard-supersedes", VERDICT.encode()),
    )


def test_what_is_gone_or_another_message_is_not_judged_once_more() -> None:
    """Nor a deletion, nor what has no value, nor what cannot be read."""
    case = a_case(a_report(verdict=VERDICT))
    event = EventTerms(delete=EventRule(frozenset({"gone"}), field=("type",)))
    binding = a_binding(review=ReviewTerms(), reading=MessageTerms(id=("id",), event=event))
    for value in (None, b"{", b'{"text":"hi","id":"m-2"}', b'{"type":"gone","id":"m-1"}'):
        with pytest.raises(Unpublishable):
            announcements(binding).second_judgement(case, VERDICT, a_record(value))
    with pytest.raises(Unpublishable, match=f"no record at {TOPIC}/1/7"):
        announcements(binding).second_judgement(case, VERDICT, None)
