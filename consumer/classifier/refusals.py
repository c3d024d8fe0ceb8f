"""
A status that is not 200 -> the error that says what to do about it. Pure.

The wordings are those of vLLM, llama.cpp, Ollama and Groq; a new server's go into the tables below.
"""

from __future__ import annotations

import orjson

from consumer.classifier.reply import Reply
from consumer.errors import (
    ConsumerError,
    EndpointRefused,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)


class PromptTooLong(Retryable):
    """Text and policy are longer than the model's context. It is judged in shorter pieces."""

    is_systemic = False


class UnknownParameter(Retryable):
    """The endpoint does not know a field of the request. It is left out from now on."""

    is_systemic = False

    def __init__(self, field: str) -> None:
        super().__init__(f"the endpoint does not know the request field {field}")
        self.field = field


class FailedGeneration(ModelFault):
    """The host's own schema check refused the model's answer and returned it inside a 400."""

    def __init__(self, body: bytes) -> None:
        super().__init__("failed_generation")
        self.body = body


TOO_LONG = ("context length", "context size", "exceed_context", "maximum context", "too long")
MODEL_FAULTS = (
    "harmony",
    "peg-native",
    "unexpected token",
    "does not match the expected",
    "unexpected tokens remaining",
)
OPTIONAL_FIELDS = ("response_format", "reasoning_effort", "seed", "temperature", "priority")
"""Fields of the request that an endpoint may not know; each can be left out."""
OTHER_NAMES = {
    "response_format": ("json_schema", "text.format"),
    "reasoning_effort": ("reasoning.effort",),
}
"""What they are called in wordings of some servers and in the Responses API."""


def error_for(reply: Reply) -> ConsumerError:
    """What a reply that is no 200 means."""
    text = _error_text(reply.body)
    status = reply.status
    if status in (429, 503):
        return Overloaded(f"the inference server answered {status}", _retry_after_s(reply))
    if status in (401, 403):
        return EndpointRefused(
            f"the inference server answered {status}: check inference.api_key_file"
        )
    if status == 404:
        return EndpointRefused(
            "the inference server answered 404: check inference.endpoint (it ends in /v1) "
            "and inference.model"
        )
    if status in (400, 413, 422):
        return _bad_request(reply, text)
    if status == 500 and (_is_wordless(reply.body) or any(word in text for word in MODEL_FAULTS)):
        return ModelFault("http_500")
    return InferenceUnavailable(f"the inference server answered {status}")


def _bad_request(reply: Reply, text: str) -> ConsumerError:
    if b"failed_generation" in reply.body or "json_validate_failed" in text:
        return FailedGeneration(reply.body)
    if reply.status == 413 or any(word in text for word in TOO_LONG):
        return PromptTooLong()
    for field in OPTIONAL_FIELDS:
        if field in text or any(name in text for name in OTHER_NAMES.get(field, ())):
            return UnknownParameter(field)
    return ModelFault(f"http_{reply.status}")


def _error_text(body: bytes) -> str:
    """The message of an error body in lower case; it is matched, never logged or kept."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:2_000].decode("utf-8", "replace").strip().lower()
    error = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(error, dict):
        words = [error.get(name) for name in ("message", "type", "code", "param", "detail")]
        return " ".join(_shown(word) for word in words if word).lower()
    return _shown(error).lower() if error else ""


def _shown(part: object) -> str:
    """Part of an error body; as JSON, since `str` of something nested deeply does not end well."""
    if isinstance(part, str):
        return part
    try:
        return orjson.dumps(part).decode()
    except TypeError:
        return ""


def _is_wordless(body: bytes) -> bool:
    """vLLM's 500 for an answer it could not parse: a type, a code, and an empty message."""
    try:
        document = orjson.loads(body)
        error = document.get("error", document)
        return not (error.get("message") if isinstance(error, dict) else error)
    except (orjson.JSONDecodeError, AttributeError):
        return not body.strip()


def _retry_after_s(reply: Reply) -> float | None:
    """RFC 9110 `Retry-After` in seconds; the date form is rare enough to be passed over."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3_600 else None
