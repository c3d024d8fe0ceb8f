"""What speaks of the endpoint, or of nobody: to everything an outage, whatever it is dressed in."""

from __future__ import annotations

import orjson

from tests.odd.row import Answer, Meaning, Row, completion, error, page, plain, said, zipped
from tests.odd.rows.seen import seen

LONG_S = 15.0
"""Longer than the deadline of a message."""


def _of_endpoint(name: str, answer: Answer, **more: bool | float) -> Row:
    return Row(name, answer, Meaning.ENDPOINT, **more)  # type: ignore[arg-type]


def _of_load(name: str, answer: Answer, **more: bool | float) -> Row:
    return Row(name, answer, Meaning.LOAD, **more)  # type: ignore[arg-type]


KEY_MODEL_PATH = (
    _of_endpoint(
        "401-key",
        error(401, "Incorrect API key provided.", code="invalid_api_key"),
        is_fatal_at_start=True,
    ),
    _of_endpoint("401-page", page(401, "Authorization Required"), is_fatal_at_start=True),
    _of_endpoint("402-credits", error(402, "Insufficient credits", code=402), is_at_start=True),
    _of_endpoint(
        "403-key",
        error(403, "This key may not use the model.", type="permission_error"),
        is_fatal_at_start=True,
    ),
    _of_endpoint("404-ingress", seen("404-ingress.txt"), is_fatal_at_start=True, lasts_s=LONG_S),
    _of_endpoint(
        "404-model",
        error(404, 'model "m" not found, try pulling it first', type="api_error"),
        is_fatal_at_start=True,
    ),
    _of_endpoint("404-nginx", page(404, "Not Found", "nginx"), is_fatal_at_start=True),
    _of_endpoint("404-fastapi", said(404, {"detail": "Not Found"}), is_fatal_at_start=True),
    _of_endpoint("405-method", said(405, {"detail": "Method Not Allowed"})),
    _of_endpoint("407-proxy", page(407, "Proxy Authentication Required")),
    _of_endpoint("410-gone", error(410, "This model was retired.")),
    _of_endpoint("421-misdirected", plain(421, "Misdirected Request")),
    _of_endpoint("426-upgrade", plain(426, "Upgrade Required")),
)

GATEWAYS = (
    _of_endpoint("408-timeout", page(408, "Request Time-out")),
    _of_endpoint("425-early", plain(425, "Too Early")),
    _of_endpoint("500-page", page(500, "Internal Server Error")),
    _of_endpoint("500-plain", plain(500, "Internal Server Error")),
    _of_endpoint("500-gzip", zipped(page(500, "Internal Server Error"))),
    _of_endpoint("500-engine", error(500, "EngineCore encountered an issue.", code=500)),
    _of_endpoint("501-page", page(501, "Not Implemented")),
    _of_endpoint("502-nginx", page(502, "Bad Gateway", "nginx"), is_at_start=True),
    _of_endpoint("502-json", error(502, "Provider returned error", code=502)),
    _of_endpoint("504-page", page(504, "Gateway Time-out")),
    _of_endpoint("520-cloudflare", page(520, "Web server is returning an unknown error")),
    _of_endpoint("524-cloudflare", plain(524, "error code: 524")),
    _of_endpoint("530-cloudflare", plain(530, "error code: 1033")),
    _of_endpoint(
        "302-sign-in", page(302, "Found", Location="https://sso.example/login"), is_at_start=True
    ),
    _of_endpoint("308-elsewhere", Answer(308, headers={"Location": "http://127.0.0.1:1/v1"})),
)

IN_ANOTHER_DRESS = (
    _of_endpoint("200-sign-in", seen("200-signin.html"), lasts_s=LONG_S, is_at_start=True),
    _of_endpoint("200-sign-in-gzip", zipped(page(200, "Sign in"))),
    _of_endpoint("200-maintenance", page(200, "We will be back soon")),
    _of_endpoint("200-empty", Answer(200)),
    _of_endpoint("200-ok", plain(200, "OK")),
    _of_endpoint("200-null", Answer(200, b"null")),
    _of_endpoint("200-object", Answer(200, b"{}")),
    _of_endpoint("200-list", Answer(200, b"[]")),
    _of_endpoint("200-no-choices", said(200, {"object": "chat.completion", "choices": []})),
    _of_endpoint("200-not-found", said(200, {"detail": "Not Found"})),
    _of_endpoint("200-half", Answer(200, orjson.dumps(completion())[:70])),
    _of_endpoint(
        "200-stream",
        Answer(200, b'data: {"choices":[{"delta":{"content":"{"}}]}\n\ndata: [DONE]\n\n'),
    ),
    _of_endpoint("200-other-json", said(200, {"status": "ok", "models": ["m"]})),
    _of_endpoint("200-choice-error", seen("200-choice-error.json")),
    _of_endpoint(
        "200-error-beside-verdict",
        said(200, {**completion(), "error": {"code": 502, "message": "upstream broke off"}}),
    ),
    _of_endpoint("200-error-500", said(200, {"error": {"code": 500, "message": "no"}})),
    _of_endpoint("200-error-401", said(200, {"error": {"code": 401, "message": "No auth"}})),
    _of_endpoint("200-error-words", said(200, {"error": "upstream connect error"})),
    _of_endpoint("204-nothing", Answer(204)),
    _of_endpoint("206-half", Answer(206, orjson.dumps(completion())[:70])),
    _of_endpoint(
        "400-no-models-loaded", seen("400-no-models-loaded.json"), lasts_s=LONG_S, is_at_start=True
    ),
    _of_endpoint("400-unloaded", error(400, "Model unloaded.")),
    _of_endpoint("400-page", page(400, "Bad Request", "nginx")),
    _of_endpoint("400-model-busy", said(400, {"error": "model is being loaded, please wait"})),
    _of_endpoint(
        "400-litellm-model",
        error(400, "Invalid model name passed in model=m", type="None", param="None", code="400"),
    ),
)

BROKEN_WIRE = (
    _of_endpoint("closed", Answer(raw=b""), is_at_start=True),
    _of_endpoint("not-http", Answer(raw=b"SSH-2.0-OpenSSH_9.7\r\n")),
    _of_endpoint(
        "half-body",
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b'{"choices":'),
    ),
    _of_endpoint(
        "chunks-of-rubbish",
        Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ),
    _of_endpoint(
        "gzip-that-is-none",
        Answer(200, orjson.dumps(completion()), headers={"Content-Encoding": "gzip"}),
    ),
    _of_endpoint(
        "unknown-coding",
        Answer(200, b"\x00\x01", headers={"Content-Encoding": "sparkle"}),
    ),
    _of_endpoint("not-utf-8", Answer(200, b"\xff\xfe" + "{}".encode("utf-16-le"))),
    _of_endpoint("hangs", Answer(hang_s=30.0), lasts_s=5.0, is_final=True),
)

LOAD = (
    _of_load("429-openai", error(429, "Rate limit reached", type="tokens"), lasts_s=LONG_S),
    _of_load("429-retry-after", said(429, {"error": {"message": "slow"}}, Retry_After="1")),
    _of_load("429-page", page(429, "Too Many Requests")),
    _of_load(
        "429-litellm-cooldown",
        error(429, "No deployments available for selected model", type="None", code="429"),
    ),
    _of_load("429-quota", error(429, "Quota exceeded", code="insufficient_quota")),
    _of_load("503-nginx", page(503, "Service Temporarily Unavailable")),
    _of_load("503-envoy", plain(503, "no healthy upstream"), is_at_start=True),
    _of_load("503-loading", error(503, "Loading model", type="unavailable_error", code=503)),
    _of_load("529-overloaded", error(529, "Overloaded", type="overloaded_error")),
    _of_load("200-error-429", seen("200-error-object.json"), lasts_s=LONG_S),
    _of_load(
        "200-error-rate-limit",
        said(200, {"error": {"message": "slow down", "type": "rate_limit_exceeded"}}),
    ),
)

OUTAGES = KEY_MODEL_PATH + GATEWAYS + IN_ANOTHER_DRESS + BROKEN_WIRE + LOAD
