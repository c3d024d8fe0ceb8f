"""
Screening terms: what a topic lets be settled before the model is asked, and every bound of it.

One `ScreeningTerms` is `[screening]` of a `topic.toml`; the lists it names are read with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from consumer.domain.policy import Outcome

ListMatch = Literal["words", "anywhere", "patterns", "exact"]
"""
How an entry of a list is found in a text: as whole words, as any part of it, as a regular
expression, or as all of it.
"""


class ListEntry(NamedTuple):
    """One line of a list."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ListTerms:
    """What a topic does with every text that an entry of a list is found in."""

    file: str
    """Its name in the policy set's folder `lists/`."""
    outcome: Outcome
    """Allow only where entries are whole texts, so that nothing can be hidden beside them."""
    match: ListMatch
    entries: tuple[ListEntry, ...]
    digest: str
    """BLAKE2b-128 in hex over the file, and no part of the policy version's."""


@dataclass(frozen=True, slots=True)
class MemoTerms:
    """How many answers of the model are kept for the very same text, and for how long."""

    texts_max: int = 10_000
    """Texts, for each policy set in each worker; the oldest go first."""
    for_s: float = 300.0
    """From the answer on: by then the model may say something else, and a person may have."""


@dataclass(frozen=True, slots=True)
class NeighbourTerms:
    """Within what bounds a burst of almost equal messages shares a verdict."""

    similar: float = 0.8
    """Least share of a text's words that all judged messages of the burst have in common."""
    for_s: float = 120.0
    """From the model's last answer about a message of the burst."""
    authors_max: int = 100
    """Different authors that one answer speaks for; then the model is asked about the next."""
    answers_min: int = 3
    """Answers of the model that must agree before any is shared."""
    words_min: int = 5
    """Shorter texts are never shared: with so few words a single one says it all."""
    bursts_max: int = 500
    """Bursts watched at once, for each policy set in each worker; the oldest go first."""


@dataclass(frozen=True, slots=True)
class FilterTerms:
    """Which filter allows messages without the safeguard, and how it is watched."""

    file: str
    """Where the filter lies, as a path."""
    digest: str
    """BLAKE2b-128 in hex over the file when the policies were loaded."""
    salt_file: str
    """Where the secret lies that decides who is audited; all workers have the same."""
    recall: float = 0.99
    """Share of what the model would not allow that must reach it."""
    alpha: float = 0.05
    """The chance that a filter is held to be good enough although it is not."""
    floor: float = 0.02
    """Share audited of what is settled, everywhere."""
    near: float = 0.3
    """Share audited of what is settled near the threshold."""
    run_length: float = 20_000.0
    """Mean number of positives between false alarms."""


@dataclass(frozen=True, slots=True)
class AuthorTerms:
    """For how long authors of what was not allowed are left to the model."""

    for_s: float = 3_600.0
    """From the last such verdict in this worker."""
    authors_max: int = 10_000
    """Authors, for each policy set in each worker; those longest quiet go first."""


@dataclass(frozen=True, slots=True)
class ScreeningTerms:
    """Which stages stand before the model; those that are None or empty do not run."""

    memo: MemoTerms | None = MemoTerms()
    near_duplicates: NeighbourTerms | None = None
    lists: tuple[ListTerms, ...] = ()
    prefilter: FilterTerms | None = None
    decision: FilterTerms | None = None
    """With a decision endpoint in place of a learned filter; its file holds the thresholds."""
    authors: AuthorTerms | None = None

    @property
    def shares(self) -> bool:
        """Whether what the model says of one message may be said of others."""
        return self.memo is not None or self.near_duplicates is not None
