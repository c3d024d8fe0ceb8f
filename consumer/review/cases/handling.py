"""Handling: who is at work on a case, and what they have left for later. Lost with the store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.ruling import Ruling


class Seen(NamedTuple):
    """A case as somebody saw it."""

    case_id: str
    revision: int


class Naming(NamedTuple):
    """By what a decision is told from others, and by what it belongs with others."""

    id: str
    batch: str | None = None
    follows: str | None = None
    """The decision that it is made along with."""
    reach: int = 0
    """How many people saw what else is decided by it: second persons are asked for by the most."""


class Draft(NamedTuple):
    """What somebody means to say of a case, for when they come back to it."""

    by: str
    ruling: Ruling


class TakenAway(NamedTuple):
    """A lead has taken a case from somebody, to do it themselves or for anybody to."""

    whose: str
    by: str


class CaseState(StrEnum):
    """What can be done with a case."""

    OPEN = "open"
    CLAIMED = "claimed"
    HELD = "held"
    """Nobody gets it until its time has come."""
    ESCALATED = "escalated"
    """Open in a queue other than its topic's, or waiting for a second person."""
    DECIDED = "decided"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Handling:
    """Who is at work on a case."""

    claimed_by: str | None = None
    lease_until_ms: int = 0
    """The claim counts until then."""
    claimed_ms: int = 0
    """Since when its claimant has it."""
    seen: int = 0
    """How much of the case its claimant has seen: its revision by then."""
    held_until_ms: int = 0
    moved_to: str | None = None
    """The queue that somebody moved it to."""
    proposal: DecisionFact | None = None
    """A decision that waits for a second person who agrees."""
    alike: tuple[Seen, ...] = ()
    """Open cases of nearly the same text, as its claimant saw them: decided with it."""
    assigned_to: str | None = None
    """It is handed to this person alone."""
    draft: Draft | None = None
    note: str | None = None
    """What the last one to hand it on wanted others to read, and who that was."""
    taken: TakenAway | None = None
    """From whom it was taken last, until they have it again."""


NOBODY = Handling()
"""Nobody is at work on it."""
