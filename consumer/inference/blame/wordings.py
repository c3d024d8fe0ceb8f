"""
What servers say when they give no judgement, and how far it is believed. Pure.

An error's words may quote the user. So codes in fields of their own are always believed, words only
where the text that was asked about does not hold them; a field is only believed to be unknown where
it is named as such, never where it stands in a list of what is expected, and never from the part of
an error that repeats the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import orjson

from consumer.inference.blame.fault import Fault, fault_of_finish

CHARS_MAX = 4_000
"""Of an error's words; a gateway's page says what it has to say before that."""
DETAILS_MAX = 16
"""Of a list within an error. Protocol: pydantic writes one for each fault; the first say all."""
FIELDS_MAX = 64
"""Of an error. Protocol: the most talkative hosts write a dozen."""


class Complaint(NamedTuple):
    """What an error's body says, as far as it is believed."""

    is_refusal: bool
    """A code says that the text, or the answer to it, offends a content policy of the host's."""
    sounds_like_refusal: bool
    """Its words say so; an account that was closed is told much the same."""
    is_too_long: bool
    is_of_the_model: bool
    """The server could not read what its model said: another try may do better."""
    holds_answer: bool
    """The model's answer stands in it; the host's own schema check refused it."""
    field: str | None
    """The optional field of the request that it will not have."""


OPTIONAL_FIELDS = ("response_format", "reasoning_effort", "seed", "temperature", "priority")
"""Fields of the request that an endpoint may not know; each can be left out."""
OTHER_NAMES = {
    "response_format": ("json_schema", "text.format"),
    "reasoning_effort": ("reasoning.effort",),
}
"""What they are called in wordings of some servers and in the Responses API."""

REFUSAL_CODES = (
    "contentfilter",  # OpenAI, Azure, Moonshot
    "responsibleaipolicyviolation",  # Azure, in innererror
    "contentpolicyviolation",  # OpenAI, LiteLLM
    "moderationblocked",
    "datainspectionfailed",  # Alibaba Model Studio
    "prohibitedcontent",  # Gemini
    "guardrailintervened",  # Bedrock
    "sensitivecontentdetected",  # Volcano Engine
)
"""Parts of codes, in lower case and without what stands between words."""
REFUSAL_WORDS = (
    "content filter",
    "content management policy",
    "content polic",
    "usage polic",
    "safety polic",
    "safety system",
    "safety filter",
    "guardrail",
    "moderation",
    "flagged",
    "inappropriate",
    "content exists risk",  # DeepSeek
    "prohibited",
    "violates",
    "violating",
    "violated",
    "blocked",  # Cloudflare's gateway and many firewalls
    "high risk",  # Moonshot
    "sensitive",  # Volcano Engine
    "不安全",  # Zhipu
    "敏感",
)
TOO_LONG_CODES = frozenset({"exceed_context_size_error", "context_length_exceeded"})
TOO_LONG = ("context length", "context size", "maximum context", "context window", "too long")
MODEL_FAULTS = (
    "harmony",
    "peg-native",
    "unexpected token",
    "does not match the expected",
)


def is_page(body: bytes) -> bool:
    """Whether it is a page for people: what stands before a server writes them, no server does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def is_blocked(body: bytes) -> bool:
    """Whether a body without any message says that it was kept back, as Gemini's do."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(document, dict):
        return False
    feedback = document.get("promptFeedback") or document.get("prompt_feedback")
    if isinstance(feedback, dict) and (feedback.get("blockReason") or feedback.get("block_reason")):
        return True
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    return fault_of_finish(finish) is Fault.REFUSAL


def error_of(body: bytes) -> object:
    """The error in a body, as JSON or else as its words."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:CHARS_MAX].decode("utf-8", "replace").strip()
    return document.get("error", document) if isinstance(document, dict) else document


def complaint_in(error: object, asked: str = "") -> Complaint:
    """Read an error; `asked` is the text that was asked about, in which words are echoes."""
    codes = frozenset(_codes(error))
    words = _words(error).lower()[:CHARS_MAX]
    echoes = asked.lower()

    def says(marks: tuple[str, ...]) -> bool:
        return any(mark in words and mark not in echoes for mark in marks)

    return Complaint(
        is_refusal=any(_names_refusal(code) for code in codes),
        # Alibaba and LiteLLM write the name of the error into its message.
        sounds_like_refusal=_names_refusal(words) or any(m in words for m in REFUSAL_WORDS),
        is_too_long=not codes.isdisjoint(TOO_LONG_CODES) or says(TOO_LONG),
        is_of_the_model=says(MODEL_FAULTS) or _is_wordless(error),
        holds_answer="json_validate_failed" in codes
        or (isinstance(error, dict) and "failed_generation" in error),
        field=_field_at_fault(error) or _field_named(words, echoes),
    )


def _codes(error: object, depth: int = 3) -> Iterator[str]:
    """What stands in the fields that servers keep for codes, in lower case."""
    if isinstance(error, list) and depth:
        for each in error[:DETAILS_MAX]:
            yield from _codes(each, depth - 1)
    if not isinstance(error, dict):
        return
    named = _by_plain_name(error)
    for name in ("code", "type", "status", "reason", "errorcode"):
        if isinstance(said := named.get(name), str):
            yield said.lower()
    if depth:
        for name in _NESTED:
            yield from _codes(named.get(name), depth - 1)


_NESTED = (
    *("error", "errors", "innererror", "metadata", "detail", "details"),
    *("providerspecificfields", "baseresp"),
)
_IN_WORDS = (
    *("message", "msg", "detail", "error", "title", "errors", "errormessage", "errormsg"),
    *("errordescription", "description", "details", "reason", "statusmsg", "baseresp"),
)
"""Where errors have their words, by plain names."""


def _by_plain_name(error: dict[str, object]) -> dict[str, object]:
    """What an error holds by `errormessage` for any of `errorMessage` and `Error_Message`."""
    named: dict[str, object] = {}
    for name, value in islice(error.items(), FIELDS_MAX):
        named.setdefault(_plain(name.lower()), value)
    return named


def _plain(code: str) -> str:
    return re.sub(r"[^a-z]", "", code)


def _names_refusal(code: str) -> bool:
    plain = _plain(code)
    return any(mark in plain for mark in REFUSAL_CODES)


def _words(error: object, depth: int = 4) -> str:
    """The sentences of an error; what repeats the input (`input`, `ctx`, `loc`) is left out."""
    if isinstance(error, str):
        return error
    parts: Sequence[object] = ()
    if isinstance(error, list):
        parts = error[:DETAILS_MAX]
    elif isinstance(error, dict):
        named = _by_plain_name(error)
        parts = [named.get(name) for name in _IN_WORDS]
    return " ".join(_words(part, depth - 1) for part in parts if part) if depth else ""


def _is_wordless(error: object) -> bool:
    """vLLM's 500 for an answer it could not parse: a type, a code, and an empty message."""
    return isinstance(error, dict) and error.get("message") == ""


def _field_at_fault(error: object) -> str | None:
    """The field that an error points at in a place of its own: `param`, or pydantic's `loc`."""
    if not isinstance(error, dict):
        return None
    details = error.get("detail")
    places = [error.get("param")]
    for each in details if isinstance(details, list) else ():
        place = each.get("loc") if isinstance(each, dict) else None
        if isinstance(place, list):
            places.append(".".join(str(part) for part in place if part != "body"))
    return next((field for place in places if (field := _field_at(place))), None)


def _field_at(place: object) -> str | None:
    """The optional field that a path such as `text.format.type` begins with."""
    if not isinstance(place, str):
        return None
    for field in OPTIONAL_FIELDS:
        for name in (field, *OTHER_NAMES.get(field, ())):
            if place == name or place.startswith((f"{name}.", f"{name}[")):
                return field
    return None


def _field_named(words: str, echoes: str) -> str | None:
    """The field that a sentence complains of: the first one, outside of lists of good ones."""
    words = _GOOD_ONES.sub(" ", words)
    found = [
        (match.start(), field)
        for field in OPTIONAL_FIELDS
        for name in (field, *OTHER_NAMES.get(field, ()))
        if name not in echoes and (match := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words))
    ]
    return min(found)[1] if found else None


_NAME = r"[`'\"(\[{]*+[\w.]++[`'\")\]}]*+"
_GOOD_ONES = re.compile(
    r"(?:\bone of|(?<!not )\b(?:expected|allowed|permitted|supported|accepted|valid|known|"
    r"available|possible)(?: fields| parameters| arguments| values| keys| options| names)?)"
    rf"(?: are| is)?\s*:?\s*{_NAME}(?:\s*(?:,\s*(?:or|and)\b|,|\||\bor\b|\band\b)\s*{_NAME})++"
)
"""A list of what would have been right, such as serde's: expected one of `a`, `b`."""
