"""The message's own faults: what the server or the model could not do with it."""

from __future__ import annotations

from dataclasses import replace

from tests.odd.row import FINE, Answer, Meaning, Row, completion, error, page, said
from tests.odd.rows.seen import seen

_ECHOES = "what temperature is it? that was too long, a banned thing for the seed"


def _own(name: str, answer: Answer, words: str = "a banned thing", **more: bool) -> Row:
    return Row(name, answer, Meaning.OWN, words, **more)


INVALID = (
    _own("422-echoed-input", seen("422-echoed-input.json"), _ECHOES),
    _own(
        "422-echoed-in-words",
        said(422, {"detail": 'messages.1.content: "@TEXT@" is not accepted'}),
        _ECHOES,
    ),
    _own(
        "400-echoed-in-words",
        error(400, "could not read the message: @TEXT@", type="BadRequestError", code=400),
        "a banned thing: response_format, reasoning_effort, too long, seed",
    ),
    _own("400-who-knows", error(400, "Bad request")),
    _own("422-empty", Answer(422)),
    _own(
        "400-vllm-utf8",
        error(400, "[{'type': 'string_unicode', 'loc': ('body', 'messages', 1)}]", code=400),
    ),
)

TOO_LONG = (
    _own(
        "400-vllm-context",
        error(
            400,
            "This model's maximum context length is 4096 tokens. However, you asked for 5000.",
            type="BadRequestError",
            param="input_tokens",
            code=400,
        ),
        is_final=True,
    ),
    _own(
        "400-llama-context",
        error(
            400,
            "the request exceeds the available context size, try increasing it",
            code=400,
            type="exceed_context_size_error",
            n_prompt_tokens=5000,
            n_ctx=4096,
        ),
        is_final=True,
    ),
    _own(
        "400-openai-context",
        error(400, "no", code="context_length_exceeded", param="messages"),
        is_final=True,
    ),
    _own("413-nginx", page(413, "Request Entity Too Large"), is_final=True),
)

MODELS = (
    _own("500-harmony", error(500, "openai_harmony.HarmonyError: unknown role", code=500)),
    _own("500-tokens", error(500, "Unexpected token 200002 while expecting start token 200006")),
    _own("500-peg", error(500, "output that does not match the expected peg-native format")),
    _own("500-wordless", error(500, "", type="InternalServerError", code=500)),
    _own(
        "400-groq-generation",
        error(
            400,
            "Failed to validate JSON.",
            type="invalid_request_error",
            code="json_validate_failed",
            failed_generation="I would rather not say.",
        ),
    ),
    _own("200-null-content", said(200, completion(None))),
    _own("200-no-content", said(200, completion("  \n"))),
    _own("200-truncated", said(200, completion('{"label":"FI', "length")), is_final=True),
    _own("200-only-thought", said(200, completion(None, reasoning=FINE))),
    _own("200-prose", said(200, completion("This message threatens to kill: FINE"))),
    _own("200-two-labels", said(200, completion(FINE + '\n{"label":"BANNED"}'))),
    _own("200-cut-prompt", said(200, {**completion(), "usage": {"prompt_tokens": 2}})),
    _own("200-raw-harmony", said(200, completion("<|channel|>analysis<|message|>FINE<|end|>"))),
    _own("200-parts-of-thought", said(200, completion([{"type": "reasoning", "text": FINE}]))),
    _own(
        "200-finish-error-beside-verdict",
        said(200, completion(FINE, "error")),
    ),
)

_OF_MODELS = tuple(replace(row, may_end_all=row.answer.status < 500) for row in MODELS)
# Where even a probe's few words are too long, it is no text that is.
FAULTS = INVALID + TOO_LONG + _OF_MODELS
