"""Both shapes of decision endpoints: what is sent, what is read, and what is never trusted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from consumer.inference.wires.decisions import DECISIONS
from consumer.inference.wires.probabilities import EMULATED, DecisionWire
from consumer.inference.wires.systemone import SYSTEM_ONE
from consumer.interfaces import Probabilities


def predicates(*values: object, **more: object) -> bytes:
    answers = [
        {"type": "predicate", "name": f"q{at}", "probability": value}
        for at, value in enumerate(values)
    ]
    return orjson.dumps({"model": "d", "answers": answers, **more})


def nouls(*values: object, **more: object) -> bytes:
    answers = {f"q{at}": {"type": "noul", "noul": value} for at, value in enumerate(values)}
    return orjson.dumps({"model": "d", "answers": answers, **more})


BOTH = pytest.mark.parametrize(("wire", "said"), [(DECISIONS, predicates), (SYSTEM_ONE, nouls)])


@BOTH
def test_each_statement_has_its_probability_in_the_order_asked(
    wire: DecisionWire, said: Any
) -> None:
    assert wire.answers(said(0.25, 0, 1), 3) == Probabilities((0.25, 0.0, 1.0), "d")


@BOTH
@pytest.mark.parametrize("value", [None, True, "0.1", -0.01, 1.01, [0.1], {"p": 0.1}])
def test_what_is_no_probability_is_unknown_and_the_others_stand(
    wire: DecisionWire, said: Any, value: object
) -> None:
    assert wire.answers(said(0.5, value), 2) == Probabilities((0.5, None), "d")


@BOTH
def test_a_number_that_is_none_spoils_the_whole_answer(wire: DecisionWire, said: Any) -> None:
    """NaN is no JSON: nothing beside it can be trusted to have been read as it was meant."""
    body = said(0.5).replace(b"0.5", b"NaN")
    assert wire.answers(body, 1) == "its answer is no JSON"


@BOTH
def test_a_refused_question_is_unknown_and_the_others_stand(wire: DecisionWire, said: Any) -> None:
    body = orjson.loads(said(0.5, 0.5))
    answers = body["answers"]
    at: Any = 1 if isinstance(answers, list) else "q1"
    answers[at] = {"type": "refusal", "name": "q1"}
    assert wire.answers(orjson.dumps(body), 2) == Probabilities((0.5, None), "d")


@BOTH
def test_emulated_probabilities_are_never_trusted(wire: DecisionWire, said: Any) -> None:
    """Whether the gateway says so itself, or its tokens do."""
    assert wire.answers(said(0.01, emulated=True), 1) == EMULATED
    assert wire.answers(said(0.01, usage={"output_tokens": 40}), 1) == EMULATED
    assert wire.answers(said(0.01, usage={"output_tokens": 1}), 1) == Probabilities((0.01,), "d")


@BOTH
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"answers":null}', b'{"answers":[],"error":{"message":"no"}}']
)
def test_what_is_no_answer_is_said_to_be_none(wire: DecisionWire, said: Any, body: bytes) -> None:
    assert isinstance(wire.answers(body, 1), str)


def test_an_answer_too_few_or_in_another_order_spoils_the_whole() -> None:
    """Otherwise one policy would have the probability of another."""
    assert isinstance(DECISIONS.answers(predicates(0.1), 2), str)
    body = orjson.loads(predicates(0.1, 0.9))
    body["answers"].reverse()
    assert isinstance(DECISIONS.answers(orjson.dumps(body), 2), str)
    assert SYSTEM_ONE.answers(nouls(0.1), 2) == Probabilities((0.1, None), "d")


async def test_the_openai_package_sends_the_same_request_and_reads_the_same_answer() -> None:
    """`client.decisions.create` of the installed package is what `/decisions` means."""
    httpx2 = pytest.importorskip("httpx2")
    openai = pytest.importorskip("openai")
    seen: list[bytes] = []
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 9,
    }
    answer = predicates(0.25, 0.5, usage=usage)

    def serve(request: Any) -> Any:
        seen.append(request.url.path.encode() + b" " + request.content)
        return httpx2.Response(200, content=answer, headers={"content-type": "application/json"})

    client = openai.AsyncOpenAI(
        base_url="http://here/v1",
        api_key="none",
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(serve)),
    )
    body = DECISIONS.body("d", "hello", ["It is a greeting.", "It is spam."])
    ours = orjson.loads(body)
    found = await client.decisions.create(**ours)
    path, _, sent = seen[0].partition(b" ")

    assert path.decode() == f"/v1{DECISIONS.path}"
    assert orjson.loads(sent) == ours
    assert [each.probability for each in found.answers] == [0.25, 0.5]
    assert DECISIONS.answers(answer, 2) == Probabilities((0.25, 0.5), found.model)
