"""
Risk: by when a case should be decided, and why, in words.

Every case is due within the topic's time (`sla_s`), counted from when it was first asked about, and
what is risky is due sooner: each reason shortens the time. Cases are handed out by the moment they
are due, so an old harmless one is not overtaken for ever.
"""

from __future__ import annotations

from math import log10
from typing import NamedTuple

from consumer.review.cases.case import Concern, ReviewCase

SHORTEST = 0.01
"""Of the topic's time; what is graver is not due at once, or age would no longer count."""
_SEVERITIES = {"low": 1.0, "medium": 0.75, "high": 0.5, "critical": 0.25}


class Urgency(NamedTuple):
    """Something that makes a case more urgent."""

    words: str
    factor: float
    """Of the time that is left."""


class Due(NamedTuple):
    """By when a case should be decided."""

    at_ms: int
    reasons: tuple[Urgency, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Why, a line for each reason."""
        return tuple(f"{reason.words}: time x{reason.factor:.2g}" for reason in self.reasons)


def due(case: ReviewCase, sla_s: float) -> Due:
    """When a case is due that asks for a person."""
    reasons = tuple(reason for reason in _reasons(case) if reason.factor < 1)
    factor = 1.0
    for reason in reasons:
        factor *= reason.factor
    return Due(case.asked_ms + int(max(factor, SHORTEST) * sla_s * 1_000), reasons)


def _reasons(case: ReviewCase) -> list[Urgency]:
    """Severity, certainty, who asks, how many, and how many saw it."""
    found: list[Urgency] = []
    flagged = case.flagged
    if flagged is not None:
        severity = flagged.severity
        found.append(Urgency(f"severity {severity}", _SEVERITIES.get(severity, 0.75)))
        if flagged.certainty is not None:
            sure = f"the model is {flagged.certainty:.0%} sure"
            found.append(Urgency(sure, 1 - flagged.certainty / 2))
    if case.status is Concern.APPEAL:
        found.append(Urgency("the author appeals", 0.5))
    if case.reporters:
        people = "person" if case.reporters == 1 else "people"
        found.append(Urgency(f"reported by {case.reporters} {people}", 1 / (1 + case.reporters)))
    found.append(Urgency(f"seen by {case.reach:,}", 1 / (1 + log10(max(case.reach, 1)) / 2)))
    return found


def lateness(due_ms: int, asked_ms: int, now_ms: int) -> str:
    """How a case stands against its time, in words."""
    left_ms = due_ms - now_ms
    if left_ms < 0:
        return f"late by {duration(-left_ms)}"
    return f"due in {duration(left_ms)}, asked {duration(max(0, now_ms - asked_ms))} ago"


def duration(ms: int) -> str:
    """A time in one number, as people say it."""
    minutes = ms // 60_000
    if minutes < 1:
        return f"{ms // 1_000} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h"
