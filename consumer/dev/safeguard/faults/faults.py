"""
Every known fault of an inference server, by name. Pure.

The names are the rows of the fault table in the design's research: what vLLM, llama.cpp, Ollama,
SGLang and hosted servers have been seen to do. A stand-in that can do all of them, on request and
at a rate, is how the client is tested without any of those servers.
"""

from __future__ import annotations

from enum import StrEnum


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
