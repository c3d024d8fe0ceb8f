"""The Responses API: the same question as over chat, and the same end of every answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.parser import Fault, Reading, Repair, read_completion
from consumer.classifier.prompt import answer_schema, system_message
from consumer.classifier.request import request_body
from consumer.dev.safeguard.completion import Completion
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.served import serve
from consumer.dev.safeguard.judge import StandInAnswer
from consumer.dev.safeguard.responses import as_response_served
from consumer.domain.verdicts.verdict import Tokens
from consumer.inference.blame.blame import error_for
from consumer.inference.profiles import VLLM, Api
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.usage import tokens_of
from tests.builders import a_policy, an_answer

POLICY = a_policy()
FORMAT = RequestFormat("a/model", api="responses")


def body(user: str = "hi", format: RequestFormat = FORMAT, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(request_body(POLICY, user, format, **more))
    return document


def said(*texts: str, kind: str = "output_text") -> dict[str, Any]:
    return {"type": "message", "content": [{"type": kind, "text": text} for text in texts]}


def thought(text: str, where: str = "content") -> dict[str, Any]:
    return {"type": "reasoning", "summary": [], where: [{"type": "text", "text": text}]}


def a_response(*output: dict[str, Any], **changes: Any) -> bytes:
    document = {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": list(output),
        "usage": {
            "input_tokens": 400,
            "output_tokens": 80,
            "input_tokens_details": {"cached_tokens": 320},
            "output_tokens_details": {"reasoning_tokens": 60},
        },
    }
    return orjson.dumps(document | changes)


def read_response(
    document: bytes, prompt_tokens_min: int = 0, tokens_max: int = 0
) -> Reading | Fault:
    return read_completion(document, POLICY, prompt_tokens_min, tokens_max, "responses")


def read(*output: dict[str, Any], **changes: Any) -> Reading | Fault:
    return read_response(a_response(*output, **changes))


def test_a_whole_request() -> None:
    """The policy is the instructions, nothing is stored, and there is no seed in this API."""
    assert body(format=FORMAT) == {
        "model": "a/model",
        "instructions": system_message(POLICY),
        "input": [{"role": "user", "content": "hi"}],
        "max_output_tokens": 4_096,
        "stream": False,
        "store": False,
        "temperature": 0.0,
        "reasoning": {"effort": "low"},
        "text": {
            "format": {
                "type": "json_schema",
                "name": "judgement",
                "strict": True,
                "schema": answer_schema(POLICY),
            }
        },
    }


@given(st.text(), st.text(max_size=5))
def test_any_text_makes_valid_json(user: str, model: str) -> None:
    """Quotes, controls and any script survive the way to the server."""
    document = body(user, RequestFormat(model, api="responses"))
    assert document["input"][0]["content"] == user
    assert document["model"] == model


@pytest.mark.parametrize(
    ("field", "name"),
    [("response_format", "text"), ("reasoning_effort", "reasoning"), ("temperature",) * 2],
)
def test_any_optional_field_can_be_left_out(field: str, name: str) -> None:
    """What an endpoint does not know is left out here too, and said, under this API's name."""
    shorter = FORMAT.without(field)
    whole = body() | {"instructions": system_message(POLICY, shorter.spoken)}
    assert body(format=shorter) == {other: value for other, value in whole.items() if other != name}


def test_a_priority_is_sent_where_it_is_understood() -> None:
    """Over either API alike."""
    assert "priority" not in body(priority=3)
    assert (
        body(
            format=RequestFormat("m", api="responses", with_priority=True, profile=VLLM), priority=3
        )["priority"]
        == 3
    )


ANSWER = Completion(1, StandInAnswer("HH2", ("HH2.a",), "high", "x", "y"), ("HH0", "HH2"), 4_000)
IN_200 = [
    name
    for name in FaultName
    if not name.startswith("http_") and serve(name, ANSWER, {}).status == 200
]


@pytest.mark.parametrize("fault", [None, *IN_200])
def test_every_fault_reads_as_it_does_over_chat(fault: FaultName | None) -> None:
    """Whatever a server does wrong in a 200, either API's reader makes the same of it."""
    served = serve(fault or FaultName.SLOW_BODY, ANSWER, {})
    over_chat = read_completion(served.body, POLICY, prompt_tokens_min=100)
    response = as_response_served(served)
    assert read_response(response.body, prompt_tokens_min=100) == over_chat
    if over_chat not in (Fault.NOT_A_COMPLETION, Fault.ERROR_IN_BODY):
        assert b'"object":"response"' in response.body


@pytest.mark.parametrize("fault", [name for name in FaultName if name.startswith("http_")])
def test_every_refusal_is_told_apart_as_over_chat(fault: FaultName) -> None:
    """A field that is unknown by this API's name is the same field."""
    served = serve(fault, ANSWER, {"response_format": {}}, None)
    found = [
        error_for(Reply(each.status, {}, each.body))
        for each in (served, as_response_served(served))
    ]
    assert (type(found[0]), str(found[0])) == (type(found[1]), str(found[1]))


def test_a_good_answer() -> None:
    """Label, reasoning beside it, tokens under this API's names."""
    found = read(thought("why"), said(an_answer()))
    assert isinstance(found, Reading)
    assert found.repair is Repair.NONE
    assert (found.judgement.label, found.judgement.reasoning) == ("HH2", "why")
    assert found.judgement.tokens == Tokens(400, 320, 60, 80)
    assert tokens_of(a_response()) == Tokens(400, 320, 60, 80)


def test_a_summary_is_reasoning_where_there_is_no_other() -> None:
    """Hosts that keep the reasoning to themselves may sum it up."""
    found = read(thought("in short", "summary"), said(an_answer()))
    assert isinstance(found, Reading)
    assert found.judgement.reasoning == "in short"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "failed"}, Fault.ERROR_IN_BODY),
        ({"status": "cancelled"}, Fault.ERROR_IN_BODY),
        ({"error": {"message": "no"}}, Fault.ERROR_IN_BODY),
        ({"status": "in_progress"}, Fault.NOT_A_COMPLETION),
        ({"status": "queued"}, Fault.NOT_A_COMPLETION),
        ({"status": None}, Fault.NOT_A_COMPLETION),
        ({"status": "incomplete"}, Fault.TRUNCATED),
        ({"status": "incomplete", "incomplete_details": None}, Fault.TRUNCATED),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, None),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Fault.TRUNCATED,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            Fault.REFUSAL,
        ),
        ({"output": None}, Fault.NOT_A_COMPLETION),
        ({"output": {}}, Fault.NOT_A_COMPLETION),
        ({"output": []}, Fault.EMPTY),
    ],
)
def test_how_a_response_ends(changes: dict[str, Any], expected: Fault | None) -> None:
    """Only a completed response with an answer in it is a judgement, however good it looks."""
    found = read(said(an_answer()), **changes)
    assert (found if expected else type(found)) == (expected or Reading)


def test_a_refusal_part_is_a_refusal() -> None:
    """Even where an answer stands beside it."""
    assert read(said("I won't", kind="refusal")) is Fault.REFUSAL
    assert read(said(an_answer()), said("I won't", kind="refusal")) is Fault.REFUSAL


def test_messages_that_disagree_are_ambiguous() -> None:
    """No verdict hangs on the order in which a server puts the messages."""
    one, other = an_answer("HH2"), an_answer("HH0", rules=[])
    assert read(said(one), said(other)) is Fault.AMBIGUOUS
    assert read(said(other), said(one)) is Fault.AMBIGUOUS
    assert read(said(other, one)) is Fault.AMBIGUOUS


@pytest.mark.parametrize(("counted", "is_cut"), [(0, False), (1, True), (399, True), (400, False)])
def test_a_cut_prompt_voids_the_answer(counted: int, is_cut: bool) -> None:
    """As over chat: what was not counted is not known to be cut."""
    found = read_response(a_response(said(an_answer()), usage={"input_tokens": counted}), 400)
    assert (found is Fault.PROMPT_TRUNCATED) is is_cut
    assert isinstance(found, Reading) is not is_cut


def test_reasoning_is_never_the_answer() -> None:
    """An answer that stands in the reasoning alone is a fault of its own."""
    assert read(thought(an_answer())) is Fault.ONLY_IN_REASONING


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("content", [None, "", an_answer()[:30]])
def test_an_answer_that_took_all_its_room_was_cut(api: Api, content: str | None) -> None:
    """Some servers call a cut answer completed; a readable one stands all the same."""

    def found(text: str | None, tokens_max: int) -> Reading | Fault:
        completion = ANSWER.document_of({"content": text, "reasoning": "y" * 400})
        completion["usage"] = {"prompt_tokens": 400, "completion_tokens": 80}
        document = orjson.dumps(completion)
        if api == "responses":
            document = as_response_served(
                serve(FaultName.EMPTY_BODY, ANSWER, {})._replace(body=document)
            ).body
        return read_completion(document, POLICY, 0, tokens_max, api)

    assert found(content, 80) is Fault.TRUNCATED
    assert found(content, 1) is Fault.TRUNCATED
    assert found(content, 81) in (Fault.EMPTY, Fault.UNREADABLE)
    assert found(content, 0) in (Fault.EMPTY, Fault.UNREADABLE)
    assert isinstance(found(an_answer(), 80), Reading)
    assert found("I'm sorry, but I can't help with that.", 80) is Fault.REFUSAL


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "content", "text", "summary", "reason", "output"]),
            inner | st.sampled_from(["message", "reasoning", "refusal", an_answer()]),
        )
    ),
)


@settings(max_examples=400, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "output": ODD,
            "status": ODD | st.sampled_from(["completed", "incomplete"]),
            "error": ODD,
            "incomplete_details": ODD,
            "usage": ODD,
        },
    )
)
def test_any_document_is_a_reading_or_a_fault(document: dict[str, Any]) -> None:
    """The reader is total, and counts what is not a number as none."""
    found = read_response(orjson.dumps(document), 10, 10)
    assert isinstance(found, Reading | Fault)
    assert min(tokens_of(orjson.dumps(document))) >= 0


@given(st.binary(max_size=60))
def test_any_bytes_are_a_reading_or_a_fault(document: bytes) -> None:
    """What is no JSON is no completion."""
    assert isinstance(read_response(document), Fault)
    assert tokens_of(document) == Tokens()
