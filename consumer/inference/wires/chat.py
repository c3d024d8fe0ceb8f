"""Chat completions: a request but for its text, and what an answer says. Pure."""

from __future__ import annotations

import orjson

from consumer.inference.blame.fault import Fault, fault_of_finish
from consumer.inference.blame.refusal import is_refusal
from consumer.inference.wires.content import CHOICES_MAX, Content, Said, said_in
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.frame import Frame, Prompt
from consumer.inference.wires.usage import read_tokens


def chat_frame(prompt: Prompt, format: RequestFormat) -> Frame:
    """One system and one user message, never streaming."""
    system = {"role": "system", "content": prompt.system}
    room = format.room(prompt.effort)
    fields: dict[str, object] = {"max_completion_tokens": room, "stream": False}
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.seed is not None:
        fields["seed"] = format.seed
    if format.with_effort:
        fields["reasoning_effort"] = prompt.effort
    if format.with_schema:
        schema = {"name": prompt.schema_name, "strict": True, "schema": prompt.schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"messages":['
        + orjson.dumps(system)
        + b',{"role":"user","content":'
    )
    return Frame(before, b"}]," + orjson.dumps(fields)[1:])


def chat_content(body: bytes, prompt_tokens_min: int) -> Content | Fault:
    """
    What the body of a 200 says, or why it says nothing.

    `prompt_tokens_min` is the least number of tokens that the whole prompt can have (0 = unknown):
    a server that counted fewer has cut it, and its answer is void.
    """
    try:
        completion = orjson.loads(body)
        choices = completion["choices"]
        choices[0]["message"].get("content")
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return _no_completion(body)
    if completion.get("error"):
        return Fault.ERROR_IN_BODY
    tokens = read_tokens(completion.get("usage"))
    if 0 < tokens.prompt < prompt_tokens_min:
        return Fault.PROMPT_TRUNCATED
    if len(choices) > CHOICES_MAX:
        return Fault.AMBIGUOUS
    return [_said(choice) for choice in choices], tokens


def _said(choice: object) -> Said | Fault:
    if not isinstance(choice, dict):
        return Fault.NOT_A_COMPLETION
    message = choice.get("message")
    if not isinstance(message, dict):
        return Fault.NOT_A_COMPLETION
    beside = message.get("reasoning") or message.get("reasoning_content") or None
    reasoning = beside if beside is None or isinstance(beside, str) else ""
    said = said_in(message.get("content"), reasoning)
    if message.get("refusal") or said.is_refusal:
        return Fault.REFUSAL
    if choice.get("error") or message.get("error"):
        return Fault.ERROR_IN_BODY
    fault = fault_of_finish(choice.get("finish_reason"))
    if fault is not None:
        return Fault.REFUSAL if is_refusal(said.answer) else fault
    return said


def _no_completion(body: bytes) -> Fault:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Fault.NOT_A_COMPLETION
    has_error = isinstance(document, dict) and document.get("error")
    return Fault.ERROR_IN_BODY if has_error else Fault.NOT_A_COMPLETION
