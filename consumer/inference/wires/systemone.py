"""
`POST /v1/systemone`, in the shape of the first decision models. Pure.

Each statement is a question of type noul, by a name of its own, and the answers have those names.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from consumer.inference.wires.probabilities import DecisionWire, document, model_of, probability
from consumer.interfaces import Probabilities


def _body(model: str, text: str, statements: Sequence[str]) -> bytes:
    questions = {
        f"q{at}": {"type": "noul", "instructions": statement}
        for at, statement in enumerate(statements)
    }
    return orjson.dumps({"model": model, "state": text, "questions": questions})


def _answers(body: bytes, count: int) -> Probabilities | str:
    found = document(body, count)
    if isinstance(found, str):
        return found
    answers = found.get("answers")
    if not isinstance(answers, dict):
        return "it answered no question"
    nouls = tuple(_noul(answers.get(f"q{at}")) for at in range(count))
    return Probabilities(nouls, model_of(found))


def _noul(answer: object) -> float | None:
    if not isinstance(answer, dict) or answer.get("type") != "noul":
        return None
    return probability(answer.get("noul"))


SYSTEM_ONE = DecisionWire("/systemone", _body, _answers)
