"""Nearness: how near a text comes to the thresholds of its policies. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def nearness(found: Sequence[float | None], thresholds: Sequence[float]) -> float | None:
    """
    The largest share of its threshold that any probability has; below 1 the text is settled.

    None where a policy has no probability: then nothing is known of the text.
    """
    if len(found) != len(thresholds):
        return None
    shares = [None if p is None else p / t for p, t in zip(found, thresholds, strict=True)]
    known = [share for share in shares if share is not None]
    return max(known) if known and len(known) == len(shares) else None


def is_settled(found: Sequence[float | None], thresholds: Sequence[float]) -> bool:
    """Whether every policy is surely below its threshold."""
    near = nearness(found, thresholds)
    return near is not None and near < 1.0
