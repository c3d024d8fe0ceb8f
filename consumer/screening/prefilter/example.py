"""Example: a message that the model judged, to learn from or to certify with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class FilterExample(NamedTuple):
    """One judged message."""

    text: str
    is_positive: bool
    """The model's verdict is not allow."""
    weight: float = 1.0
    """1 / p where it was audited with probability p, so that what a filter hid weighs its share."""
    timestamp_ms: int = 0
    language: str = ""


class Split(NamedTuple):
    """Examples by time: what is learned from, and what only certifies."""

    learned: list[FilterExample]
    certifying: list[FilterExample]


def split_by_time(examples: Sequence[FilterExample], share: float) -> Split:
    """
    The last `share` of the positives, and all that came with them, certify; the rest is learned.

    By time, since tomorrow's traffic is what the filter will see, and at a bound between two
    timestamps, so that a flood of one moment is not on both sides.
    """
    ordered = sorted(examples, key=lambda example: example.timestamp_ms)
    positives = [example.timestamp_ms for example in ordered if example.is_positive]
    if not positives:
        return Split(ordered, [])
    first_ms = positives[min(len(positives) - 1, round(len(positives) * (1.0 - share)))]
    at = sum(example.timestamp_ms < first_ms for example in ordered)
    return Split(ordered[:at], ordered[at:])
