"""
Facts: what topics tell about a message under review.

Each has an id, and the same fact comes as often as Kafka likes. Nothing follows from the order in
which they come: topics are read side by side, and the store can be built anew from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson


@dataclass(frozen=True, slots=True)
class VerdictFact:
    """A verdict that a reviewer has to know: one that flags, or that supersedes another."""

    id: str
    at_ms: int
    position: str
    outcome: str
    cause: str
    supersedes: str | None = None
    severity: str = "medium"
    """Of the gravest policy that the outcome follows from."""
    certainty: float | None = None
    """The probability that the model would say the same again."""
    key: str | None = None
    """The record's key in base64; what is decided goes out under it."""
    envelope: dict[str, Any] = field(default_factory=dict)
    """What lies on the topic; empty where only headers do."""
    event: str | None = None
    """What its record did to the message: `edit` or `delete`; None where it is the first of it."""


@dataclass(frozen=True, slots=True)
class ReportFact:
    """A person reported the message."""

    id: str
    at_ms: int
    reporter: str
    reason: str
    note: str = ""
    reach: int = 0
    """How many people saw the message by then; 0 where nobody says."""
    position: str | None = None
    verdict: str | None = None
    """The verdict that the message had for whoever reported it."""
    outcome: str = "allow"
    """What that verdict said."""


@dataclass(frozen=True, slots=True)
class AppealFact:
    """The author, or somebody for the author, asks for another decision."""

    id: str
    at_ms: int
    by: str
    note: str = ""
    position: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionFact:
    """What a reviewer decided about one version of the message."""

    id: str
    at_ms: int
    by: str
    outcome: str
    reason: str
    cause: str = "human"
    approved_by: str | None = None
    label: str | None = None
    """`POLICY.LABEL`."""
    rule: str | None = None
    position: str | None = None
    """The version of the message: where its record lies; None where nobody said."""
    supersedes: str | None = None
    """The verdict that this one replaces; None where none is known."""
    verdict: str | None = None
    """The verdict that replaces it."""
    appeals: tuple[str, ...] = ()
    """The appeals that it answers."""
    batch: str | None = None
    """What was decided together with others has the same."""
    follows: str | None = None
    """The decision on another case that this one was made along with, or is a consequence of."""

    @property
    def root(self) -> str:
        """The same for all that one look of a person decided; of a bulk each has its own."""
        return self.follows or self.id

    @property
    def people(self) -> tuple[str, ...]:
        """Who decided, and who agreed."""
        return (self.by,) if self.approved_by is None else (self.by, self.approved_by)


ReviewFact = VerdictFact | ReportFact | AppealFact | DecisionFact

_KINDS: dict[str, type[ReviewFact]] = {
    "verdict": VerdictFact,
    "report": ReportFact,
    "appeal": AppealFact,
    "decision": DecisionFact,
}
_WORDS = {kind: word for word, kind in _KINDS.items()}


class About(NamedTuple):
    """A fact, and which message it is about."""

    topic: str
    """The input."""
    message_id: str
    fact: ReviewFact

    @property
    def case_id(self) -> str:
        return case_id(self.topic, self.message_id)


def case_id(topic: str, message_id: str) -> str:
    """One message has one case, whatever asks about it: short enough to be typed."""
    return blake2b(f"{topic}\n{message_id}".encode(), digest_size=8).hexdigest()


def kind_of(fact: ReviewFact) -> str:
    """The word for its kind."""
    return _WORDS[type(fact)]


def encode_fact(fact: ReviewFact) -> str:
    """As JSON, for the store."""
    return orjson.dumps(fact).decode()


def decode_fact(kind: str, body: str) -> ReviewFact:
    """What `encode_fact` wrote."""
    fields = orjson.loads(body)
    if kind == "decision":
        fields["appeals"] = tuple(fields["appeals"])
    return _KINDS[kind](**fields)
