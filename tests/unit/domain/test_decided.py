"""What a record of a topic of decisions says to those who are no reviewers."""

from __future__ import annotations

import orjson
import pytest

from consumer.domain.decided import Decided, overturns, read_decided
from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome
from consumer.review.cases.facts import About, DecisionFact
from consumer.review.records.decision import encode_decision

PLACE = Position("chat.decisions", 1, 2)


def test_it_reads_what_reviewers_write() -> None:
    """The record that the console's outbox publishes, and one of a later release with more."""
    fact = DecisionFact("d1", 5, "ann", "allow", "quoted", position="chat/0/7")
    value, headers = encode_decision(About("chat", "m-1", fact), fact)
    due = Decided("chat", Position("chat", 0, 7), Outcome.ALLOW)
    assert read_decided(Record(PLACE, 5, None, value, headers)) == due
    more = orjson.dumps(orjson.loads(value) | {"new": 1})
    assert read_decided(Record(PLACE, 5, None, more)) == due


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"3",
        b"{",
        b'{"topic":"chat","outcome":"allow"}',
        b'{"topic":"chat","outcome":"allow","position":null}',
        b'{"topic":"chat","outcome":"allow","position":"chat"}',
        b'{"topic":"chat","outcome":"perhaps","position":"chat/0/7"}',
        b'{"topic":7,"outcome":"allow","position":"chat/0/7"}',
    ],
)
def test_anything_else_says_nothing(value: bytes | None) -> None:
    assert read_decided(Record(PLACE, 5, None, value)) is None


def test_a_person_who_allows_overturns_flag_and_block() -> None:
    said = {
        (decided, outcome)
        for decided in Outcome
        for outcome in Outcome
        if decided is not Outcome.FLAG and overturns(decided, outcome)
    }
    assert said == {
        (Outcome.ALLOW, Outcome.FLAG),
        (Outcome.ALLOW, Outcome.BLOCK),
        (Outcome.BLOCK, Outcome.ALLOW),
    }
