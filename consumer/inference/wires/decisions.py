"""
`POST /v1/decisions`, in the shape of `client.decisions` of the openai package. Pure.

Each statement is a predicate. Answers come in the order asked, and any of them may be a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from consumer.inference.wires.probabilities import DecisionWire, document, model_of, probability
from consumer.interfaces import Probabilities


def _body(model: str, text: str, statements: Sequence[str]) -> bytes:
    questions = [
        {"type": "predicate", "name": f"q{at}", "instructions": statement}
        for at, statement in enumerate(statements)
    ]
    return orjson.dumps({"model": model, "input": text, "questions": questions})


def _answers(body: bytes, count: int) -> Probabilities | str:
    found = document(body, count)
    if isinstance(found, str):
        return found
    answers = found.get("answers")
    if not isinstance(answers, list) or len(answers) != count:
        return "it did not answer every question"
    names = [each.get("name") if isinstance(each, dict) else None for each in answers]
    if any(name not in (None, f"q{at}") for at, name in enumerate(names)):
        return "its answers are not in the order of the questions"
    return Probabilities(tuple(map(_predicate, answers)), model_of(found))


def _predicate(answer: object) -> float | None:
    if not isinstance(answer, dict) or answer.get("type") != "predicate":
        return None
    return probability(answer.get("probability"))


DECISIONS = DecisionWire("/decisions", _body, _answers)
