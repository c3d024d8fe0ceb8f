"""Features that a server lacks, each in the words of some server: asked without it, and no more."""

from __future__ import annotations

from typing import NamedTuple

from tests.odd.row import Answer, error, said
from tests.odd.rows.seen import seen


class Feature(NamedTuple):
    """An answer to every request that holds a field; nothing else is left out for it."""

    name: str
    field: str
    answer: Answer


FEATURES = (
    Feature("422-serde", "reasoning_effort", seen("422-serde.txt")),
    Feature("500-response-format", "response_format", seen("500-response-format.json")),
    Feature(
        "400-openai-effort",
        "reasoning_effort",
        error(
            400,
            "Unrecognized request argument supplied: reasoning_effort",
            type="invalid_request_error",
            param=None,
            code=None,
        ),
    ),
    Feature(
        "400-openai-temperature",
        "temperature",
        error(
            400,
            "Unsupported value: 'temperature' does not support 0 with this model.",
            type="invalid_request_error",
            param="temperature",
            code="unsupported_value",
        ),
    ),
    Feature(
        "422-mistral-seed",
        "seed",
        said(
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "seed"],
                        "msg": "Extra inputs are not permitted",
                        "input": 7,
                    }
                ]
            },
        ),
    ),
    Feature(
        "400-groq-property",
        "seed",
        error(400, "property 'seed' is unsupported", type="invalid_request_error"),
    ),
    Feature(
        "400-gemini-unknown-name",
        "seed",
        said(
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": 'Invalid JSON payload received. Unknown name "seed": '
                        "Cannot find field.",
                        "status": "INVALID_ARGUMENT",
                        "details": [{"fieldViolations": [{"description": "Unknown name"}]}],
                    }
                }
            ],
        ),
    ),
    Feature(
        "400-lm-studio-format",
        "response_format",
        said(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}),
    ),
    Feature(
        "400-bedrock-extraneous",
        "reasoning_effort",
        said(
            400,
            {
                "message": "Malformed input request: #: extraneous key [reasoning_effort] is not "
                "permitted, please reformat your input and try again."
            },
        ),
    ),
    Feature(
        "400-litellm-drop-params",
        "reasoning_effort",
        error(
            400,
            "litellm.UnsupportedParamsError: x does not support parameters: "
            "['reasoning_effort'], for model=m. To drop these, set drop_params=True",
            type="None",
            param="None",
            code="400",
        ),
    ),
    Feature(
        "400-vllm-grammar",
        "response_format",
        error(400, "Failed to compile the json_schema grammar", type="BadRequestError", code=400),
    ),
)
