"""What the words of an error are taken to say, each sign by itself."""

from __future__ import annotations

import pytest

from consumer.inference.blame.fault import Fault, fault_of_finish
from consumer.inference.blame.wordings import REFUSAL_CODES, complaint_in, error_of, is_page


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "json_validate_failed"}, True),
        ({"failed_generation": "{"}, True),
        ({"code": "json_validate_failed", "failed_generation": "{"}, True),
        ({"message": "it failed"}, False),
        ("failed_generation", False),
        (["failed_generation"], False),
    ],
)
def test_an_error_holds_the_models_answer_by_its_code_or_by_the_field(
    error: object, expected: bool
) -> None:
    """Either is enough, and words that only speak of it are not."""
    assert complaint_in(error).holds_answer is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "context_length_exceeded"}, True),
        ({"message": "the context window is full"}, True),
        ({"message": "it failed"}, False),
    ],
)
def test_a_text_is_too_long_by_a_code_or_by_words(error: object, expected: bool) -> None:
    """Hosts tell it in a field of its own, others in a sentence."""
    assert complaint_in(error).is_too_long is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"message": ""}, True),
        ({"message": "a harmony error"}, True),
        ({"message": "it failed"}, False),
        ({"code": 500}, False),
    ],
)
def test_a_fault_of_the_model_is_told_by_words_or_by_none(error: object, expected: bool) -> None:
    """One server writes an error without words where it could not parse the model's answer."""
    assert complaint_in(error).is_of_the_model is expected


@pytest.mark.parametrize("code", [*REFUSAL_CODES, "data_inspection_failed", "CONTENT_FILTER"])
def test_what_refuses_as_a_code_refuses_as_a_finish_reason(code: str) -> None:
    """Hosts put the same words into either, and over either API."""
    assert fault_of_finish(code) is Fault.REFUSAL


@pytest.mark.parametrize("last", [{"message": "too long"}, {"code": "context_length_exceeded"}])
@pytest.mark.parametrize(("before", "expected"), [(15, True), (16, False)])
def test_so_many_errors_of_a_list_are_read(
    last: dict[str, str], before: int, expected: bool
) -> None:
    """A server that sends very many has told what is wrong in the first."""
    assert complaint_in([{"message": "it failed"}] * before + [last]).is_too_long is expected


def nested(error: object, times: int) -> object:
    return nested({"error": error}, times - 1) if times else error


@pytest.mark.parametrize(("times", "is_seen"), [(3, True), (4, False)])
def test_an_error_is_looked_into_so_deep_and_no_deeper(times: int, is_seen: bool) -> None:
    """Gateways wrap the errors of those behind them; nobody wraps them without end."""
    assert complaint_in(nested({"code": "content_filter"}, times)).is_refusal is is_seen
    assert complaint_in(nested({"message": "context window"}, times)).is_too_long is is_seen


def test_a_page_is_one_whatever_blanks_come_first() -> None:
    assert is_page(b"\xef\xbb\xbf" + b"\r\n" * 100 + b"<html>")
    assert not is_page(b"  {")


def test_the_first_four_thousand_characters_of_an_error_are_read() -> None:
    """A gateway's page has said by then what it has to say."""
    assert error_of(b"x" * 4_000 + b"y") == "x" * 4_000
    for blanks, is_seen in ((3_986, True), (3_987, False)):
        error = {"message": "x" * blanks + "context window"}
        assert complaint_in(error).is_too_long is is_seen
