"""What an output's record says to whoever looks on: nothing that it does not carry."""

from __future__ import annotations

import orjson

from consumer.commands.watch.watched import DEAD_LETTER, read_back
from consumer.domain.messages.message import Headers, Position, Record
from consumer.pipeline.dead_letters import REASON

OURS: Headers = (
    ("safeguard-verdict-id", b"v"),
    ("safeguard-outcome", b"flag"),
    ("safeguard-cause", b"model"),
    ("safeguard-policy-version", b"chat@v2"),
    ("safeguard-position", b"chat/0/7"),
    ("safeguard-message-id", b"m%2B1"),
    ("safeguard-judged-at", b"2026-01-31T08:00:00.000Z"),
)
CLOUD: Headers = (("ce_type", b"safeguard.verdict.v1"),)
ENVELOPE = {
    "outcome": "flag",
    "message": {"id": "m+1", "text": "你好 there"},
    "judgements": [
        {"policy": "spam", "label": "S0", "outcome": "allow", "rationale": "nothing"},
        {"policy": "hate", "label": "H1", "outcome": "flag", "rationale": "an insult"},
    ],
}


def record(headers: Headers, value: bytes | None = b"{}") -> Record:
    return Record(Position("chat.flag", 0, 1), 1_000, None, value, headers)


def test_a_verdict_is_read_back() -> None:
    """What the outcome follows from stands first, with its own reason."""
    found = read_back(record(OURS + CLOUD, orjson.dumps(ENVELOPE)), {"chat"})
    assert found is not None
    assert found.labels == ("hate H1", "spam S0")
    assert (found.text, found.rationale) == ("你好 there", "an insult")
    assert found.message_id == "m+1"
    assert found.fields == ENVELOPE


def test_a_record_that_went_on_as_it_came_has_its_headers_alone() -> None:
    """Its value is what a user wrote, and no envelope, whatever it looks like."""
    found = read_back(record(OURS, orjson.dumps(ENVELOPE)), {"chat"})
    assert found is not None
    assert (found.text, found.rationale, found.labels) == ("", "", ())
    assert found.fields["policy_version"] == "chat@v2"


def test_a_dead_letter_says_why() -> None:
    """It has a reason where a verdict has its outcome."""
    ours: Headers = ((REASON, b"not_json"), ("safeguard-position", b"chat.retry/0/7"))
    found = read_back(record(ours, b"\xff"), {"chat"})
    assert found is not None
    assert (found.outcome, found.unjudged_reason) == (DEAD_LETTER, "not_json")


def test_what_is_of_another_input_is_not_shown() -> None:
    """Inputs may share outputs, and anybody may write there."""
    assert read_back(record(OURS + CLOUD), {"posts"}) is None
    assert read_back(record(()), {"chat"}) is None
    assert read_back(record(OURS[:1]), {"chat"}) is None


def test_a_value_that_is_no_json_is_no_error() -> None:
    """The headers still say what became of the message."""
    found = read_back(record(OURS + CLOUD, b"{"), {"chat"})
    assert found is not None
    assert found.outcome == "flag"
