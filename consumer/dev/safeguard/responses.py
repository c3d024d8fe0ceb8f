"""
The Responses API of the stand-in: its requests as chat requests, chat answers as its answers. Pure.

Everything that the stand-in can do and do wrong is written for chat completions; here it is said
in the other API's words, as vLLM says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from consumer.dev.safeguard.faults.served import Served

PATH = "/v1/responses"


def as_chat_request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same question as a chat request; raises `KeyError` or `TypeError` where it is none."""
    given = asked["input"]
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    if asked.get("instructions"):
        messages.insert(0, {"role": "system", "content": asked["instructions"]})
    chat: dict[str, Any] = {"model": asked.get("model"), "messages": messages}
    if "max_output_tokens" in asked:
        chat["max_completion_tokens"] = asked["max_output_tokens"]
    if "text" in asked:
        chat["response_format"] = asked["text"]["format"]
    if "reasoning" in asked:
        chat["reasoning_effort"] = asked["reasoning"]["effort"]
    return chat


def as_response(document: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion as a response."""
    choice = document["choices"][0]
    message, finish = choice["message"], choice["finish_reason"]
    output: list[dict[str, Any]] = []
    reasoning = message.get("reasoning") or message.get("reasoning_content")
    if reasoning:
        thought = {"type": "reasoning_text", "text": reasoning}
        output.append({"type": "reasoning", "summary": [], "content": [thought]})
    if message.get("content") is not None:
        said = {"type": "output_text", "text": message["content"], "annotations": []}
        output.append({"type": "message", "role": "assistant", "content": [said]})
    response: dict[str, Any] = {
        "id": str(document["id"]).replace("chatcmpl", "resp"),
        "object": "response",
        "created_at": document["created"],
        "model": document["model"],
        "status": "completed" if finish == "stop" else "incomplete",
        "error": None,
        "incomplete_details": None if finish == "stop" else {"reason": _REASONS[finish]},
        "output": output,
    }
    if "usage" in document:
        response["usage"] = _usage(document["usage"])
    return response


def as_response_served(served: Served) -> Served:
    """An answer or a fault in this API's words; what is no completion is the same in both."""
    if served.status == 400:
        body = served.body.replace(b"'response_format'", b"'text.format'")
        return served._replace(body=body.replace(b"'reasoning_effort'", b"'reasoning.effort'"))
    try:
        document = orjson.loads(served.body)
    except orjson.JSONDecodeError:
        return served
    if served.status != 200 or "choices" not in document:
        return served
    return served._replace(body=orjson.dumps(as_response(document)))


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.replace("prompt", "input").replace("completion", "output"): value
        for name, value in usage.items()
    }


_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
