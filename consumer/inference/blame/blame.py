"""
Whose fault is it: an answer that is no judgement -> the error that says what to do about it. Pure.

What a server says is believed as far as it can mean only one thing. Codes are, and wordings are
where the text that was asked about does not hold the same words: many servers quote what they were
sent. Nobody is believed about what everything is answered with: that is what the probe is for.

The wordings are those of vLLM, llama.cpp, Ollama, SGLang, Groq, OpenRouter, Azure and a few more;
a new server's go into the tables of `wordings`.
"""

from __future__ import annotations

import orjson

from consumer.errors import InferenceUnavailable, Overloaded, Retryable
from consumer.inference.blame.failures import (
    Declined,
    FailedGeneration,
    PromptTooLong,
    Refused,
    Unclear,
    UnknownParameter,
)
from consumer.inference.blame.wordings import Complaint, complaint_in, error_of, is_blocked, is_page
from consumer.inference.transports.reply import Reply

OVERLOADED = (429, 503, 529)
"""The statuses by which a server says that it has no room."""
RETRY_AFTER_MAX_S = 3_600.0
"""A longer wait is no answer to a call; how long is waited at most is `inference.wait_max_s`."""


def error_for(reply: Reply, asked: str = "") -> Retryable:
    """
    What a reply means that holds no completion.

    `asked` is the text that was asked about; hints that it holds itself are not believed.
    """
    if reply.is_success:
        return _error_in_200(reply, asked)
    return _error_of(reply, reply.status, complaint_in(error_of(reply.body), asked))


def _error_of(reply: Reply, status: int, complaint: Complaint) -> Retryable:
    if complaint.is_refusal:
        return Refused(f"the inference server refused this text with {status}")
    if status in OVERLOADED:
        return Overloaded(f"the inference server answered {status}", _retry_after_s(reply))
    if status in (400, 413, 422):
        return _bad_request(reply, status, complaint)
    if (status < 500 and status not in (408, 425)) or complaint.sounds_like_refusal:
        return Declined(status)
    if status == 500 and complaint.is_of_the_model:
        return Unclear("http_500")
    unavailable = InferenceUnavailable(f"the inference server answered {status}")
    if status == 500 and complaint.field:
        return UnknownParameter(complaint.field, unavailable)
    return unavailable


def _bad_request(reply: Reply, status: int, complaint: Complaint) -> Retryable:
    if complaint.holds_answer:
        return FailedGeneration(reply.body)
    if status == 413 or complaint.is_too_long:
        return PromptTooLong()
    is_declined = complaint.sounds_like_refusal or is_page(reply.body)
    unclear = Declined(status) if is_declined else Unclear(f"http_{status}")
    if complaint.field:
        return UnknownParameter(complaint.field, unclear)
    return unclear


def _error_in_200(reply: Reply, asked: str) -> Retryable:
    """A failure in a success's dress means what its own code says, where it has one."""
    error = error_within(reply.body)
    if error is None and is_blocked(reply.body):
        return Refused("the inference server blocked this text inside a 200")
    if error is None and is_page(reply.body):
        # A sign-in page, or a firewall's that would not say 403.
        return Declined(200)
    unclear = Unclear("not_a_completion" if error is None else "error_in_body")
    if error is None:
        # Many hosts write an error by names of their own, or in plain words.
        error = error_of(reply.body)
    complaint = complaint_in(error, asked)
    status = _status_within(error)
    if status is not None:
        return _error_of(reply, status, complaint)
    if complaint.is_refusal:
        return Refused("the inference server refused this text inside a 200")
    return Declined(200) if complaint.sounds_like_refusal else unclear


def error_within(body: bytes) -> object:
    """The error that the body of a 200 holds, beside a completion or in its place, or None."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    choice = choice if isinstance(choice, dict) else {}
    message = choice.get("message")
    within = message.get("error") if isinstance(message, dict) else None
    error = document.get("error") or choice.get("error") or within
    if error:
        return error
    return "error" if choice.get("finish_reason") == "error" else None


def _status_within(error: object) -> int | None:
    """The HTTP status that an error in a body stands for."""
    if not isinstance(error, dict):
        return None
    for name in ("code", "status", "status_code"):
        said = error.get(name)
        digits = str(said) if isinstance(said, int | str) and not isinstance(said, bool) else ""
        if len(digits) == 3 and digits.isascii() and digits.isdigit() and digits[0] in "45":
            return int(digits)
    words = f"{error.get('code')} {error.get('type')}".lower()
    for status, marks in _STATUS_WORDS.items():
        if any(mark in words for mark in marks):
            return status
    return None


_STATUS_WORDS = {
    429: ("rate_limit", "too_many_requests", "quota", "overloaded", "capacity"),
    502: ("server_error", "internal_error", "upstream", "timeout", "unavailable"),
}


def _retry_after_s(reply: Reply) -> float | None:
    """RFC 9110 `Retry-After` in seconds; the date form is rare enough to be passed over."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= RETRY_AFTER_MAX_S else None
