"""
Policies and their versions; what a topic wants done with its messages is in `binding.py`.

A policy is one document of rules; a version is the immutable set of policies that judges a topic's
messages, named `set@vN` and really identified by the digest of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from consumer.domain.tokens import tokens_of


class Outcome(StrEnum):
    """What happens to a message, from the mildest to the most severe."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"

    severity: int
    """The higher, the more severe."""


for _severity, _outcome in enumerate(Outcome):
    _outcome.severity = _severity


class Effort(StrEnum):
    """How long the model may reason."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Look(StrEnum):
    """How a text is judged once more."""

    EFFORT = "effort"
    """With the next higher effort."""
    SAMPLES = "samples"
    """As before, with other seeds."""
    ENDPOINT = "endpoint"
    """By a second endpoint."""


class SecondLookTerms(NamedTuple):
    """Which answers under a policy are worth a second look, and how it is taken."""

    share: float
    """At most so much of the policy's answers, the least sure of them first."""
    how: Look = Look.EFFORT
    samples: int = 1
    """How many more answers are asked for."""


USER_MESSAGE = "user message"
"""What a topic's texts are unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Example:
    """A short text near the boundary and the label it deserves, shown to the model."""

    text: str
    label: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One document of rules, judged by a call of its own. Compared by identity: a cheap key."""

    name: str
    title: str
    text: str
    """The Markdown body, byte for byte as the moderator wrote it."""
    outcomes: Mapping[str, Outcome]
    """Label -> outcome. The labels are the policy's own words."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Rule id -> what it says in a few words; the only ids that a judgement may cite."""
    examples: tuple[Example, ...] = ()
    severity: str = "medium"
    effort: Effort = Effort.LOW
    second_look: SecondLookTerms | None = None
    """None where the first answer stands, however unsure it is."""
    with_context: bool = False
    """Whether messages may come with context, of which the prompt must then say what it is."""
    subject: str = USER_MESSAGE
    """What the texts are that are judged, in the words of the topic that they come from."""
    question: str | None = None
    """What a decision endpoint is asked; None asks by the title. The model never sees it."""

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.outcomes)

    @property
    def tokens(self) -> int:
        """About how many tokens its text, rules and examples take."""
        parts = [self.text, *self.rules, *self.rules.values(), *(e.text for e in self.examples)]
        return tokens_of("".join(parts))


@dataclass(frozen=True, slots=True, eq=False)
class PolicyVersion:
    """The policies that judge a topic's messages together, never changed once published."""

    set_name: str
    number: int
    policies: tuple[Policy, ...]
    digest: str
    """BLAKE2b-128 in hex over the content: the same text has the same digest everywhere."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The same for each file by its name, so that people are told which one has changed."""
    id: str = field(init=False)
    """`set@vN`, as people say it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.set_name}@v{self.number}")


def digest_of(parts: Mapping[str, bytes]) -> str:
    """The digest of a version's documents, by name, whatever order they were read in."""
    state = blake2b(digest_size=16)
    for name in sorted(parts):
        for piece in (name.encode(), parts[name]):
            state.update(len(piece).to_bytes(8, "big"))
            state.update(piece)
    return state.hexdigest()
