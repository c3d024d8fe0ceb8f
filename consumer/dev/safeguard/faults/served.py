"""Served: how each fault looks on the wire, whether the server or the model is to blame. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import orjson

from consumer.dev.safeguard.completion import Completion
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.garbled import GARBLED


class Ending(StrEnum):
    """How the server ends the exchange."""

    WHOLE = "whole"
    CUT = "cut"
    """The connection closes before the promised length was sent."""
    DRIP = "drip"
    """The body comes a byte at a time."""
    RESET = "reset"
    HANG = "hang"


class Served(NamedTuple):
    """One answer as it goes over the wire."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    ending: Ending = Ending.WHOLE


def serve(
    fault: FaultName,
    answer: Completion,
    request: Mapping[str, object],
    retry_after_s: float | None = None,
) -> Served:
    """
    What the server sends for a request when this fault strikes.

    A 503 names `retry_after_s` where it is given, a 429 always names it (1 s where it is not).
    """
    if fault is FaultName.HTTP_400_UNKNOWN_PARAMETER:
        return _unknown_parameter(answer, request)
    if fault in _STATUS:
        return _STATUS[fault]
    if fault is FaultName.HTTP_429:
        return overloaded(429, 1 if retry_after_s is None else retry_after_s)
    if fault is FaultName.HTTP_503:
        return overloaded(503, retry_after_s)
    if fault is FaultName.HTTP_400_FAILED_GENERATION:
        return _failed_generation(answer)
    if fault is FaultName.TRUNCATED_BODY:
        return Served(200, answer.body(), ending=Ending.CUT)
    if fault is FaultName.SLOW_BODY:
        return Served(200, answer.body(), ending=Ending.DRIP)
    return Served(200, orjson.dumps(GARBLED[fault](answer)))


def is_immediate(fault: FaultName) -> bool:
    """Whether the server fails before it would have generated anything."""
    return fault in _IMMEDIATE


def overloaded(status: int, retry_after_s: float | None) -> Served:
    """A refusal for load, as vLLM's admission control (503) or a host's limit (429) sends it."""
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    return _error(status, "Too many requests: please try again later.", "Overloaded", headers)


def _error(
    status: int,
    message: str,
    kind: str = "BadRequestError",
    headers: Mapping[str, str] = {},
) -> Served:
    """An error in the shape that vLLM gives it."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return Served(status, orjson.dumps(body), headers=headers)


def _unknown_parameter(answer: Completion, request: Mapping[str, object]) -> Served:
    for field in ("response_format", "reasoning_effort"):
        if field in request:
            return _error(
                400, f"Unsupported parameter: '{field}' is not supported with this model."
            )
    return Served(200, answer.body())


def _failed_generation(answer: Completion) -> Served:
    """Groq's host checks the schema itself and, where it thinks it failed, answers 400."""
    error = {
        "message": "Failed to generate JSON. Please adjust your prompt. "
        "See 'failed_generation' for more details.",
        "type": "invalid_request_error",
        "code": "json_validate_failed",
        "failed_generation": answer.said(),
    }
    return Served(400, orjson.dumps({"error": error}))


_STATUS: Mapping[FaultName, Served] = {
    FaultName.CONNECTION_RESET: Served(0, b"", ending=Ending.RESET),
    FaultName.HANG: Served(0, b"", ending=Ending.HANG),
    FaultName.EMPTY_BODY: Served(200, b""),
    FaultName.NOT_JSON_BODY: Served(
        200, b"<html><body>Please wait while the gateway starts.</body></html>", "text/html"
    ),
    FaultName.ERROR_IN_200: Served(
        200, b'{"error":{"message":"upstream failed","type":"server_error","code":500}}'
    ),
    FaultName.HTTP_400_CONTEXT_LENGTH: _error(
        400,
        "This model's maximum context length is 16384 tokens. However, your request has 20021 "
        "input tokens. Please reduce the length of the input messages.",
    ),
    FaultName.HTTP_400_CONTEXT_LENGTH_LLAMA: Served(
        400,
        b'{"error":{"code":400,"message":"the request exceeds the available context size, try '
        b'increasing it","type":"exceed_context_size_error","n_prompt_tokens":20021,'
        b'"n_ctx":16384}}',
    ),
    FaultName.HTTP_401: _error(401, "Invalid API key.", "AuthenticationError"),
    FaultName.HTTP_403: _error(403, "This key may not use the model.", "PermissionDeniedError"),
    FaultName.HTTP_404_MODEL: _error(404, "The model `other` does not exist.", "NotFoundError"),
    FaultName.HTTP_500_EMPTY: _error(500, "", "InternalServerError"),
    FaultName.HTTP_500_ENGINE_DEAD: _error(
        500, "EngineCore encountered an issue. See stack trace above.", "EngineDeadError"
    ),
    FaultName.HTTP_500_HARMONY: _error(
        500, 'unexpected tokens remaining in message header: Some("x")', "HarmonyError"
    ),
    FaultName.HTTP_500_PEG_NATIVE: Served(
        500,
        b'{"error":{"code":500,"message":"The model produced output that does not match the '
        b'expected peg-native format","type":"server_error"}}',
    ),
    FaultName.HTTP_500_UNEXPECTED_TOKEN: _error(
        500,
        "Unexpected token 200002 while expecting start token 200006",
        "InternalServerError",
    ),
    FaultName.HTTP_502: Served(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html"),
    FaultName.HTTP_504: Served(504, b"<html><h1>504 Gateway Time-out</h1></html>", "text/html"),
}

_IMMEDIATE = frozenset(_STATUS) - {FaultName.HANG} | {FaultName.HTTP_429, FaultName.HTTP_503}
