"""The wire contract of verdicts: closed, readable by others, and without a word too much."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import Outputs
from consumer.domain.messages.context import Context, Line
from consumer.domain.messages.message import Fact, Position
from consumer.domain.policy import Effort, Look, Outcome
from consumer.domain.verdicts.certainty import Certainty, SecondLook, Sign
from consumer.domain.verdicts.encoding import encode_envelope
from consumer.domain.verdicts.envelope import Envelope
from consumer.domain.verdicts.headers import (
    MESSAGE_ID_CHARS_MAX,
    is_envelope,
    is_passthrough,
    percent,
    renamed,
    rfc3339,
    traceparent,
    verdict_headers,
)
from consumer.domain.verdicts.verdict import (
    Cause,
    Judgement,
    Screened,
    Tokens,
    UnjudgedReason,
    Verdict,
    verdict_id,
)
from tests.builders import (
    a_binding,
    a_judgement,
    a_message,
    a_position,
    a_record,
    a_verdict,
    a_version,
)

TEXT = "xq7canary text"
COUNTS = st.integers(0, 2**40)
WORDS = st.text(max_size=12)
JUDGEMENTS = st.builds(
    Judgement,
    policy=WORDS,
    label=WORDS,
    outcome=st.sampled_from(Outcome),
    rules=st.lists(WORDS, max_size=3).map(tuple),
    confidence=st.sampled_from([None, "low", "medium", "high"]),
    rationale=WORDS.map(lambda word: "xq7canary rationale" + word),
    reasoning=WORDS.map(lambda word: "xq7canary reasoning" + word),
    effort=st.sampled_from([effort.value for effort in Effort]),
    tokens=st.builds(Tokens, COUNTS, COUNTS, COUNTS, COUNTS),
    certainty=st.none()
    | st.builds(
        Certainty, st.floats(0, 1), st.booleans(), st.lists(st.sampled_from(Sign)).map(tuple)
    ),
    second_look=st.none()
    | st.builds(
        SecondLook, st.sampled_from(Look), st.booleans(), st.lists(WORDS, max_size=4).map(tuple)
    ),
)
MESSAGES = st.builds(
    a_message,
    WORDS.map(lambda word: TEXT + word),
    id=st.text(min_size=1, max_size=40),
    author=st.none() | WORDS,
    conversation=st.none() | WORDS,
    language=st.none() | WORDS,
    unread=st.sampled_from([(), ("id",), ("author", "conversation", "language"), ("headers",)]),
    timestamp_ms=st.integers(-1, 2**42),
    position=st.builds(Position, WORDS, COUNTS, COUNTS),
)
STAGES = ("memo", "near-duplicate", "list", "prefilter", "decision")
MILLISECONDS = st.floats(0, 1e9)
VERDICTS = st.builds(
    a_verdict,
    outcome=st.sampled_from(Outcome),
    cause=st.sampled_from(Cause),
    message=MESSAGES,
    judgements=st.lists(JUDGEMENTS, max_size=3).map(tuple),
    unjudged_reason=st.none() | st.sampled_from(UnjudgedReason),
    model=WORDS,
    template=WORDS,
    endpoint=WORDS,
    judged_at_ms=st.integers(0, 2**42),
    queued_ms=MILLISECONDS,
    model_ms=MILLISECONDS,
    supersedes=st.sampled_from([None, "0" * 32]),
    context=st.none()
    | st.builds(
        Context,
        st.lists(st.builds(Fact, WORDS, WORDS.map(lambda word: TEXT + word)), max_size=2).map(
            tuple
        ),
        st.lists(st.builds(Line, WORDS, WORDS.map(lambda word: TEXT + word)), max_size=2).map(
            tuple
        ),
    ),
    screened=st.none()
    | st.builds(
        Screened,
        stage=st.sampled_from([Cause(stage) for stage in STAGES]),
        score=st.none() | st.floats(0, 1),
        artefact=WORDS,
        audit_probability=st.none() | st.floats(0.001, 1),
    ),
)


def read(encoded: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(encoded)
    return document


@settings(max_examples=150, deadline=None)
@given(VERDICTS, st.none() | st.integers(0, 30))
def test_every_envelope_is_as_the_model_says(verdict: Verdict, chars_max: int | None) -> None:
    """Whatever a verdict holds, its envelope validates against the closed model."""
    envelope = Envelope.model_validate_json(
        encode_envelope(verdict, text_chars_max=chars_max), strict=True
    )
    assert envelope.id == verdict.id
    assert envelope.outcome is verdict.outcome
    assert envelope.supersedes == verdict.supersedes
    assert envelope.position.offset == verdict.message.position.offset
    assert envelope.message.author == verdict.message.author
    assert [found.label for found in envelope.judgements] == [j.label for j in verdict.judgements]


@settings(max_examples=150, deadline=None)
@given(VERDICTS)
def test_words_of_the_user_and_the_model_go_to_reviewers_alone(verdict: Verdict) -> None:
    """Text, rationale and reasoning are in every flag envelope and in no other."""
    encoded = encode_envelope(verdict)
    if verdict.outcome is not Outcome.FLAG:
        assert b"xq7canary" not in encoded
        return
    document = read(encoded)
    assert document["message"]["text"] == verdict.message.text
    assert "text_cut" not in document["message"]
    for written, judgement in zip(document["judgements"], verdict.judgements, strict=True):
        assert written["rationale"] == judgement.rationale
        assert written["reasoning"] == judgement.reasoning


def test_a_whole_envelope() -> None:
    """The shape that others build on, written out."""
    verdict = a_verdict(outcome=Outcome.FLAG, judgements=(a_judgement("HH1"),))
    assert read(encode_envelope(verdict)) == {
        "id": verdict.id,
        "outcome": "flag",
        "cause": "model",
        "position": {
            "topic": "chat.messages",
            "partition": 1,
            "offset": 7,
            "timestamp_ms": 1_767_225_600_123,
        },
        "message": {"id": "m-1", "author": "u-1", "text": "hello there"},
        "policy_version": "chat.messages@v1",
        "policy_digest": a_version().digest,
        "judgements": [
            {
                "policy": "harassment",
                "label": "HH1",
                "outcome": "flag",
                "rules": ["HH2.a"],
                "confidence": "high",
                "effort": "low",
                "tokens": {"prompt": 400, "cached": 320, "reasoning": 60, "completion": 80},
                "rationale": "an insult",
                "reasoning": "The user insults somebody.",
            }
        ],
        "model": "stand-in-safeguard",
        "template": "sg-1",
        "endpoint": "http://127.0.0.1:8000/v1",
        "timing_ms": {"queued": 1.25, "model": 480.5, "total": 481.75},
        "judged_at": "2026-01-01T00:00:00.623Z",
    }


def test_an_unjudged_envelope_says_why() -> None:
    """A verdict without a judgement names its reason; one with a judgement has no such field."""
    unjudged = a_verdict(
        cause=Cause.UNJUDGED, judgements=(), unjudged_reason=UnjudgedReason.TOO_LONG
    )
    assert read(encode_envelope(unjudged))["unjudged_reason"] == "too_long"
    assert "unjudged_reason" not in read(encode_envelope(a_verdict()))


def test_certainty_and_second_look_are_in_the_envelope_where_there_is_one() -> None:
    """Score, whether it is calibrated and what it rests on; how the second look went."""
    signs = (Sign.REASONING_LENGTH, Sign.SECOND_LOOK)
    judgement = a_judgement(
        certainty=Certainty(0.41249, True, signs),
        second_look=SecondLook(Look.EFFORT, False, ("HH0", "HH2")),
    )
    document = read(encode_envelope(a_verdict(judgements=(judgement,))))
    certainty = {
        "score": 0.412,
        "calibrated": True,
        "rests_on": ["reasoning_length", "second_look"],
    }
    assert document["judgements"][0]["certainty"] == certainty
    assert document["confidence"] == certainty
    assert document["judgements"][0]["second_look"] == {
        "how": "effort",
        "agreed": False,
        "labels": ["HH0", "HH2"],
    }


def judged_as(outcome: Outcome, score: float) -> Judgement:
    return a_judgement(outcome=outcome, certainty=Certainty(score, False, ()))


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        # All of them must have been right for an allow, only those that blocked for a block.
        (Outcome.ALLOW, None, 0.6),
        (Outcome.BLOCK, None, 0.8),
        (Outcome.FLAG, None, None),
        (Outcome.ALLOW, UnjudgedReason.DEADLINE, None),
    ],
)
def test_a_verdict_is_as_sure_as_the_weakest_judgement_that_it_follows_from(
    outcome: Outcome, reason: UnjudgedReason | None, expected: float | None
) -> None:
    judgements = (
        judged_as(Outcome.ALLOW, 0.9),
        judged_as(Outcome.ALLOW, 0.6),
        judged_as(Outcome.BLOCK, 0.95),
        judged_as(Outcome.BLOCK, 0.8),
    )
    verdict = a_verdict(outcome=outcome, judgements=judgements, unjudged_reason=reason)
    found = read(encode_envelope(verdict)).get("confidence")
    assert (found and found["score"]) == expected


def test_an_envelope_says_how_much_context_there_was() -> None:
    """Counts everywhere; the earlier messages to reviewers alone, and not where room is short."""
    said = Context((Fact("age", "3"),), (Line("A", "hi"), Line("B", "no")))
    allowed = read(encode_envelope(a_verdict(outcome=Outcome.ALLOW, context=said)))
    assert allowed["context"] == {"messages": 2, "author_facts": 1}
    assert "context" not in allowed["message"]
    flagged = a_verdict(outcome=Outcome.FLAG, context=said)
    shown = [{"speaker": "A", "text": "hi"}, {"speaker": "B", "text": "no"}]
    assert read(encode_envelope(flagged))["message"]["context"] == shown
    smaller = read(encode_envelope(flagged, text_chars_max=100))
    assert smaller["context"] == {"messages": 2, "author_facts": 1}
    assert "context" not in smaller["message"]
    assert "context" not in read(encode_envelope(a_verdict()))


def test_a_cut_text_says_so() -> None:
    """An envelope too large for its topic keeps the beginning of the text and marks the cut."""
    verdict = a_verdict(outcome=Outcome.FLAG, message=a_message("\u4e16" * 100))
    message = read(encode_envelope(verdict, text_chars_max=10))["message"]
    assert (message["text"], message["text_cut"]) == ("\u4e16" * 10, True)
    assert "text_cut" not in read(encode_envelope(verdict, text_chars_max=100))["message"]


# Headers.


@settings(max_examples=150, deadline=None)
@given(VERDICTS, st.text(max_size=20), st.integers(0, 10**6))
def test_every_header_is_ascii(verdict: Verdict, group: str, term: int) -> None:
    """Whatever ids and groups are made of, the values of our headers are printable ASCII."""
    headers = verdict_headers(verdict, a_record(), group, term, as_event=True)
    for _, value in headers:
        assert re.fullmatch(rb"[\x21-\x7e]*", value or b"")
    by_name = dict(headers)
    assert len(by_name) == len(headers)
    assert len(by_name["safeguard-message-id"] or b"") <= MESSAGE_ID_CHARS_MAX


def test_the_headers_of_a_verdict() -> None:
    """The names and values that others build on, written out."""
    verdict = a_verdict(message=a_message(id="m 1/\u00fc"))
    ours = {
        "safeguard-verdict-id": verdict.id.encode(),
        "safeguard-outcome": b"block",
        "safeguard-cause": b"model",
        "safeguard-policy-version": b"chat.messages@v1",
        "safeguard-policy-digest": a_version().digest.encode(),
        "safeguard-position": b"chat.messages/1/7",
        "safeguard-message-id": b"m%201/%C3%BC",
        "safeguard-group": b"my%20group",
        "safeguard-term": b"3",
        "safeguard-judged-at": b"2026-01-01T00:00:00.623Z",
    }
    assert dict(verdict_headers(verdict, a_record(), "my group", 3, as_event=False)) == ours
    assert dict(verdict_headers(verdict, a_record(), "my group", 3, as_event=True)) == ours | {
        "ce_specversion": b"1.0",
        "ce_type": b"safeguard.verdict.v1",
        "ce_id": verdict.id.encode(),
        "ce_source": b"/chat.messages",
        "ce_subject": b"m%201/%C3%BC",
        "ce_time": b"2026-01-01T00:00:00.623Z",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize("superseded", [None, "0" * 32])
@pytest.mark.parametrize("unread", [(), ("id", "author")])
def test_headers_say_what_is_replaced_and_what_could_not_be_read(
    superseded: str | None, unread: tuple[str, ...]
) -> None:
    """A reader who counts first verdicts leaves out those that supersede, by the header alone."""
    message = a_message()._replace(unread=unread)
    verdict = a_verdict(supersedes=superseded, message=message)
    headers = dict(verdict_headers(verdict, a_record(), "safeguard", 3, as_event=False))
    assert headers.get("safeguard-supersedes") == (superseded and superseded.encode())
    assert headers.get("safeguard-unread") == (b"id,author" if unread else None)


@given(st.text(max_size=400))
def test_percent_encoding_is_whole(text: str) -> None:
    """An id that is cut is cut between characters, so that what is left can be decoded."""
    encoded = percent(text)
    assert len(encoded) <= MESSAGE_ID_CHARS_MAX
    assert re.fullmatch(rb"(?:[A-Za-z0-9/@:._~-]|%[0-9A-F]{2})*", encoded)
    assert text.startswith(unquote(encoded.decode(), errors="strict"))


@pytest.mark.parametrize("letter", ["a", "%", "\u00fc", "\u4e16", "\U0001f600", " "])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_a_long_id_is_cut_between_characters(letter: str, before: int) -> None:
    """Characters of any width are cut whole, wherever the bound falls."""
    text = "x" * before + letter * 300
    encoded = percent(text)
    assert MESSAGE_ID_CHARS_MAX - 12 <= len(encoded) <= MESSAGE_ID_CHARS_MAX
    assert text.startswith(unquote(encoded.decode(), errors="strict"))


CASES = st.text(st.sampled_from("sSaAfFeEgGuUrRdD-"), max_size=12) | st.just("safeguard-x").map(
    str.title
)


@given(st.lists(st.booleans(), min_size=10, max_size=10), st.text(max_size=5))
def test_no_case_of_our_prefix_gets_through(capitals: list[bool], rest: str) -> None:
    """However it is written, an incoming `safeguard-` header is renamed, with its value kept."""
    letters = zip("safeguard-", capitals, strict=True)
    name = "".join(letter.upper() if capital else letter for letter, capital in letters) + rest
    assert renamed(((name, b"\xff"), ("a", None))) == [("upstream-" + name, b"\xff"), ("a", None)]


@given(st.lists(st.tuples(CASES | st.text(max_size=12), st.none() | st.binary(max_size=3))))
def test_renaming_loses_nothing(headers: list[tuple[str, bytes | None]]) -> None:
    """Every header is still there, in order, with its value, and none has our prefix."""
    after = renamed(tuple(headers))
    assert [value for _, value in after] == [value for _, value in headers]
    for (old, _), (new, _) in zip(headers, after, strict=True):
        assert not new.lower().startswith("safeguard-")
        assert new in (old, "upstream-" + old)


def test_the_trace_goes_on() -> None:
    """The input's first traceparent is handed on as it is, and nothing else."""
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = (("a", b"b"), ("traceparent", trace), ("traceparent", b"other"))
    assert traceparent(headers) == [("traceparent", trace)]
    assert traceparent((("tracestate", b"x"),)) == []


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"x" * 100_000, b"a\nb"])
def test_a_hostile_trace_is_not_handed_on(value: bytes | None) -> None:
    """What is no W3C trace context has no place among our headers."""
    assert traceparent((("traceparent", value),)) == []


@pytest.mark.parametrize(
    ("payload", "outcome", "expected"),
    [
        ("passthrough", Outcome.ALLOW, True),
        ("passthrough", Outcome.BLOCK, True),
        ("passthrough", Outcome.FLAG, False),
        ("envelope", Outcome.ALLOW, False),
        ("envelope", Outcome.BLOCK, False),
    ],
)
def test_reviewers_always_get_the_envelope(payload: str, outcome: Outcome, expected: bool) -> None:
    """Pass-through is for allow and block, where it is asked for; a flag is an envelope."""
    binding = a_binding(outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    assert is_passthrough(a_verdict(outcome=outcome), binding) is expected


# Ids and times.


def test_a_verdict_id_is_for_ever() -> None:
    """The id is stored by consumers, so the same record under the same policies keeps it."""
    assert verdict_id("t", Position("t", 1, 2), "g", "d" * 32) == "802c677d896e76b3e81434a4b9c994b0"


@given(
    st.tuples(st.sampled_from("ab"), COUNTS, COUNTS, st.sampled_from(["g", "h"]), st.text()),
    st.tuples(st.sampled_from("ab"), COUNTS, COUNTS, st.sampled_from(["g", "h"]), st.text()),
)
def test_a_verdict_id_is_of_one_record_group_and_digest(
    one: tuple[str, int, int, str, str], other: tuple[str, int, int, str, str]
) -> None:
    """Two ids are equal only where source, partition, offset, group and digest all are."""
    ids = [
        verdict_id(source, Position("t", partition, offset), group, digest)
        for source, partition, offset, group, digest in (one, other)
    ]
    assert (ids[0] == ids[1]) == (one == other)
    assert all(re.fullmatch(r"[0-9a-f]{32}", found) for found in ids)


def test_each_part_of_a_verdict_id_counts() -> None:
    """Changing any one part alone makes another id; the topic's name beside its id does not."""
    base = verdict_id("t", a_position(1), "g", "d")
    others = [
        verdict_id("u", a_position(1), "g", "d"),
        verdict_id("t", a_position(2), "g", "d"),
        verdict_id("t", a_position(1, partition=2), "g", "d"),
        verdict_id("t", a_position(1), "h", "d"),
        verdict_id("t", a_position(1), "g", "e"),
    ]
    assert len({base, *others}) == 6
    assert verdict_id("t", a_position(1, topic="renamed"), "g", "d") == base


@given(st.integers(-62_135_596_800_000 + 10**12, 253_402_300_799_999))
def test_times_are_rfc3339(wall_ms: int) -> None:
    """A time is UTC with milliseconds, and reads back as the same millisecond."""
    written = rfc3339(wall_ms)
    if wall_ms >= -30_610_224_000_000:  # Before the year 1000 the C library writes fewer digits.
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", written)
        assert round(datetime.fromisoformat(written).timestamp() * 1_000) == wall_ms


def test_a_time_written_out() -> None:
    """Milliseconds are never rounded up into the next second."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_767_225_599_999) == "2025-12-31T23:59:59.999Z"


@pytest.mark.parametrize("stamp", [253_402_300_800_000, 1_767_225_600_000_000_000, 2**63 - 1])
def test_a_time_that_no_calendar_holds(stamp: int) -> None:
    """Clients that stamp in nanoseconds are met in the field; commands showed a traceback."""
    assert rfc3339(stamp) == "9999-12-31T23:59:59.999Z"
    assert rfc3339(-stamp).startswith(("0001-01-01", "1-01-01"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("safeguard-verdict-id", "ce_type"), True),
        (("ce_type", "safeguard-verdict-id", "ce_type"), True),
        (("ce_type", "safeguard-verdict-id", "safeguard-outcome"), False),
        (("safeguard-verdict-id",), False),
    ],
)
def test_a_producers_own_event_is_no_envelope(names: tuple[str, ...], expected: bool) -> None:
    """What is handed on as it came keeps its headers before ours; those of an envelope follow."""
    assert is_envelope(tuple((name, b"x") for name in names)) is expected


def test_what_is_known_of_a_message_is_said_of_it() -> None:
    """And what is not known is left out."""
    known: dict[str, Any] = {
        "author": "u",
        "conversation": "c",
        "language": "en",
        "unread": ("id",),
    }
    told = orjson.loads(encode_envelope(a_verdict(message=a_message(id="m", **known))))["message"]
    assert told == {"id": "m", **known, "unread": ["id"]} | (
        {"text": told["text"]} if "text" in told else {}
    )
    bare = a_message(id="m", author=None, conversation=None, language=None, unread=())
    assert orjson.loads(encode_envelope(a_verdict(message=bare)))["message"].keys() <= {
        "id",
        "text",
    }


def test_what_screened_a_message_is_told_as_far_as_it_is_known() -> None:
    """Nothing is said where no stage said anything; the probability of an audit stays whole."""
    assert "screening" not in read(encode_envelope(a_verdict()))
    screened = Screened(Cause.LIST, None, "d" * 32)
    known = read(encode_envelope(a_verdict(cause=Cause.LIST, screened=screened)))
    assert known["screening"] == {"stage": "list", "artefact": "d" * 32}
    audited = Screened(Cause.PREFILTER, 0.03125, "a" * 32, 1 / 3)
    assert read(encode_envelope(a_verdict(screened=audited)))["screening"] == {
        "stage": "prefilter",
        "score": 0.03125,
        "artefact": "a" * 32,
        "audit_probability": 1 / 3,
    }
