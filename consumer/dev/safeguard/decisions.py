"""
Decisions: the two shapes of a decision endpoint, answered by words. Pure.

A statement is likely of a text that holds one of the phrases that it quotes, and unlikely of any
other. So it stands in for a model that knows what it is asked, and for nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from consumer.dev.safeguard.completion import MODEL
from consumer.dev.safeguard.judge import fold

LIKELY, UNLIKELY = 0.97, 0.02
"""Rounded to two decimals, as real ones are."""
PATHS = ("/v1/decisions", "/v1/systemone")

_QUOTED = re.compile(r'"([^"]+)"')
_DENIED = re.compile(r"answer to this is no\b")


def decide(path: str, asked: Mapping[str, Any]) -> dict[str, object]:
    """
    The answer to a request.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is no such request.
    """
    is_systemone = path == PATHS[1]
    text = asked["state" if is_systemone else "input"]
    questions = asked["questions"]
    if not isinstance(text, str) or not questions:
        raise ValueError("a text and at least one question are needed")
    answers: object
    if is_systemone:
        answers = {
            name: {"type": "noul", "noul": _likely(text, each, "noul")}
            for name, each in questions.items()
        }
    else:
        answers = [
            {
                "type": "predicate",
                "name": each.get("name"),
                "probability": _likely(text, each, "predicate"),
            }
            for each in questions
        ]
    return {"model": asked.get("model") or MODEL, "answers": answers, "usage": _usage(text)}


def _likely(text: str, question: Mapping[str, Any], kind: str) -> float:
    if question["type"] != kind:
        raise ValueError(f"the stand-in answers questions of type {kind} alone")
    statement = question["instructions"]
    phrases: Sequence[str] = _QUOTED.findall(statement)
    words = f" {fold(text)} "
    is_true = any(f" {fold(phrase)} " in words for phrase in phrases)
    return LIKELY if is_true != bool(_DENIED.search(statement)) else UNLIKELY


def _usage(text: str) -> dict[str, object]:
    count = len(text) // 4 + 1
    return {
        "input_tokens": count,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count,
    }
