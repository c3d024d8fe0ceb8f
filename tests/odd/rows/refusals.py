"""Refusals in every dress: by status, field, finish reason, error code and words."""

from __future__ import annotations

from dataclasses import replace

from tests.odd.row import FINE, Answer, Meaning, Row, completion, error, page, said, zipped
from tests.odd.rows.seen import seen

_SCRIPT = "a banned thing <script>alert(1)</script>"
_FILTERED = {"hate": {"filtered": True, "severity": "high"}}


def _refusal(name: str, answer: Answer, words: str = "a banned thing", **more: bool) -> Row:
    return Row(name, answer, Meaning.REFUSAL, words, **more)


FIREWALLS = (
    _refusal("403-waf", seen("403-waf.html"), _SCRIPT, is_fatal_at_start=True),
    _refusal("403-waf-gzip", zipped(page(403, "Forbidden", "Request blocked.")), _SCRIPT),
    _refusal(
        "403-cloudflare-1020",
        page(403, "Access denied", "Error code: 1020. Ray ID: 7c00e9f6", cf_ray="7c00e9f6"),
        _SCRIPT,
    ),
    _refusal("403-empty", Answer(403), _SCRIPT),
    _refusal("406-mod-security", page(406, "Not Acceptable!", "Mod_Security stopped it."), _SCRIPT),
    _refusal("405-aws-waf-captcha", page(405, "Human Verification"), _SCRIPT),
    _refusal(
        "202-aws-waf-challenge", Answer(202, b"", "text/html", {"x-amzn-waf-action": "challenge"})
    ),
    _refusal(
        "200-block-page",
        page(200, "Request Rejected", "The URL was rejected. Your support ID is 1804."),
        _SCRIPT,
    ),
    _refusal("302-block-page", page(302, "Found", Location="https://waf.example/blocked"), _SCRIPT),
    _refusal("307-captcha", Answer(307, headers={"Location": "/captcha?next=/v1"}), _SCRIPT),
    _refusal("451-legal", error(451, "Unavailable for legal reasons")),
    _refusal("446-guardrail", said(446, {"code": "900514", "message": "Runtime Error"})),
    _refusal("246-guardrail-beside-verdict", said(246, completion(FINE))),
)

HOSTS = (
    _refusal("403-flagged", seen("403-flagged.json"), is_fatal_at_start=True),
    _refusal(
        "403-openrouter-moderation",
        error(
            403,
            "The chosen model needs moderation; your input was flagged for harassment.",
            code=403,
            metadata={
                "reasons": ["harassment"],
                "flagged_input": "@TEXT@",
                "provider_name": "X",
                "model_slug": "openai/gpt-oss-safeguard-20b",
            },
        ),
    ),
    _refusal("400-content-filter", seen("400-content-filter.json")),
    _refusal(
        "400-azure-jailbreak",
        error(
            400,
            "The prompt triggered the content management policy. Please change it and retry.",
            inner_error={
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_results": {"jailbreak": {"filtered": True, "detected": True}},
            },
            code="content_filter",
            param="prompt",
            type=None,
        ),
    ),
    _refusal(
        "400-azure-without-details",
        error(400, "filtered", param="prompt", code="content_filter", status=400),
    ),
    _refusal(
        "400-azure-behind-litellm",
        error(
            400,
            "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException",
            type=None,
            param=None,
            code="400",
            provider_specific_fields={
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": _FILTERED,
                }
            },
        ),
    ),
    _refusal(
        "400-litellm-guardrail",
        error(400, "Violated guardrail policy", type="None", param="None", code="400"),
    ),
    _refusal(
        "400-litellm-moderation-500-shape",
        said(400, {"error": {"message": "{'error': 'Violated moderation policy'}", "code": "400"}}),
    ),
    _refusal(
        "400-openai-invalid-prompt",
        error(
            400,
            "Invalid prompt: it was flagged as potentially violating our usage policy.",
            type="invalid_request_error",
            param=None,
            code="invalid_prompt",
        ),
    ),
    _refusal(
        "400-anthropic-output-blocked",
        said(
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "Output blocked by content filtering policy",
                },
            },
        ),
    ),
    _refusal(
        "400-deepseek",
        error(
            400,
            "Content Exists Risk",
            type="invalid_request_error",
            param=None,
            code="invalid_request_error",
        ),
    ),
    _refusal(
        "400-dashscope",
        said(
            400,
            {
                "error": {
                    "code": "data_inspection_failed",
                    "param": None,
                    "message": "Input data may contain inappropriate content.",
                    "type": "data_inspection_failed",
                },
                "request_id": "deab386b",
            },
        ),
    ),
    _refusal(
        "400-dashscope-native",
        said(400, {"code": "DataInspectionFailed", "message": "no", "request_id": "deab386b"}),
    ),
    _refusal(
        "400-dashscope-algo",
        error(400, "<400> InternalError.Algo.DataInspectionFailed: see the log", code="400"),
    ),
    _refusal(
        "400-moonshot",
        error(
            400,
            "The request was rejected because it was considered high risk",
            code=400,
            param="prompt",
            type="content_filter",
        ),
    ),
    _refusal(
        "400-zhipu",
        said(
            400,
            {
                "contentFilter": [{"level": 1, "role": "user"}],
                "error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全内容"},
            },
        ),
    ),
    _refusal(
        "400-volcano",
        error(
            400,
            "The request failed because the input text may contain sensitive information.",
            code="InputTextSensitiveContentDetected",
            param="",
            type="BadRequest",
        ),
    ),
    _refusal(
        "400-cloudflare-gateway",
        said(
            400,
            {
                "success": False,
                "error": [
                    {"code": 2016, "message": "Prompt blocked due to security configurations"}
                ],
            },
        ),
    ),
    _refusal(
        "400-gemini-in-a-list",
        said(
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "The prompt could not be submitted: PROHIBITED_CONTENT",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
        ),
    ),
    _refusal(
        "400-xai",
        said(
            403,
            {
                "code": "The caller does not have permission to execute the operation",
                "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
            },
        ),
    ),
    _refusal(
        "500-safety-system",
        error(500, "The response was rejected by our safety system.", type="server_error"),
    ),
    _refusal(
        "500-azure-content-filter",
        error(500, "The response was filtered.", code="content_filter", type="server_error"),
    ),
)

IN_A_SUCCESS = (
    _refusal("200-refusal-field", seen("200-refusal-field.json")),
    _refusal("200-refusal-beside-verdict", said(200, completion(FINE, refusal="I can't help."))),
    _refusal("200-finish-content-filter", said(200, completion(None, "content_filter"))),
    _refusal("200-filter-beside-verdict", said(200, completion(FINE, "content_filter"))),
    _refusal(
        "200-gemini-prohibited",
        said(
            200,
            {"choices": [{"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}]},
        ),
    ),
    _refusal("200-gemini-safety", said(200, completion(None, "SAFETY"))),
    _refusal("200-gemini-blocklist", said(200, completion("", "BLOCKLIST"))),
    _refusal(
        "200-gemini-prompt-feedback",
        said(200, {"candidates": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    ),
    _refusal(
        "200-bedrock-guardrail",
        said(200, completion("Sorry, the model cannot answer this.", "guardrail_intervened")),
    ),
    _refusal("200-bedrock-filtered", said(200, completion(FINE, "content_filtered"))),
    _refusal("200-zhipu-sensitive", said(200, completion("", "sensitive"))),
    _refusal("200-anthropic-refusal", said(200, completion("", "refusal"))),
    _refusal("200-sorry", said(200, completion("I'm sorry, but I can't help with that."))),
    _refusal("200-sorry-in-spanish", said(200, completion("Lo siento, pero no puedo ayudar."))),
    _refusal("200-sorry-in-chinese", said(200, completion("很抱歉，我无法协助。"))),
    _refusal("200-sorry-as-an-object", said(200, completion('{"error":"I\'m sorry, I can\'t"}'))),
    _refusal(
        "200-refusal-in-the-verdict",
        said(200, completion(FINE[:-1] + ',"refusal":"I cannot help with that"}')),
    ),
    _refusal("200-object-error", said(200, {"object": "error", "message": "flagged", "code": 1})),
    _refusal("200-errors", said(200, {"errors": [{"message": "blocked by guardrail"}]})),
    _refusal(
        "200-base-resp",
        said(200, {"choices": None, "base_resp": {"status_msg": "output new_sensitive"}}),
    ),
    _refusal("200-sorry-then-label", said(200, completion("I cannot assist with that. FINE"))),
    _refusal(
        "200-error-content-filter",
        said(200, {"error": {"message": "filtered", "code": "content_filter"}}),
    ),
    _refusal(
        "200-error-flagged",
        said(200, {"error": {"message": "Your input was flagged by moderation", "code": 403}}),
    ),
    _refusal(
        "200-choice-error-flagged",
        said(
            200,
            {
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "error",
                        "message": {"role": "assistant", "content": FINE},
                        "error": {"code": 403, "message": "flagged by the provider's moderation"},
                    }
                ]
            },
        ),
    ),
    _refusal(
        "200-parts-with-refusal",
        said(200, completion([{"type": "refusal", "refusal": "I can't help with that."}])),
    ),
)

_OF_FILTERS = tuple(
    replace(row, may_end_all=row.answer.status != 403) for row in HOSTS + IN_A_SUCCESS
)
REFUSALS = FIREWALLS + _OF_FILTERS
