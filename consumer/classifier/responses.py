"""
The Responses API: the same question as a chat completion, and the same end of its answer. Pure.

Where the two differ is told here and nowhere else; the text of an answer is read by `parser`.
There is no seed in this API, so a retry differs by its temperature alone.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from consumer.classifier.parser import Fault, Reading, read_content, read_tokens
from consumer.classifier.prompt import answer_schema, system_message
from consumer.classifier.request import RequestFormat, with_priority
from consumer.domain.policy import Policy
from consumer.domain.verdict import Tokens


def responses_body(
    policy: Policy, user: str, format: RequestFormat, priority: int | None = None
) -> bytes:
    """The request for a judgement; see `request_body`. Nothing of it is to be stored."""
    before, after = _around(policy, format)
    return before + orjson.dumps(user) + with_priority(after, format, priority)


@lru_cache(maxsize=4_096)
def _around(policy: Policy, format: RequestFormat) -> tuple[bytes, bytes]:
    fields: dict[str, object] = {
        "max_output_tokens": format.tokens_max,
        "stream": False,
        "store": False,
    }
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.with_effort:
        fields["reasoning"] = {"effort": policy.effort.value}
    if format.with_schema:
        schema = {"name": "judgement", "strict": True, "schema": answer_schema(policy)}
        fields["text"] = {"format": {"type": "json_schema", **schema}}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"instructions":'
        + orjson.dumps(system_message(policy))
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
    status = response.get("status", "completed")
    if status == "incomplete":
        return _incomplete(response)
    if status != "completed":
        return Fault.NOT_A_COMPLETION
    said = _Said(output)
    if said.is_refusal:
        return Fault.REFUSAL
    return read_content(said.answer, said.reasoning, policy, tokens, tokens_max)


def response_tokens(body: bytes) -> Tokens:
    """What an answer cost, readable or not."""
    return _tokens(_document(body) or {})


class _Said:
    """
    The items of an output, sorted: what is the answer, what is reasoning.

    Several messages are joined and not chosen from: where they disagree the answer is ambiguous,
    and a verdict must not hang on which of them a server happens to put last.
    """

    def __init__(self, output: list[object]) -> None:
        answers: list[str] = []
        thoughts: list[str] = []
        self.is_refusal = False
        for item in output:
            if not isinstance(item, dict):
                continue
            if item.get("type") == "reasoning":
                thoughts += _texts(item.get("content")) or _texts(item.get("summary"))
            elif item.get("type") == "message":
                answers += _texts(item.get("content"))
                self.is_refusal |= _has_refusal(item.get("content"))
        self.answer = "\n".join(answers)
        self.reasoning = "\n".join(thoughts)


def _texts(parts: object) -> list[str]:
    if not isinstance(parts, list):
        return []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str)]


def _has_refusal(parts: object) -> bool:
    return isinstance(parts, list) and any(
        isinstance(part, dict) and part.get("type") == "refusal" for part in parts
    )


def _incomplete(response: dict[str, object]) -> Fault:
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return Fault.REFUSAL if reason == "content_filter" else Fault.TRUNCATED


def _tokens(response: dict[str, object]) -> Tokens:
    return read_tokens(response.get("usage"), "input_tokens", "output_tokens")


def _document(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
