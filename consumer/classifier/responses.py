"""
The Responses API: the same question as a chat completion, and the same end of its answer. Pure.

Where the two differ is told here and nowhere else; the text of an answer is read by `parser`.
There is no seed in this API, so a retry differs by its temperature alone.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from consumer.classifier.content import Said, said_in, texts_in
from consumer.classifier.parser import Reading, read_content, read_tokens
from consumer.classifier.prompt import answer_schema, system_message
from consumer.classifier.request import RequestFormat, with_priority
from consumer.domain.policy import Policy
from consumer.domain.verdict import Tokens
from consumer.inference.fault import Fault, fault_of_finish, is_refusal


def responses_body(
    policy: Policy, user: str, format: RequestFormat, priority: int | None = None
) -> bytes:
    """The request for a judgement; see `request_body`. Nothing of it is to be stored."""
    before, after = _around(policy, format)
    return before + orjson.dumps(user) + with_priority(after, format, priority)


@lru_cache(maxsize=4_096)
def _around(policy: Policy, format: RequestFormat) -> tuple[bytes, bytes]:
    fields: dict[str, object] = {
        "max_output_tokens": format.room(policy),
        "stream": False,
        "store": False,
    }
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.with_effort:
        fields["reasoning"] = {"effort": policy.effort.value}
    if format.with_schema:
        shape = answer_schema(policy, format.with_bounds)
        schema = {"name": "judgement", "strict": True, "schema": shape}
        fields["text"] = {"format": {"type": "json_schema", **schema}}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"instructions":'
        + orjson.dumps(system_message(policy, format.spoken))
        + b',"input":[{"role":"user","content":'
    )
    return before, b"}]," + orjson.dumps(fields)[1:]


def read_response(
    body: bytes, policy: Policy, prompt_tokens_min: int = 0, tokens_max: int = 0
) -> Reading | Fault:
    """
    Read the body of a 200 as a judgement under `policy`; see `read_completion`.

    llama.cpp calls an answer completed that was cut off; only the room it took tells.
    """
    response = _document(body)
    if response is None:
        return Fault.NOT_A_COMPLETION
    if response.get("error") or response.get("status") in ("failed", "cancelled"):
        return Fault.ERROR_IN_BODY
    output = response.get("output")
    if not isinstance(output, list):
        return Fault.NOT_A_COMPLETION
    tokens = _tokens(response)
    if 0 < tokens.prompt < prompt_tokens_min:
        return Fault.PROMPT_TRUNCATED
    said = _said(output)
    if said.is_refusal:
        return Fault.REFUSAL
    if response.get("status", "completed") not in ("completed", "incomplete"):
        return Fault.NOT_A_COMPLETION
    why = _why_incomplete(response)
    if why is Fault.REFUSAL:
        return why
    if response.get("status") == "incomplete":
        return Fault.REFUSAL if is_refusal(said.answer) else why or Fault.TRUNCATED
    if any(isinstance(item, dict) and item.get("status") == "incomplete" for item in output):
        return Fault.TRUNCATED
    return read_content(said.answer, said.reasoning, policy, tokens, tokens_max)


def response_tokens(body: bytes) -> Tokens:
    """What an answer cost, readable or not."""
    return _tokens(_document(body) or {})


def _said(output: list[object]) -> Said:
    """
    The items of an output, sorted: what is the answer, what is reasoning.

    Several messages are joined and not chosen from: where they disagree the answer is ambiguous,
    and a verdict must not hang on which of them a server happens to put last.
    """
    items = [item for item in output if isinstance(item, dict)]
    found = [said_in(item.get("content")) for item in items if item.get("type") == "message"]
    thoughts = [
        text
        for item in items
        if item.get("type") == "reasoning"
        for text in texts_in(item.get("content")) or texts_in(item.get("summary"))
    ]
    return Said(
        "\n".join(said.answer for said in found),
        "\n".join([*thoughts, *(said.reasoning for said in found if said.reasoning)]),
        any(said.is_refusal for said in found),
    )


def _why_incomplete(response: dict[str, object]) -> Fault | None:
    details = response.get("incomplete_details")
    return fault_of_finish(details.get("reason")) if isinstance(details, dict) else None


def _tokens(response: dict[str, object]) -> Tokens:
    return read_tokens(response.get("usage"), "input_tokens", "output_tokens")


def _document(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
