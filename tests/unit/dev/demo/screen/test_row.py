"""What is shown of a verdict is what lies on its topic, and the policy's own words for a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from consumer.dev.demo.screen.row import DEAD, Told, row_of
from consumer.domain.messages.message import Position
from consumer.registry.load import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[5] / "policies")
PLACE = Position("chat.messages", 1, 7)


def told(kind: str, value: bytes, **headers: str) -> Told:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Told(kind, PLACE, names, value, 1_500)


def envelope(*judgements: dict[str, Any], **changes: Any) -> bytes:
    fields = {
        "cause": "model",
        "position": {"timestamp_ms": 1_000},
        "policy_version": "chat.messages@v2",
        "judgements": judgements,
    }
    return orjson.dumps(fields | changes)


MILD = {"policy": "self_harm", "label": "SH0", "outcome": "allow", "rules": []}
SPAM = {"policy": "scams_spam", "label": "SC1", "outcome": "flag", "rules": ["SC1.a"]}
SCAM = {"policy": "scams_spam", "label": "SC2", "outcome": "block", "rules": ["SC2.b"]}


def test_the_worst_judgement_is_shown_with_the_rule_that_it_cites() -> None:
    """The block topic has no rationale: the rule's own words say why."""
    row = row_of(told("block", envelope(MILD, SCAM)), CATALOGUE)

    assert (row.outcome, row.topic, row.label) == ("block", "chat", "SC2")
    assert row.reason == "SC2.b fake prize or advance fee"
    assert (row.version, row.age_ms) == ("chat.messages@v2", 500)


def test_a_flag_says_why_in_the_models_words_too() -> None:
    """They travel to the flag topic alone."""
    row = row_of(told("flag", envelope(SPAM | {"rationale": "names a channel"})), CATALOGUE)

    assert row.reason == "SC1.a self-promotion or unclear offer: names a channel"


def test_what_was_not_judged_says_so() -> None:
    """Skipped, or unjudged with its reason."""
    late = envelope(cause="unjudged", unjudged_reason="deadline")
    skipped = envelope(cause="skipped")

    assert row_of(told("flag", late), CATALOGUE)[2:4] == ("unjudged", "deadline")
    assert row_of(told("allow", skipped), CATALOGUE)[2:4] == ("skipped", "")


def test_a_dead_letter_says_its_reason() -> None:
    """From its headers, for its value is the record as it came."""
    headers = {
        "safeguard_dead_letter_reason": "no_text",
        "safeguard_dead_letter_error": "UndecodableMessage: no text at /text",
        "safeguard_timestamp_ms": "1200",
    }
    row = row_of(told("dead-letter", b"{", **headers), CATALOGUE)

    assert (row.outcome, row.label, row.reason) == (DEAD, "no_text", "no text at /text")
    assert row.age_ms == 300


def test_a_record_that_was_passed_through_is_told_by_its_headers() -> None:
    """Other policies than the shipped ones may ask for that."""
    headers = {"safeguard_cause": "model", "safeguard_policy_version": "chat.messages@v2"}
    row = row_of(told("allow", b"any text", **headers), CATALOGUE)

    assert (row.outcome, row.label, row.version) == ("allow", "model", "chat.messages@v2")
