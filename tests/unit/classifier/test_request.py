"""The request's body: valid JSON, one prefix for all texts, and only what the endpoint knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.classifier.prompt import answer_schema, system_message
from consumer.classifier.request import request_body
from consumer.domain.policy import Effort
from consumer.inference.blame.wordings import OPTIONAL_FIELDS
from consumer.inference.profiles import SGLANG, VLLM
from consumer.inference.wires.format import SCHEMA_BOUNDS, RequestFormat
from tests.builders import a_policy

POLICY = a_policy()
FORMAT = RequestFormat("a/model")


def body(user: str = "hi", format: RequestFormat = FORMAT, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(request_body(POLICY, user, format, **more))
    return document


def test_a_whole_request() -> None:
    """One system and one user message, never streaming, with all that we ask of an endpoint."""
    assert body() == {
        "model": "a/model",
        "messages": [
            {"role": "system", "content": system_message(POLICY)},
            {"role": "user", "content": "hi"},
        ],
        "max_completion_tokens": 4_096,
        "stream": False,
        "temperature": 0.0,
        "seed": 7,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": answer_schema(POLICY)},
        },
    }


@given(st.text(), st.text(max_size=5))
def test_any_text_makes_valid_json(user: str, model: str) -> None:
    """Quotes, controls and any script survive the way to the server."""
    document = body(user, RequestFormat(model))
    assert document["messages"][1]["content"] == user
    assert document["model"] == model


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_prefix_is_the_same_for_all_texts(one: str, other: str) -> None:
    """Everything before the text is byte for byte the same, so that prefixes can be cached."""
    bodies = [request_body(POLICY, text, FORMAT) for text in (one, other)]
    prefixes = [found[: found.index(b'{"role":"user"')] for found in bodies]
    assert prefixes[0] == prefixes[1]
    assert system_message(POLICY)[-20:].encode() in prefixes[0].replace(b'\\"', b'"').replace(
        b"\\n", b"\n"
    )


@pytest.mark.parametrize("field", OPTIONAL_FIELDS)
def test_any_optional_field_can_be_left_out(field: str) -> None:
    """What an endpoint does not know is left out, and nothing else changes but what is said."""
    full = replace(FORMAT, with_priority=True, profile=VLLM)
    shorter = full.without(field)
    without = body(format=shorter, priority=1)
    assert field not in without
    whole = body(format=full, priority=1)
    assert field in whole
    system = {"role": "system", "content": system_message(POLICY, shorter.spoken)}
    whole["messages"] = [system, whole["messages"][1]]
    assert without == {name: value for name, value in whole.items() if name != field}
    assert FORMAT.without(field).without(field) == FORMAT.without(field)


def test_all_optional_fields_can_be_left_out() -> None:
    """An endpoint that knows none of them still gets a request."""
    format = FORMAT
    for field in OPTIONAL_FIELDS:
        format = format.without(field)
    assert set(body(format=format)) == {"model", "messages", "max_completion_tokens", "stream"}


def test_what_cannot_be_sent_is_said() -> None:
    """The effort as a line that the model knows, the form of an answer as one filled in."""
    without_effort = body(format=FORMAT.without("reasoning_effort"))["messages"][0]["content"]
    assert without_effort == "Reasoning: low\n\n" + system_message(POLICY)
    without_schema = body(format=FORMAT.without("response_format"))["messages"][0]["content"]
    assert '"label":"HH2","rules":["HH2.a"]' in without_schema
    for field in ("temperature", "seed", "priority"):
        assert body(format=FORMAT.without(field))["messages"][0] == body()["messages"][0]


def test_the_bounds_of_a_schema_can_be_left_out_alone() -> None:
    """An endpoint that knows schemas, but not how to bound them, gets the same one without."""
    schema = body(format=FORMAT.without(SCHEMA_BOUNDS))["response_format"]["json_schema"]["schema"]
    assert schema == answer_schema(POLICY, bounded=False)
    assert FORMAT.without(SCHEMA_BOUNDS).spoken == FORMAT.spoken


@pytest.mark.parametrize(
    ("effort", "tokens_max", "low", "room"),
    [
        (Effort.LOW, 4_096, 1_024, 1_024),
        (Effort.MEDIUM, 4_096, 1_024, 4_096),
        (Effort.HIGH, 4_096, 1_024, 4_096),
        (Effort.LOW, 512, 1_024, 512),
        (Effort.LOW, 4_096, None, 4_096),
    ],
)
def test_the_room_goes_by_effort(
    effort: Effort, tokens_max: int, low: int | None, room: int
) -> None:
    """Where the effort is low reasoning is short, and an answer without end costs less."""
    policy = a_policy(effort=effort)
    format = RequestFormat("m", tokens_max=tokens_max, tokens_max_low=low)
    chat = orjson.loads(request_body(policy, "x", format))
    responses = orjson.loads(request_body(policy, "x", replace(format, api="responses")))
    assert (chat["max_completion_tokens"], responses["max_output_tokens"]) == (room, room)
    longer = format.for_retry(1, was_truncated=True)
    assert longer.room(policy.effort) == 2 * room
    assert format.for_retry(1, was_truncated=False).room(policy.effort) == room


def test_a_priority_is_sent_only_where_it_is_understood() -> None:
    """Lower is earlier with us; a server that counts the other way is sent the negative."""
    known = replace(FORMAT, with_priority=True, profile=VLLM)
    assert "priority" not in body(priority=3)
    assert "priority" not in body(format=known)
    assert body(format=known, priority=3)["priority"] == 3
    assert body(format=known, priority=-3)["priority"] == -3
    assert body(format=replace(known, profile=SGLANG), priority=3)["priority"] == -3
    assert body(format=known, priority=0) == {**body(), "priority": 0}
    # Where nobody knows which end comes first all are alike.
    assert body(format=replace(FORMAT, with_priority=True), priority=3)["priority"] == 0


def test_a_retry_asks_otherwise() -> None:
    """A retry has another seed each time, the model's own temperature, and room where it lacked."""
    first = FORMAT.for_retry(1, was_truncated=False)
    second = FORMAT.for_retry(2, was_truncated=True)
    assert (FORMAT.seed, first.seed, second.seed) == (7, 8, 9)
    assert (first.temperature, second.temperature) == (1.0, 1.0)
    assert (first.tokens_max, second.tokens_max) == (4_096, 8_192)
    assert RequestFormat("m", temperature=1.5).for_retry(1, was_truncated=False).temperature == 1.5


def test_a_retry_brings_no_field_back() -> None:
    """What was left out for the endpoint stays left out in a retry."""
    bare = FORMAT.without("seed").without("temperature").without("response_format")
    again = bare.for_retry(3, was_truncated=True)
    assert (again.seed, again.temperature, again.with_schema) == (None, None, False)


def test_the_effort_is_the_policys() -> None:
    """Each policy says how long the model may reason."""
    thorough = a_policy(effort=Effort.HIGH)
    assert orjson.loads(request_body(thorough, "x", FORMAT))["reasoning_effort"] == "high"
