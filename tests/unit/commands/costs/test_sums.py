"""The sums of verdicts: what each version and policy cost, and what is passed over and counted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.costs.sums import CostSums
from consumer.domain.messages.message import Headers, Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.encoding import encode_envelope
from consumer.domain.verdicts.headers import renamed, verdict_headers
from consumer.domain.verdicts.verdict import Cause, Tokens, UnjudgedReason, Verdict
from tests.builders import TIMESTAMP_MS, TOPIC, a_judgement, a_position, a_record, a_verdict

ONE = a_judgement().tokens
GROUP = "night shift"


def written(
    verdict: Verdict | None = None,
    *,
    is_passed_through: bool = False,
    group: str = GROUP,
    at_ms: int = TIMESTAMP_MS,
    headers: Headers = (),
    topic: str = TOPIC,
) -> Record:
    """A verdict record as a worker writes it."""
    verdict = verdict or a_verdict()
    source = a_record(headers=headers, position=a_position(topic=topic))
    own = verdict_headers(verdict, source, group, 1, as_event=not is_passed_through)
    more = (*renamed(source.headers), *own)
    if is_passed_through:
        return source._replace(headers=more)
    return Record(a_position(), at_ms, b"k", encode_envelope(verdict), more)


def the_sums(*records: Record) -> CostSums:
    sums = CostSums({TOPIC, f"{TOPIC}.retry"}, GROUP)
    for record in records:
        sums.add(record)
    return sums


def test_each_policy_and_each_version_has_its_sums() -> None:
    """Two policies judged side by side share the message's time; their calls took it twice."""
    two = (a_judgement(), a_judgement(policy="spam", tokens=Tokens(10, 0, 1, 2)))
    sums = the_sums(written(), written(a_verdict(judgements=two)))
    ((name, version),) = sums.versions.items()
    assert name == a_verdict().version.id
    assert (version.messages, version.judgements, version.unjudged) == (2, 3, 0)
    assert version.tokens == ONE + ONE + Tokens(10, 0, 1, 2)
    assert (version.model_ms, version.calls_ms) == (2 * 480.5, 3 * 480.5)
    assert version.policies["spam"].tokens == Tokens(10, 0, 1, 2)
    assert version.policies["harassment"].judgements == 2
    assert version.policies["harassment"].model_ms == 2 * 480.5


def test_from_the_first_verdict_to_the_last() -> None:
    """Whatever order they come in; one alone takes no time."""
    times = (TIMESTAMP_MS + 500, TIMESTAMP_MS, TIMESTAMP_MS + 2_000, TIMESTAMP_MS + 1_000)
    sums = the_sums(*(written(at_ms=at_ms) for at_ms in times))
    assert (sums.first_ms, sums.last_ms) == (TIMESTAMP_MS, TIMESTAMP_MS + 2_000)
    assert sums.span_s == 2
    assert the_sums(written()).span_s == 0
    assert the_sums().span_s == 0


@pytest.mark.parametrize("unknown", [-1, 0])
def test_a_verdict_without_a_time_counts_and_moves_no_end_of_the_span(unknown: int) -> None:
    """A broker says -1 where it keeps none; a GPU is not paid since 1970."""
    sums = the_sums(written(at_ms=unknown), written(at_ms=1), written(at_ms=2_001))
    assert (sums.first_ms, sums.last_ms, sums.span_s) == (1, 2_001, 2)
    (version,) = sums.versions.values()
    assert version.messages == 3
    alone = the_sums(written(at_ms=unknown))
    assert (alone.first_ms, alone.span_s) == (None, 0)


def test_an_unjudged_message_counts_as_one_and_costs_what_was_judged_of_it() -> None:
    verdict = a_verdict(
        cause=Cause.UNJUDGED, outcome=Outcome.FLAG, unjudged_reason=UnjudgedReason.DEADLINE
    )
    (version,) = the_sums(
        written(verdict), written(verdict._replace(judgements=()))
    ).versions.values()
    assert (version.messages, version.unjudged, version.judgements) == (2, 2, 1)
    assert version.calls_ms == 2 * 480.5


def test_what_the_memo_repeats_was_paid_for_where_it_was_judged() -> None:
    """It counts as a message, and as no judgement: no call was made."""
    (version,) = the_sums(
        written(), written(a_verdict(cause=Cause.MEMO, model_ms=0.0))
    ).versions.values()
    assert (version.messages, version.judgements, version.calls_ms) == (2, 1, 480.5)


def test_verdicts_of_the_retry_topic_count_as_the_inputs() -> None:
    assert len(the_sums(written(topic=f"{TOPIC}.retry")).versions) == 1


def test_what_was_passed_through_is_counted_and_carries_no_tokens() -> None:
    """Also where its producer sent it as a CloudEvent that claims to be a verdict of ours."""
    forged = (("ce_type", b"safeguard.verdict.v1"), ("safeguard-verdict-id", b"x"))
    sums = the_sums(
        written(is_passed_through=True), written(is_passed_through=True, headers=forged)
    )
    assert (sums.passed_through, sums.versions) == (2, {})
    assert "passed through 2" in repr(sums)


@pytest.mark.parametrize(
    "record",
    [
        written(group="other"),
        written(topic="another"),
        a_record(),
        a_record(headers=(("safeguard-group", b"night%20shift"),)),
    ],
)
def test_what_is_not_the_groups_verdict_of_the_input_is_passed_over(record: Record) -> None:
    sums = the_sums(record)
    assert (sums.foreign, sums.versions, sums.span_s) == (1, {}, 0.0)


ENVELOPE = orjson.loads(written().value or b"")


@pytest.mark.parametrize("field", ["policy_version", "timing_ms", "judgements"])
@given(
    value=st.none() | st.integers(-9, 9) | st.just({}) | st.just([{}]) | st.just([{"policy": "p"}])
)
def test_an_envelope_of_another_shape_is_counted_and_adds_nothing(
    field: str, value: object
) -> None:
    """Whatever stands there, the command goes on and says how many it could not read."""
    broken = written()._replace(value=orjson.dumps(ENVELOPE | {field: value}))
    sums = the_sums(broken)
    assert (sums.unreadable, sums.versions) == (1, {})


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{"])
def test_a_value_that_is_no_envelope_is_unreadable(value: Any) -> None:
    assert the_sums(written()._replace(value=value)).unreadable == 1


def test_the_span_is_from_the_first_to_the_last_in_whatever_order_they_are_read() -> None:
    times = [TIMESTAMP_MS + 5_000, TIMESTAMP_MS, TIMESTAMP_MS + 9_000]
    assert the_sums(*(written(at_ms=at) for at in times)).span_s == 9.0
