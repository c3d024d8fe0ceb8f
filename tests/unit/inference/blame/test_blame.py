"""An answer that is no judgement: what each server's wording means, and what is done about it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.answer import reading_of
from consumer.dev.safeguard.completion import Completion
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.served import serve
from consumer.dev.safeguard.judge import StandInAnswer
from consumer.errors import (
    ConsumerError,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)
from consumer.inference.blame.blame import error_for, error_within
from consumer.inference.blame.failures import (
    Declined,
    FailedGeneration,
    PromptTooLong,
    Refused,
    Unclear,
    UnknownParameter,
)
from consumer.inference.blame.wordings import OPTIONAL_FIELDS
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from tests.builders import a_policy

POLICY = a_policy()
FORMAT = RequestFormat("m")


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
        (529, "overloaded", Overloaded),
        (401, "Invalid API key.", Declined),
        (402, "Insufficient credits", Declined),
        (403, "This key may not use the model.", Declined),
        (404, "The model `x` does not exist.", Declined),
        (406, "Not acceptable", Declined),
        (451, "", Declined),
        (500, 'unexpected tokens remaining in message header: Some("x")', Unclear),
        (500, "openai_harmony.HarmonyError: unknown role", Unclear),
        (500, "Unexpected token 200002 while expecting start token 200006", Unclear),
        (500, "output that does not match the expected peg-native format", Unclear),
        (500, "", Unclear),
        (500, "EngineCore encountered an issue.", InferenceUnavailable),
        (502, "Bad Gateway", InferenceUnavailable),
        (504, "Gateway Time-out", InferenceUnavailable),
        (520, "harmony", InferenceUnavailable),
        (302, "moved", Declined),
        (408, "", InferenceUnavailable),
        (425, "Too Early", InferenceUnavailable),
        (426, "Upgrade Required", Declined),
        (400, "This model's maximum context length is 16384 tokens.", PromptTooLong),
        (400, "the request exceeds the available context size", PromptTooLong),
        (400, "input is too long", PromptTooLong),
        (413, "", PromptTooLong),
        (400, "Unsupported parameter: 'response_format'", UnknownParameter),
        (422, "Extra inputs are not permitted: reasoning_effort", UnknownParameter),
        (400, "'json_schema' is not supported", UnknownParameter),
        (400, "Got priority 1 but Priority scheduling is not enabled.", UnknownParameter),
        (400, "Violated guardrail policy", Declined),
        (400, "The request was rejected because it was considered high risk", Declined),
        (400, "the input text may contain sensitive information", Declined),
        (400, "<400> InternalError.Algo.DataInspectionFailed: see the log", Declined),
        (400, "litellm.ContentPolicyViolationError: AzureException", Declined),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容", Declined),
        (400, "who knows", Unclear),
        (400, "No models loaded. Please load a model in the developer page.", Unclear),
        (400, "Your prompt was flagged as potentially violating our usage policy.", Declined),
        (400, "Content Exists Risk", Declined),
        (500, "The response was blocked by our safety system.", Declined),
        (500, 'response_format type must be one of "text" or "json_object"', UnknownParameter),
        (422, "", Unclear),
    ],
)
def test_wordings(status: int, message: str, expected: type[ConsumerError]) -> None:
    """Status and wording of each known server give the error that says what to do."""
    assert type(error(status, message)) is expected


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body><h1>500 Internal Server Error</h1><hr>nginx</body></html>",
        b"Internal Server Error",
        b"",
        b"{}",
        b"[]",
        b"null",
        b'""',
        b'{"error":{}}',
        b'{"error":""}',
        b'{"error":{"message":null}}',
        b'{"error":{"message":"Internal server error"}}',
    ],
)
def test_a_500_that_names_no_fault_of_the_model_is_not_the_messages(body: bytes) -> None:
    """A proxy's page, or nothing at all: only an error that a server wrote may be wordless."""
    assert type(error(500, body)) is InferenceUnavailable


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
            error(400, "who knows"),
            error(403),
            error(400, {"error": {"code": "content_filter"}}),
            error(400, {"error": {"code": "json_validate_failed"}}),
        )
        if isinstance(found, Retryable)
    }
    assert hints == {
        "Overloaded": True,
        "InferenceUnavailable": True,
        "PromptTooLong": False,
        "UnknownParameter": False,
        "FailedGeneration": False,
        "Unclear": True,
        "Declined": True,
        "Refused": False,
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
    FaultName.HTTP_401: Declined,
    FaultName.HTTP_403: Declined,
    FaultName.HTTP_404_MODEL: Declined,
    FaultName.HTTP_429: Overloaded,
    FaultName.HTTP_500_EMPTY: Unclear,
    FaultName.HTTP_500_ENGINE_DEAD: InferenceUnavailable,
    FaultName.HTTP_500_HARMONY: Unclear,
    FaultName.HTTP_500_PEG_NATIVE: Unclear,
    FaultName.HTTP_500_UNEXPECTED_TOKEN: Unclear,
    FaultName.HTTP_502: InferenceUnavailable,
    FaultName.HTTP_503: Overloaded,
    FaultName.HTTP_504: InferenceUnavailable,
}
ANSWER = Completion(1, StandInAnswer("HH2", ("HH2.a",), "high", "x", "y"), ("HH0", "HH2"), 400)


@pytest.mark.parametrize("fault", [name for name in FaultName if name.startswith("http_")])
def test_every_status_that_the_stand_in_serves(fault: FaultName) -> None:
    """Each HTTP fault in the stand-in's list, served as its server words it, is told apart."""
    served = serve(fault, ANSWER, {"response_format": {}}, None)
    headers = {name.lower(): value for name, value in served.headers.items()}
    assert type(error_for(Reply(served.status, headers, served.body))) is EXPECTED[fault]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(200, 599),
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
    assert isinstance(found, Retryable)


@pytest.mark.parametrize("shape", [b"%s", b'{"error":%s}', b'{"detail":%s}'])
@pytest.mark.parametrize("status", [400, 500])
def test_an_error_nested_without_end(shape: bytes, status: int) -> None:
    """A hostile error body is an error like any other, however deep it goes."""
    body = shape % (b"[" * 1_000 + b"]" * 1_000)
    assert isinstance(error_for(Reply(status, {}, body)), Retryable)


# What stands in a 200.


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ({"message": "Provider returned error", "code": 429}, Overloaded),
        ({"message": "slow down", "code": "429"}, Overloaded),
        ({"message": "slow down", "type": "rate_limit_exceeded"}, Overloaded),
        ({"message": "You exceeded your current quota", "code": "insufficient_quota"}, Overloaded),
        ({"message": "upstream failed", "code": 502}, InferenceUnavailable),
        ({"message": "upstream failed", "type": "server_error"}, InferenceUnavailable),
        ({"message": "No auth", "code": 401}, Declined),
        ({"message": "no", "code": "content_filter"}, Refused),
        ({"message": "your input was flagged"}, Declined),
        ({"message": "who knows"}, Unclear),
        ({"message": "who knows", "code": True}, Unclear),
        ({"message": "too long", "code": 400}, PromptTooLong),
        ("who knows", Unclear),
    ],
)
@pytest.mark.parametrize("place", ["body", "choice", "message", "beside"])
def test_an_error_inside_a_200_is_what_it_stands_for(
    within: object, expected: type[ConsumerError], place: str
) -> None:
    """A success's dress changes nothing, wherever it stands and whatever stands beside it."""
    choice: dict[str, object] = {"message": {"content": '{"label":"HH0"}'}, "finish_reason": "stop"}
    document: dict[str, object] = {"choices": [choice]}
    match place:
        case "body":
            document = {"error": within}
        case "choice":
            choice["error"] = within
        case "message":
            choice["message"] = {"content": '{"label":"HH0"}', "error": within}
        case "beside":
            document["error"] = within
    with pytest.raises(expected) as raised:
        reading_of(Reply(200, {}, orjson.dumps(document)), POLICY, FORMAT, "")
    assert type(raised.value) is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"object": "error", "message": "flagged by our content policy", "code": 400}, Declined),
        ({"object": "error", "message": "slow down", "code": 429}, Overloaded),
        ({"errors": [{"message": "Prompt blocked by guardrail", "code": 2016}]}, Declined),
        ({"Errors": [{"Code": "content_filter"}]}, Refused),
        ({"choices": None, "base_resp": {"status_msg": "output new_sensitive"}}, Declined),
        ({"error_code": 336104, "error_msg": "blocked: content policy"}, Declined),
        ([{"error": {"code": 400, "status": "content_filter"}}], Refused),
        ({"choices": [], "detail": {"errorCode": "content_filter"}}, Refused),
        ({"errorMessage": "Your input was flagged"}, Declined),
        ({"errors": [{"message": "No route"}]}, Unclear),
        ({"status": "ok"}, Unclear),
        ([], Unclear),
    ],
)
def test_an_error_of_a_hosts_own_making_in_a_200(
    document: object, expected: type[ConsumerError]
) -> None:
    """Whatever names it uses: what refuses or is busy is told apart from what says nothing."""
    assert type(error(200, document)) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"Request blocked by guardrail", Declined),
        (b'data: {"error":{"code":"content_filter"}}\n\ndata: [DONE]\n\n', Declined),
        (b'data: {"choices":[{"delta":{"content":"{"}}]}\n\n', Unclear),
        (b"OK", Unclear),
    ],
)
def test_plain_words_in_a_200(body: bytes, expected: type[ConsumerError]) -> None:
    assert type(error(200, body)) is expected


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"message": "Prompt blocked by guardrail"}]},
        {"Message": "The text violates what is allowed"},
        {"errors": [{"extensions": 1, "errorCode": "content_filter"}]},
        {"error_msg": "the prompt holds sensitive words"},
    ],
)
def test_a_400_that_refuses_by_names_of_its_own(body: object) -> None:
    """Else it would be a fault like any other, and a topic may allow those."""
    assert isinstance(error(400, body), Declined | Refused)


def test_a_status_that_stands_for_words_in_a_200_is_named() -> None:
    """Who reads the log looks for what the server would have answered without the dress."""
    body = orjson.dumps({"error": {"message": "no", "type": "server_error"}})
    assert "answered 502" in str(error(200, body))
    assert "answered 429" in str(error(200, {"error": {"type": "rate_limit_exceeded"}}))


@pytest.mark.parametrize(
    "body", [b"", b"Sign in", b"[]", b"{}", b"null", b'{"choices":[]}', b"\xff", b"7"]
)
def test_a_200_that_is_no_completion_is_unclear(body: bytes) -> None:
    """It may be a gateway's excuse, or a broken server: a probe will tell."""
    with pytest.raises(Unclear):
        reading_of(Reply(200, {}, body), POLICY, FORMAT, "")


@pytest.mark.parametrize("status", [200, 201, 203, 400, 403, 406, 422])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n "])
def test_a_page_for_people_declines(status: int, before: bytes) -> None:
    """No server of models writes one: it is a sign-in, or a firewall's, whatever its status."""
    body = before + b"<!DOCTYPE html><html><title>Request Rejected</title></html>"
    assert type(error_for(Reply(status, {}, body))) is Declined


@pytest.mark.parametrize("status", [201, 203])
def test_a_completion_may_come_with_another_success(status: int) -> None:
    """201 and 203 hold a whole answer as well, which is read like any other."""
    body = orjson.dumps({"choices": [{"message": {"content": '{"label":"HH1"}'}}]})
    assert reading_of(Reply(status, {}, body), POLICY, FORMAT, "").judgement.label == "HH1"


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [{"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}]},
        {"choices": [{"index": 0, "finish_reason": "SAFETY"}]},
        {"choices": [{"index": 0, "finish_reason": "recitation", "message": None}]},
        {"choices": [{"index": 0, "finish_reason": "data_inspection_failed"}]},
        {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}},
        {"choices": [], "prompt_feedback": {"block_reason": "OTHER"}},
    ],
)
def test_what_was_kept_back_without_a_message_is_refused(document: object) -> None:
    """A host may leave out all but the reason why there is no answer."""
    with pytest.raises(Refused):
        reading_of(Reply(200, {}, orjson.dumps(document)), POLICY, FORMAT, "")


@pytest.mark.parametrize("status", [202, 204, 205, 206, 207, 246])
def test_no_other_success_promises_an_answer(status: int) -> None:
    """246 is a gateway's whose guardrail failed, 202 a firewall's that wants proof of a browser."""
    body = orjson.dumps({"choices": [{"message": {"content": '{"label":"HH0"}'}}]})
    with pytest.raises(Declined):
        reading_of(Reply(status, {}, body), POLICY, FORMAT, "")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "400", "provider_specific_fields": {"innererror": {"code": "X"}}}},
        {"success": False, "error": [{"code": "X", "message": "no"}]},
        [{"error": {"code": 400, "status": "X"}}],
        {"code": "X", "message": "no"},
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        "content_filter",
        "ResponsibleAIPolicyViolation",
        "content-policy-violation",
        "DataInspectionFailed",
        "InputTextSensitiveContentDetected",
        "PROHIBITED_CONTENT",
    ],
)
def test_a_refusals_code_is_found_wherever_hosts_put_it(body: object, code: str) -> None:
    """At the top, in an error, in a list of errors, or in what a gateway passed on."""
    said = orjson.dumps(body).replace(b'"X"', orjson.dumps(code))
    assert type(error_for(Reply(400, {}, said))) is Refused


# What is believed.


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (
            "unknown field `reasoning_effort`, expected one of `messages`, `seed`",
            "reasoning_effort",
        ),
        ("unknown variant `json_schema`, expected `text` or `json_object`", "response_format"),
        ("Allowed: model, seed, temperature. Unexpected `reasoning_effort`", "reasoning_effort"),
        ("valid fields are: seed, temperature and priority", None),
        ("'json_schema' is not one of ['text', 'json_object']", "response_format"),
        ("extra fields not permitted: reasoning_effort, seed", "reasoning_effort"),
        ("reseeded the priorities", None),
    ],
)
def test_the_field_that_is_complained_of(said: str, field: str | None) -> None:
    """It is named as unknown; a list of what is expected names nothing at fault."""
    found = error(422, said)
    assert (found.field if isinstance(found, UnknownParameter) else None) == field


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize(
    "words", ["that was too long", "what seed is this", "temperature", "harmony", "json_schema"]
)
def test_words_that_the_text_holds_itself_are_not_believed(status: int, words: str) -> None:
    """A validation error that quotes the user says nothing about the endpoint or the prompt."""
    body = orjson.dumps({"error": {"message": f"invalid content: {words}"}})
    found = error_for(Reply(status, {}, body), f"<message-1>\n{words.upper()}\n</message-1>")
    assert type(found) is (InferenceUnavailable if status == 500 else Unclear)


@pytest.mark.parametrize("place", ["input", "ctx"])
def test_the_part_of_an_error_that_repeats_the_input_is_not_read(place: str) -> None:
    """Pydantic's errors carry what was sent."""
    item = {"loc": ["body", "messages", 1, "content"], "msg": "no", place: "too long, seed"}
    assert type(error(422, {"detail": [item]})) is Unclear


def test_codes_are_believed_whatever_the_text_holds() -> None:
    """A field of its own for a code holds nobody's words."""
    body = orjson.dumps({"error": {"type": "exceed_context_size_error", "message": "no"}})
    assert isinstance(error_for(Reply(400, {}, body), "exceed_context_size_error"), PromptTooLong)


@pytest.mark.parametrize("body", [b"a" * 100_000, b"one of " * 20_000, b"one of a," * 20_000])
def test_long_error_pages_are_read_in_bounded_time(body: bytes) -> None:
    """Only the beginning counts, and no pattern goes back and forth in it."""
    assert isinstance(error_for(Reply(400, {}, body)), Retryable)


CASES = Path(__file__).parent / "answers"


@pytest.mark.parametrize(
    ("name", "expected", "field"),
    [
        ("200-choice-error.json", InferenceUnavailable, None),
        ("200-error-object.json", Overloaded, None),
        ("200-signin.html", Declined, None),
        ("400-content-filter.json", Refused, None),
        ("400-no-models-loaded.json", Unclear, None),
        ("403-flagged.json", Declined, None),
        ("403-waf.html", Declined, None),
        ("404-ingress.txt", Declined, None),
        ("422-echoed-input.json", Unclear, None),
        ("422-serde.txt", UnknownParameter, "reasoning_effort"),
        ("500-response-format.json", UnknownParameter, "response_format"),
    ],
)
def test_answers_that_were_seen(
    name: str, expected: type[ConsumerError], field: str | None
) -> None:
    """Whole answers of real servers, each with the one thing that it means."""
    status = int(name[:3])
    found = error_for(Reply(status, {}, (CASES / name).read_bytes()), "what temperature is it?")
    assert type(found) is expected
    if isinstance(found, UnknownParameter):
        assert found.field == field


def test_a_refusal_in_a_field_of_its_own() -> None:
    """Beside nothing, as OpenAI sends it, it is a refusal."""
    refusal = (CASES / "200-refusal-field.json").read_bytes()
    with pytest.raises(ModelFault, match="refusal"):
        reading_of(Reply(200, {}, refusal), POLICY, FORMAT, "")


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html>Sign in</html>", b'{"error":{"message":"your input was flagged"}}'],
)
def test_what_declines_in_a_success_is_told_with_its_status(body: bytes) -> None:
    """An operator looks for a page that was answered with 200, where the server's log has it."""
    error = error_for(Reply(200, {}, body))
    assert isinstance(error, Declined)
    assert error.status == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"a"}', "a"),
        (b'{"choices":[{"error":"b"}]}', "b"),
        (b'{"choices":[{"message":{"error":"c"}}]}', "c"),
        (b'{"choices":[{"finish_reason":"error"}]}', "error"),
        (b'{"choices":[{"finish_reason":"stop"}]}', None),
        (b'{"choices":["error"]}', None),
        (b'["error"]', None),
        (b"error", None),
    ],
)
def test_an_error_stands_in_a_body_in_one_of_four_places(body: bytes, expected: object) -> None:
    assert error_within(body) == expected
