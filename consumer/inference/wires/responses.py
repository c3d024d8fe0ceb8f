"""
The Responses API: the same question as a chat completion, and the same content of its answer. Pure.

Where the two differ is told here and nowhere else. There is no seed in this API, so a retry differs
by its temperature alone.
"""

from __future__ import annotations

import orjson

from consumer.inference.blame.fault import Fault, fault_of_finish
from consumer.inference.blame.refusal import is_refusal
from consumer.inference.wires.content import Content, Said, said_in, texts_in
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.frame import Frame, Prompt
from consumer.inference.wires.usage import read_tokens


def response_frame(prompt: Prompt, format: RequestFormat) -> Frame:
    """As `chat_frame`. Nothing of it is to be stored."""
    fields: dict[str, object] = {
        "max_output_tokens": format.room(prompt.effort),
        "stream": False,
        "store": False,
    }
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.with_effort:
        fields["reasoning"] = {"effort": prompt.effort}
    if format.with_schema:
        schema = {"name": prompt.schema_name, "strict": True, "schema": prompt.schema}
        fields["text"] = {"format": {"type": "json_schema", **schema}}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"instructions":'
        + orjson.dumps(prompt.system)
        + b',"input":[{"role":"user","content":'
    )
    return Frame(before, b"}]," + orjson.dumps(fields)[1:])


def response_content(body: bytes, prompt_tokens_min: int) -> Content | Fault:
    """
    As `chat_content`.

    llama.cpp calls an answer completed that was cut off; only the room it took tells.
    """
    try:
        response = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Fault.NOT_A_COMPLETION
    if not isinstance(response, dict):
        return Fault.NOT_A_COMPLETION
    if response.get("error") or response.get("status") in ("failed", "cancelled"):
        return Fault.ERROR_IN_BODY
    output = response.get("output")
    if not isinstance(output, list):
        return Fault.NOT_A_COMPLETION
    tokens = read_tokens(response.get("usage"), "input_tokens", "output_tokens")
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
    return (said,), tokens


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
