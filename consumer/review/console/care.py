"""Care: what somebody wants hidden, how much they are shown a day, when a break is due. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from consumer.review.cases.case import ReviewCase
from consumer.review.store.wellness import Exposure

BREAK_MIN_MAX = 240
"""Of the minutes without a break that somebody may choose."""
MINUTE_MS = 60_000
AVOID = "avoid."
"""Before the name of a policy, in the field of a form that says it is to be left to others."""
AVOIDED_MAX = 50
"""Of the policies that somebody leaves to others."""
_GRAVE = ("high", "critical")


class Veil(StrEnum):
    """Which texts are hidden behind their kind until they are asked for."""

    NONE = "none"
    GRAVE = "grave"
    """Those whose policy is of high or critical severity."""
    ALL = "all"


class Preferences(NamedTuple):
    """How somebody wants the console to be."""

    keys: bool = True
    veil: Veil = Veil.NONE
    exposures_max: int = 0
    """Texts a day; 0 leaves it to the setting."""
    break_min: int = 0
    """Minutes without a break after which they are told; 0 is never."""
    avoid: tuple[str, ...] = ()
    """Policies whose messages they leave to others, by name."""


class CareTerms(NamedTuple):
    """What the settings say for all."""

    exposures_max: int = 0
    blind: bool = False
    second_share: float = 0.0


def wishes_of(body: Mapping[str, Any]) -> Preferences:
    """What was kept, or what a form says; what nobody can mean is left out."""
    plain = Preferences()
    veil = body.get("veil")
    return Preferences(
        keys=body.get("keys", True) in (True, "on"),
        veil=Veil(veil) if veil in list(Veil) else plain.veil,
        exposures_max=_number(body.get("exposures_max"), 100_000),
        break_min=_number(body.get("break_min"), BREAK_MIN_MAX),
        avoid=_avoided(body),
    )


def _avoided(body: Mapping[str, Any]) -> tuple[str, ...]:
    """As it was kept, else as the boxes of a form say."""
    boxes = [name.removeprefix(AVOID) for name in body if name.startswith(AVOID)]
    names = {str(name) for name in body.get("avoid") or boxes}
    return tuple(sorted(names)[:AVOIDED_MAX])


def budget_of(wishes: Preferences, terms: CareTerms) -> int:
    """How many texts somebody is shown a day: the lesser of both; 0 is no limit."""
    limits = [limit for limit in (wishes.exposures_max, terms.exposures_max) if limit]
    return min(limits, default=0)


def is_spent(seen: Exposure, wishes: Preferences, terms: CareTerms) -> bool:
    """Whether that is enough for today."""
    budget = budget_of(wishes, terms)
    return 0 < budget <= seen.number


def break_due_min(seen: Exposure, wishes: Preferences, now_ms: int) -> int:
    """For how many minutes they have had no break, where one is due; else 0."""
    if not wishes.break_min or seen.since_ms is None:
        return 0
    minutes = (now_ms - seen.since_ms) // MINUTE_MS
    return minutes if minutes >= wishes.break_min else 0


def category_of(case: ReviewCase) -> str:
    """The policies that sent it to people, in words; `report` where none did."""
    return ", ".join(case.sent_by) or "report"


def is_veiled(case: ReviewCase, wishes: Preferences) -> bool:
    """Whether its text stays hidden until it is asked for."""
    severity = case.flagged.severity if case.flagged is not None else ""
    if not set(wishes.avoid).isdisjoint(case.sent_by):
        return True
    return wishes.veil is Veil.ALL or (wishes.veil is Veil.GRAVE and severity in _GRAVE)


def _number(value: object, most: int) -> int:
    text = str(value if value is not None else "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 9 else 0
