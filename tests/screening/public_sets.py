"""Public labelled texts as streams: the labels stand for what the model would say."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple

from consumer.screening.prefilter.example import FilterExample

DATA = Path(__file__).parents[3] / "shared" / "data"
HARMS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")

SetName = Literal["2022", "davidson", "pooled"]


class LabelledLine(NamedTuple):
    """A text and whether anything is wrong with it."""

    text: str
    is_positive: bool


def lines_of(name: SetName) -> list[LabelledLine]:
    """One of the sets, or both pooled."""
    lines: list[LabelledLine] = []
    if name != "davidson":
        lines += [
            LabelledLine(row["prompt"], any(row.get(harm) == 1 for harm in HARMS))
            for row in _rows("openai-moderation-2022.jsonl")
        ]
    if name != "2022":
        lines += [
            LabelledLine(row["text"], row["label"] != "neither")
            for row in _rows("davidson-2017.jsonl")
        ]
    return lines


def _rows(file: str) -> list[dict[str, Any]]:
    with (DATA / file).open() as opened:
        return [json.loads(line) for line in opened]


def stream_of(lines: list[LabelledLine], seed: int) -> list[FilterExample]:
    """In an order by seed, one a second."""
    shuffled = lines.copy()
    Random(f"{seed} order").shuffle(shuffled)
    return [
        FilterExample(line.text, line.is_positive, timestamp_ms=1_000 * at)
        for at, line in enumerate(shuffled)
    ]


def thinned(examples: list[FilterExample], share: float, seed: int) -> list[FilterExample]:
    """The same stream with as many positives left, by chance, as make this share of it."""
    others = sum(not example.is_positive for example in examples)
    at = [number for number, example in enumerate(examples) if example.is_positive]
    wanted = min(len(at), round(others * share / (1.0 - share)))
    kept = set(Random(f"{seed} thinning").sample(at, wanted))
    return [e for number, e in enumerate(examples) if not e.is_positive or number in kept]
