"""A status that is no 200: what each server's wording means, and what is done about it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.refusals import (
    OPTIONAL_FIELDS,
    FailedGeneration,
    PromptTooLong,
    UnknownParameter,
    error_for,
)
from consumer.classifier.reply import Reply
from consumer.dev.completion import Completion
from consumer.dev.faults import FaultName, serve
from consumer.dev.judge import Decision
from consumer.errors import (
    ConsumerError,
    EndpointRefused,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)


def error(status: int, body: bytes | str | object = b"", **headers: str) -> ConsumerError:
    if isinstance(body, str):
        body = orjson.dumps({"error": {"message": body, "type": "error", "code": status}})
    elif not isinstance(body, bytes):
        body = orjson.dumps(body)
    return error_for(Reply(status, headers, body))


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (429, "slow down", Overloaded),
        (503, "no slot", Overloaded),
        (401, "Invalid API key.", EndpointRefused),
        (403, "This key may not use the model.", EndpointRefused),
        (404, "The model `x` does not exist.", EndpointRefused),
        (500, 'unexpected tokens remaining in message header: Some("x")', ModelFault),
        (500, "openai_harmony.HarmonyError: unknown role", ModelFault),
        (500, "Unexpected token 200002 while expecting start token 200006", ModelFault),
        (500, "output that does not match the expected peg-native format", ModelFault),
        (500, "", ModelFault),
        (500, "EngineCore encountered an issue.", InferenceUnavailable),
        (502, "Bad Gateway", InferenceUnavailable),
        (504, "Gateway Time-out", InferenceUnavailable),
        (520, "harmony", InferenceUnavailable),
        (302, "moved", InferenceUnavailable),
        (400, "This model's maximum context length is 16384 tokens.", PromptTooLong),
        (400, "the request exceeds the available context size", PromptTooLong),
        (400, "input is too long", PromptTooLong),
        (413, "", PromptTooLong),
        (400, "Unsupported parameter: 'response_format'", UnknownParameter),
        (422, "Extra inputs are not permitted: reasoning_effort", UnknownParameter),
        (400, "'json_schema' is not supported", UnknownParameter),
        (400, "Got priority 1 but Priority scheduling is not enabled.", UnknownParameter),
        (400, "who knows", ModelFault),
        (422, "", ModelFault),
    ],
)
def test_wordings(status: int, message: str, expected: type[ConsumerError]) -> None:
    """Status and wording of each known server give the error that says what to do."""
    assert type(error(status, message)) is expected


@pytest.mark.parametrize("field", OPTIONAL_FIELDS)
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Unsupported parameter: '%s'", "code": 400}},
        {"error": {"message": "Bad request", "param": "%s"}},
        {"error": "unknown field %s"},
        {"detail": [{"loc": ["body", "%s"], "msg": "Extra inputs are not permitted"}]},
    ],
)
def test_the_unknown_field_is_named(field: str, body: object) -> None:
    """The field to leave out is read from any of the usual shapes of an error."""
    found = error(400, orjson.dumps(body).replace(b"%s", field.encode()))
    assert isinstance(found, UnknownParameter)
    assert found.field == field


@pytest.mark.parametrize(
    ("name", "field"),
    [("text.format", "response_format"), ("reasoning.effort", "reasoning_effort")],
)
def test_the_unknown_field_has_another_name_in_the_other_api(name: str, field: str) -> None:
    """What the Responses API calls it is the same field to us."""
    found = error(400, f"Unsupported parameter: '{name}' is not supported with this model.")
    assert isinstance(found, UnknownParameter)
    assert found.field == field


def test_a_hosts_own_schema_check() -> None:
    """A 400 with what the model said is an answer to read, not a wrong request."""
    body = {"error": {"code": "json_validate_failed", "failed_generation": "HH0"}}
    found = error(400, body)
    assert isinstance(found, FailedGeneration)
    assert orjson.loads(found.body) == body
    assert isinstance(error(400, {"error": {"code": "json_validate_failed"}}), FailedGeneration)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("3600", 3_600.0),
        ("3601", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(given: str, expected: float | None) -> None:
    """Seconds that a server asks for are heeded where they are sensible, else there are none."""
    found = error(429, b"", **{"retry-after": given})
    assert isinstance(found, Overloaded)
    assert found.retry_after_s == expected


def test_whom_an_error_hints_at() -> None:
    """Load, gateways and dead engines hint at the endpoint; faults of an answer at the message."""
    hints = {
        type(found).__name__: found.is_systemic
        for found in (
            error(429),
            error(502),
            error(500, "harmony"),
            error(413),
            error(400, "seed"),
            error(400, "failed_generation json_validate_failed"),
        )
        if isinstance(found, Retryable)
    }
    assert hints == {
        "Overloaded": True,
        "InferenceUnavailable": True,
        "ModelFault": False,
        "PromptTooLong": False,
        "UnknownParameter": False,
        "FailedGeneration": False,
    }


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
def test_the_errors_text_quotes_nobody(status: int) -> None:
    """What a server says may quote the user, so none of it is in our error."""
    assert "canary" not in str(error(status, "seed: canary is not permitted"))


EXPECTED: dict[FaultName, type[ConsumerError]] = {
    FaultName.HTTP_400_CONTEXT_LENGTH: PromptTooLong,
    FaultName.HTTP_400_CONTEXT_LENGTH_LLAMA: PromptTooLong,
    FaultName.HTTP_400_FAILED_GENERATION: FailedGeneration,
    FaultName.HTTP_400_UNKNOWN_PARAMETER: UnknownParameter,
    FaultName.HTTP_401: EndpointRefused,
    FaultName.HTTP_403: EndpointRefused,
    FaultName.HTTP_404_MODEL: EndpointRefused,
    FaultName.HTTP_429: Overloaded,
    FaultName.HTTP_500_EMPTY: ModelFault,
    FaultName.HTTP_500_ENGINE_DEAD: InferenceUnavailable,
    FaultName.HTTP_500_HARMONY: ModelFault,
    FaultName.HTTP_500_PEG_NATIVE: ModelFault,
    FaultName.HTTP_500_UNEXPECTED_TOKEN: ModelFault,
    FaultName.HTTP_502: InferenceUnavailable,
    FaultName.HTTP_503: Overloaded,
    FaultName.HTTP_504: InferenceUnavailable,
}
ANSWER = Completion(1, Decision("HH2", ("HH2.a",), "high", "x", "y"), ("HH0", "HH2"), 400)


@pytest.mark.parametrize("fault", [name for name in FaultName if name.startswith("http_")])
def test_every_status_that_the_stand_in_serves(fault: FaultName) -> None:
    """Each HTTP fault in the stand-in's list, served as its server words it, is told apart."""
    served = serve(fault, ANSWER, {"response_format": {}}, None)
    headers = {name.lower(): value for name, value in served.headers.items()}
    assert type(error_for(Reply(served.status, headers, served.body))) is EXPECTED[fault]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(201, 599),
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "message", "detail", "code"]), inner)
        ),
    ).map(orjson.dumps),
)
def test_any_refusal_is_one_of_our_errors(status: int, body: bytes) -> None:
    """Whatever status and body come, there is an error that says what to do."""
    found = error_for(Reply(status, {}, body))
    assert isinstance(found, Retryable | EndpointRefused)


@pytest.mark.parametrize("shape", [b"%s", b'{"error":%s}', b'{"detail":%s}'])
@pytest.mark.parametrize("status", [400, 500])
def test_an_error_nested_without_end(shape: bytes, status: int) -> None:
    """A hostile error body is an error like any other, however deep it goes."""
    body = shape % (b"[" * 1_000 + b"]" * 1_000)
    assert isinstance(error_for(Reply(status, {}, body)), Retryable)
