"""
Probabilities in answers of decision endpoints: what may be read as one, and what never is. Pure.

An answer that is no probability is None, and whoever asked does without it: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from consumer.interfaces import Probabilities

TOKENS_MAX = 3
"""
Protocol: tokens generated for each question. A decision is read off one prefill, or off one token;
who generates more was asked for words, and a probability in words is calibrated by nobody.
"""
EMULATED = "its probabilities are emulated by generated text, which nobody has calibrated"


class DecisionWire(NamedTuple):
    """One of the two shapes in which a decision endpoint is asked."""

    path: str
    """Below the endpoint's base address."""
    body: Callable[[str, str, Sequence[str]], bytes]
    """The request: of a model, about a text, how likely each statement is to be true of it."""
    answers: Callable[[bytes, int], Probabilities | str]
    """Takes the body of a 200 apart, for so many statements; or why it cannot be used."""


def probability(value: object) -> float | None:
    """A number from 0 to 1; None for anything else, such as a boolean, a word or a NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0.0 <= value <= 1.0 else None


def document(body: bytes, count: int) -> dict[str, object] | str:
    """The answer as JSON; or why nothing in it can be used."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "its answer is no JSON"
    if not isinstance(found, dict):
        return "its answer is no JSON object"
    if found.get("error"):
        return "its answer holds an error"
    usage = found.get("usage")
    generated = usage.get("output_tokens") if isinstance(usage, dict) else None
    is_wordy = isinstance(generated, int) and generated > TOKENS_MAX * count
    return EMULATED if found.get("emulated") or is_wordy else found


def model_of(found: dict[str, object]) -> str:
    """The model that answered, as it names itself; empty where it does not."""
    model = found.get("model")
    return model if isinstance(model, str) else ""
