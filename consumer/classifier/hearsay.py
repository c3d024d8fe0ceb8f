"""What a model said though it was no verdict: for people who look on, never read as one. Pure."""

from __future__ import annotations

import orjson

from consumer.classifier.objects import object_in, objects_in
from consumer.domain.verdicts.judged import Heard
from consumer.inference.wires.content import said_in

ANSWER_CHARS_MAX = 4_000
"""Of what is shown to a person who looks on."""
LABEL_CHARS_MAX = 64
"""A longer answer of one line is no label that somebody meant to give."""


def answer_in(body: bytes) -> str:
    """The text of an answer, whichever API and fault it came by; the body where it holds none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[: 4 * ANSWER_CHARS_MAX].decode("utf-8", "replace")[:ANSWER_CHARS_MAX]
    found = [text for text in map(str.strip, _texts(document)) if text]
    return "\n".join(found)[:ANSWER_CHARS_MAX]


def label_given(answer: str) -> str | None:
    """The label that an answer gives, a known one or not; None where it names none."""
    answer = answer.strip()
    for start, end in objects_in(answer) or ():
        label = (object_in(answer[start:end]) or {}).get("label")
        if label is not None:
            return label if isinstance(label, str) else None
    is_word = 0 < len(answer) <= LABEL_CHARS_MAX and len(answer.split()) == 1 and "{" not in answer
    return answer if is_word else None


def told(heard: Heard) -> str:
    """The fault and the label that was given, in words; empty where there was no fault."""
    label = label_given(heard.answer) if heard.fault else None
    said = "" if label is None else f", it gave the label {orjson.dumps(label).decode()}"
    return heard.fault + (f": {heard.why}" if heard.why else said)


def _texts(document: object) -> list[str]:
    if not isinstance(document, dict):
        return []
    error, choices, output = (document.get(name) for name in ("error", "choices", "output"))
    found: list[str] = []
    if isinstance(error, dict):
        found += [str(error.get(name) or "") for name in ("message", "failed_generation")]
    for item in [*_list(choices), *_list(output)]:
        message = item.get("message", item) if isinstance(item, dict) else None
        if isinstance(message, dict) and message.get("type") != "reasoning":
            refusal = message.get("refusal")
            found.append(said_in(message.get("content")).answer)
            found.append(refusal if isinstance(refusal, str) else "")
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
