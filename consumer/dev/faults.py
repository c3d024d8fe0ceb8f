"""
How each known fault of an inference server looks on the wire. Pure.

The names are the rows of the fault table in the design's research: what vLLM, llama.cpp, Ollama,
SGLang and hosted servers have been seen to do. A stand-in that can do all of them, on request and
at a rate, is how the client is tested without any of those servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import orjson

from consumer.dev.completion import Completion


class FaultName(StrEnum):
    """What can go wrong, by the name used in `Behaviour.faults`."""

    CONNECTION_RESET = "connection_reset"
    HANG = "hang"
    SLOW_BODY = "slow_body"
    """A byte at a time, for longer than anybody waits."""
    TRUNCATED_BODY = "truncated_body"
    EMPTY_BODY = "empty_body"
    NOT_JSON_BODY = "not_json_body"
    ERROR_IN_200 = "error_in_200"

    HTTP_400_CONTEXT_LENGTH = "http_400_context_length"
    HTTP_400_CONTEXT_LENGTH_LLAMA = "http_400_context_length_llama"
    HTTP_400_FAILED_GENERATION = "http_400_failed_generation"
    HTTP_400_UNKNOWN_PARAMETER = "http_400_unknown_parameter"
    """Refuses response_format, then reasoning_effort; a request with neither is answered."""
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    HTTP_404_MODEL = "http_404_model"
    HTTP_429 = "http_429"
    HTTP_500_EMPTY = "http_500_empty"
    HTTP_500_ENGINE_DEAD = "http_500_engine_dead"
    HTTP_500_HARMONY = "http_500_harmony"
    HTTP_500_PEG_NATIVE = "http_500_peg_native"
    HTTP_500_UNEXPECTED_TOKEN = "http_500_unexpected_token"
    HTTP_502 = "http_502"
    HTTP_503 = "http_503"
    HTTP_504 = "http_504"

    LENGTH_EMPTY = "length_empty"
    LENGTH_CUT_JSON = "length_cut_json"
    LENGTH_MARKUP = "length_markup"
    """Cut in the header of the final channel, so that the header is the content (vLLM)."""
    CONTENT_FILTER = "content_filter"
    NULL_CONTENT_STOP = "null_content_stop"
    RAW_HARMONY_FINAL = "raw_harmony_final"
    RAW_HARMONY_ANALYSIS_ONLY = "raw_harmony_analysis_only"
    FENCED_JSON = "fenced_json"
    ECHOED_STUB = "echoed_stub"
    ECHOED_STUB_LABEL = "echoed_stub_label"
    BARE_LABEL = "bare_label"
    PROSE_AROUND_JSON = "prose_around_json"
    TWO_LABELS = "two_labels"
    DUPLICATE_LABEL_KEY = "duplicate_label_key"
    REFUSAL = "refusal"
    UNKNOWN_LABEL = "unknown_label"
    UNKNOWN_RULE = "unknown_rule"
    WRONG_TYPES = "wrong_types"
    JSON_IN_REASONING_ONLY = "json_in_reasoning_only"
    HUGE_RATIONALE = "huge_rationale"
    PROMPT_TRUNCATED = "prompt_truncated"
    MISSING_USAGE = "missing_usage"
    REASONING_CONTENT_FIELD = "reasoning_content_field"
    """No fault but another server's habit."""

    @property
    def is_immediate(self) -> bool:
        """Whether the server fails before it would have generated anything."""
        return self in _IMMEDIATE


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
    return Served(200, orjson.dumps(_COMPLETIONS[fault](answer)))


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


def _saying(said: Callable[[Completion], str | None], finish: str = "stop") -> _Maker:
    """A completion whose content is another."""
    return lambda answer: answer.document_of(
        {"content": said(answer), "reasoning": answer.decision.reasoning}, finish
    )


def _raw_harmony(answer: Completion) -> dict[str, object]:
    text = (
        f"<|channel|>analysis<|message|>{answer.decision.reasoning}<|end|><|start|>assistant"
        f"<|channel|>final <|constrain|>json<|message|>{answer.said()}<|return|>"
    )
    return answer.document_of({"content": text, "reasoning": None})


def _raw_analysis(answer: Completion) -> dict[str, object]:
    text = f"<|channel|>analysis<|message|>{answer.decision.reasoning} So {answer.said()}"
    return answer.document_of({"content": text, "reasoning": None})


def _in_reasoning_only(answer: Completion) -> dict[str, object]:
    reasoning = f"{answer.decision.reasoning} {answer.said()}"
    return answer.document_of({"content": None, "reasoning": reasoning})


def _reasoning_content(answer: Completion) -> dict[str, object]:
    message = {"content": answer.said(), "reasoning_content": answer.decision.reasoning}
    return answer.document_of(message)


def _prompt_truncated(answer: Completion) -> dict[str, object]:
    return answer.document() | {
        "usage": {"prompt_tokens": 12, "completion_tokens": 60, "total_tokens": 72}
    }


def _missing_usage(answer: Completion) -> dict[str, object]:
    return {name: value for name, value in answer.document().items() if name != "usage"}


def _other_label(answer: Completion) -> str:
    others = [label for label in answer.labels if label != answer.decision.label]
    return others[-1] if others else "ZZ9"


def _two_labels(answer: Completion) -> str:
    other = answer.decision._replace(label=_other_label(answer)).as_json()
    return f"{answer.said()}\nOr, on reflection:\n{other}"


def _duplicate_key(answer: Completion) -> str:
    label = orjson.dumps(_other_label(answer)).decode()
    return f'{{"label":{label},' + answer.decision.as_json()[1:]


def _wrong_types(answer: Completion) -> str:
    decision = answer.decision
    fields = {"label": [decision.label], "rules": ", ".join(decision.rules), "confidence": 0.9}
    return orjson.dumps(fields | {"rationale": None}).decode()


def _stub(answer: Completion) -> str:
    return f"Answer ({' or '.join(answer.labels)}): "


_Maker = Callable[[Completion], dict[str, object]]

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

_COMPLETIONS: Mapping[FaultName, _Maker] = {
    FaultName.LENGTH_EMPTY: _saying(lambda answer: None, "length"),
    FaultName.LENGTH_CUT_JSON: _saying(lambda a: a.said()[: len(a.said()) // 2], "length"),
    FaultName.LENGTH_MARKUP: _saying(
        lambda a: "<|start|>assistant<|channel|>final <|constrain|>json", "length"
    ),
    FaultName.CONTENT_FILTER: _saying(lambda a: None, "content_filter"),
    FaultName.NULL_CONTENT_STOP: lambda a: a.document_of({"content": None, "reasoning": None}),
    FaultName.RAW_HARMONY_FINAL: _raw_harmony,
    FaultName.RAW_HARMONY_ANALYSIS_ONLY: _raw_analysis,
    FaultName.FENCED_JSON: _saying(lambda a: f"```json\n{a.said()}\n```"),
    FaultName.ECHOED_STUB: _saying(lambda a: _stub(a) + a.said()),
    FaultName.ECHOED_STUB_LABEL: _saying(lambda a: _stub(a) + a.decision.label),
    FaultName.BARE_LABEL: _saying(lambda a: a.decision.label),
    FaultName.PROSE_AROUND_JSON: _saying(
        lambda a: f"Here is my classification:\n\n{a.said()}\n\nLet me know if you need more."
    ),
    FaultName.TWO_LABELS: _saying(_two_labels),
    FaultName.DUPLICATE_LABEL_KEY: _saying(_duplicate_key),
    FaultName.REFUSAL: _saying(lambda a: "I'm sorry, but I can't help with that."),
    FaultName.UNKNOWN_LABEL: _saying(lambda a: a.decision._replace(label="ZZ9").as_json()),
    FaultName.UNKNOWN_RULE: _saying(
        lambda a: a.decision._replace(rules=(*a.decision.rules, "ZZ9.z")).as_json()
    ),
    FaultName.WRONG_TYPES: _saying(_wrong_types),
    FaultName.JSON_IN_REASONING_ONLY: _in_reasoning_only,
    FaultName.HUGE_RATIONALE: _saying(
        lambda a: a.decision._replace(rationale="because " * 131_072).as_json()
    ),
    FaultName.PROMPT_TRUNCATED: _prompt_truncated,
    FaultName.MISSING_USAGE: _missing_usage,
    FaultName.REASONING_CONTENT_FIELD: _reasoning_content,
}

_IMMEDIATE = frozenset(_STATUS) - {FaultName.HANG} | {FaultName.HTTP_429, FaultName.HTTP_503}
