"""Row: one verdict or dead letter, read off an output topic, in the words of the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from consumer.domain.binding import Catalogue
from consumer.domain.messages.message import Position
from consumer.domain.policy import Outcome

DEAD = "dead letter"


class Told(NamedTuple):
    """A record of an output topic, as a reader of that topic has it."""

    kind: str
    """The end of the topic's name: allow, flag, block, dead-letter."""
    position: Position
    """Of the input record that it is about."""
    headers: Mapping[str, str]
    value: bytes
    seen_ms: int


class OutcomeRow(NamedTuple):
    """What is shown of it."""

    outcome: str
    topic: str
    """In a word, such as chat."""
    label: str
    reason: str
    """Why: for flag in the model's words, for block in the policy's; the rest needs none."""
    version: str
    age_ms: int
    """From the input's timestamp to when a reader of the output had it."""
    text: str = ""
    mark: str = ""
    """Whose sentence it is, if it is no invented traffic."""


def row_of(told: Told, catalogue: Catalogue) -> OutcomeRow:
    """What became of a record; the texts of rules are looked up in the policies."""
    topic = told.position.topic.partition(".")[0]
    if told.kind == "dead-letter":
        stamp = int(told.headers.get("safeguard-timestamp-ms", told.seen_ms))
        reason = told.headers.get("safeguard-dead-letter-reason", "")
        error = told.headers.get("safeguard-dead-letter-error", "").partition(": ")[2]
        return OutcomeRow(DEAD, topic, reason, error, "", max(0, told.seen_ms - stamp))
    try:
        envelope = orjson.loads(told.value)
        stamp, version = envelope["position"]["timestamp_ms"], envelope["policy_version"]
    except (ValueError, KeyError, TypeError):
        # Passed through as it came: the headers alone are ours.
        version = told.headers.get("safeguard-policy-version", "")
        return OutcomeRow(told.kind, topic, told.headers.get("safeguard-cause", ""), "", version, 0)
    label, reason = _label_and_reason(envelope, catalogue)
    return OutcomeRow(told.kind, topic, label, reason, version, max(0, told.seen_ms - stamp))


def _label_and_reason(envelope: Mapping[str, Any], catalogue: Catalogue) -> tuple[str, str]:
    if envelope.get("unjudged_reason") or not envelope["judgements"]:
        return envelope["cause"], envelope.get("unjudged_reason") or ""
    worst = max(envelope["judgements"], key=lambda found: Outcome(found["outcome"]).severity)
    if worst["outcome"] == Outcome.ALLOW:
        return worst["label"], ""
    rules = _rules(catalogue, envelope["policy_version"], worst["policy"])
    cited = "; ".join(f"{rule} {rules.get(rule, '')}".strip() for rule in worst["rules"])
    # The model's own words reach the flag topic alone.
    rationale = worst.get("rationale") or ""
    return worst["label"], ": ".join(filter(None, (cited, rationale)))


def _rules(catalogue: Catalogue, version: str, policy: str) -> Mapping[str, str]:
    for binding in catalogue.bindings:
        for each in binding.versions.values():
            if each.id == version:
                return next((p.rules for p in each.policies if p.name == policy), {})
    return {}
