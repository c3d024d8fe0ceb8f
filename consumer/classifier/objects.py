"""JSON objects in the text of an answer, as strictly as a verdict needs them. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

import orjson

OBJECTS_MAX = 8
"""More JSON objects than these in one answer are no answer."""


def object_in(text: str) -> dict[str, object] | None:
    """A JSON object, or None; one whose `label` appears twice with two values has none."""
    try:
        if "\\u" in text or text.count('"label"') > 1:
            found = json.loads(text, object_pairs_hook=_without_contradiction)
            orjson.dumps(found)  # A lone surrogate is no text that could be written.
        else:
            found = orjson.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _without_contradiction(pairs: list[tuple[str, object]]) -> dict[str, object]:
    labels = [repr(value) for name, value in pairs if name == "label"]
    if len(set(labels)) > 1:
        return dict(pairs) | {"label": None}
    return dict(pairs)


def objects_in(content: str) -> list[tuple[int, int]] | None:
    """The outermost `{…}` stretches of a text; None where there are too many to be an answer."""
    found: list[tuple[int, int]] = []
    failed = 0
    decoder = json.JSONDecoder()
    at = content.find("{")
    while at != -1:
        if len(found) == OBJECTS_MAX or failed == OBJECTS_MAX:
            return None
        try:
            _, end = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            failed += 1
            at = content.find("{", at + 1)
            continue
        found.append((at, end))
        at = content.find("{", end)
    return found


def without(content: str, stretches: Sequence[tuple[int, int]]) -> str:
    """What stands around those stretches."""
    starts = [0, *(end for _, end in stretches)]
    ends = [*(start for start, _ in stretches), len(content)]
    return "\n".join(content[start:end] for start, end in zip(starts, ends, strict=True))
