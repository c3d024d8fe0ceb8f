"""Only what the model itself answered under the very version is learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from consumer.commands.prefilter import answers as module
from consumer.commands.prefilter.answers import AnswerFinder, Maker
from consumer.domain.messages.message import Position, Record
from consumer.domain.verdicts.headers import PROBABILITY
from consumer.domain.verdicts.verdict import verdict_id

TOPIC = "chat"


def answer(
    offset: int,
    outcome: str = "allow",
    *,
    fields: Mapping[str, object] | None = None,
    headers: Mapping[str, str] = {},
) -> Record:
    """A verdict record; the headers are named without their prefix."""
    position = Position(TOPIC, 0, offset)
    whole = {
        "verdict-id": verdict_id(TOPIC, position, "g", "d1"),
        "outcome": outcome,
        "cause": "model",
        "policy-digest": "d1",
        "position": str(position),
        "group": "g",
        **headers,
    }
    named: list[tuple[str, bytes | None]] = [
        (f"safeguard-{name}", value.encode()) for name, value in whole.items()
    ]
    value = b"{"
    if fields is not None:
        named.append(("ce_type", b"safeguard.verdict.v1"))
        value = json.dumps({"model": "m", "template": "t", **fields}).encode()
    return Record(Position(f"{TOPIC}.{outcome}", 0, offset), 0, None, value, tuple(named))


def found_in(*records: Record) -> AnswerFinder:
    finder = AnswerFinder(TOPIC, TOPIC, "g", "d1")
    for record in records:
        finder.add(record)
    return finder


def test_outcomes_are_read_with_who_made_them() -> None:
    finder = found_in(answer(1), answer(2, "block", fields={}), answer(3, "flag", fields={}))
    answers = finder.answers()

    assert {place: each.is_positive for place, each in answers.items()} == {
        (0, 1): False,
        (0, 2): True,
        (0, 3): True,
    }
    assert finder.maker == Maker("m", "t")


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "unjudged"},
        {"cause": "human"},
        {"policy-digest": "d2"},
        {"group": "h"},
        {"supersedes": "x"},
        {"position": "nowhere"},
        {"position": "other/0/1"},
        {"verdict-id": "f" * 32},
    ],
)
def test_other_verdicts_are_left_out(changes: dict[str, str]) -> None:
    """Of another cause, version, group, topic or an earlier topic of the name."""
    assert found_in(answer(1, headers=changes)).answers() == {}


def test_a_record_without_a_verdict_id_is_no_verdict() -> None:
    """Another program may write to an output."""
    record = answer(1)
    headers = tuple(each for each in record.headers if each[0] != "safeguard-verdict-id")
    assert found_in(record._replace(headers=headers)).answers() == {}


def test_an_envelope_that_cannot_be_read_says_nothing_beyond_its_headers() -> None:
    """Somebody else may have changed it; the outcome stands in the headers."""
    whole = answer(1, "block", fields={})
    finder = found_in(whole._replace(value=b"{"), whole._replace(value=b"[]"))
    assert [each.is_positive for each in finder.answers().values()] == [True]
    assert finder.maker in (None, Maker("", ""))


def test_what_was_judged_with_context_is_left_out() -> None:
    assert found_in(answer(1, fields={"context": {"messages": 2}})).answers() == {}


def test_an_audited_message_weighs_what_it_stands_for() -> None:
    """As the envelope says, or a header where the record was passed through."""
    answers = found_in(
        answer(1, fields={"screening": {"audit_probability": 0.02}}),
        answer(2, headers={PROBABILITY.removeprefix("safeguard-"): "0.5"}),
        answer(3, fields={"screening": {"stage": "prefilter"}}),
        answer(4, fields={"screening": {"audit_probability": "much"}}),
        answer(5, fields={"screening": {"audit_probability": 0}}),
        answer(6, fields={"screening": 3}),
    ).answers()
    assert [answers[0, at].weight for at in range(1, 7)] == [50.0, 2.0, 1.0, 1.0, 1.0, 1.0]


def test_only_the_last_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWERS_MAX", 2)
    assert sorted(found_in(*map(answer, (1, 2, 3))).answers()) == [(0, 2), (0, 3)]


def test_answers_of_another_model_are_left_out() -> None:
    """The most frequent one is learned from; what says none is believed to be its."""
    finder = found_in(
        answer(1, fields={}),
        answer(2, fields={}),
        answer(3, fields={"model": "older"}),
        answer(4),
        answer(5, fields={"model": None}),
    )
    assert finder.maker == Maker("m", "t")
    assert sorted(offset for _, offset in finder.answers()) == [1, 2, 4, 5]
    assert found_in(answer(1)).maker is None
