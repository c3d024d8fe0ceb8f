"""Decided: what somebody who is no reviewer has to know of a person's decision. Pure."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome


class Decided(NamedTuple):
    """A person decided about one version of a message."""

    topic: str
    """The input."""
    position: Position
    """Where that version lies."""
    outcome: Outcome


def read_decided(record: Record) -> Decided | None:
    """
    What a record of a topic of decisions says; None where it says no place, or is no decision.

    All else in it is for others, and may be new to this release.
    """
    try:
        fields = orjson.loads(record.value or b"")
        position = Position.parse(fields["position"])
        topic, outcome = fields["topic"], Outcome(fields["outcome"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if position is None or not isinstance(topic, str):
        return None
    return Decided(topic, position, outcome)


def overturns(decided: Outcome, said: Outcome) -> bool:
    """Whether a person's word is against what was said: of a flag as of a block, if they allow."""
    return (decided is Outcome.ALLOW) != (said is Outcome.ALLOW)
