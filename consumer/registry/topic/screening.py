"""`[screening]`: what is settled before the model is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumer.domain.screening import (
    AuthorTerms,
    FilterTerms,
    ListMatch,
    ListTerms,
    MemoTerms,
    NeighbourTerms,
    ScreeningTerms,
)
from consumer.registry.topic.table import ClosedTable
from consumer.registry.wording import shape

ListFile = Annotated[
    str,
    Field(
        pattern=shape(
            r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$",
            "must be the name of a file in the set's folder lists/, as in raid.txt",
        )
    ),
]


class MemoTable(ClosedTable):
    """`[screening.memo]`: the same text is judged once; without it its defaults hold."""

    texts_max: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    """How many texts a worker keeps the model's answers for; 0 asks about each anew."""
    for_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    """For how many seconds an answer holds for the very same text."""

    def terms(self) -> MemoTerms | None:
        return MemoTerms(self.texts_max, self.for_s) if self.texts_max else None


class NearDuplicatesTable(ClosedTable):
    """`[screening.near_duplicates]`: a burst of almost equal messages shares a flag or a block."""

    similar: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    """Least share of a message's words that all judged ones have in common."""
    for_s: Annotated[float, Field(ge=1, le=3_600)] = 120.0
    """For how many seconds after the model's last answer about a burst its verdict is shared."""
    authors_max: Annotated[int, Field(ge=1)] = 100
    """How many authors one answer speaks for; then the model is asked about one more message."""
    answers_min: Annotated[int, Field(ge=2, le=100)] = 3
    """So many answers about a burst must agree before its verdict is shared."""
    words_min: Annotated[int, Field(ge=3, le=100)] = 5
    """Messages of fewer words never share a verdict."""
    bursts_max: Annotated[int, Field(ge=1, le=2_000)] = 500
    """How many bursts a worker watches at once."""

    def terms(self) -> NeighbourTerms:
        return NeighbourTerms(
            self.similar,
            self.for_s,
            self.authors_max,
            self.answers_min,
            self.words_min,
            self.bursts_max,
        )


class ListTable(ClosedTable):
    """`[[screening.lists]]`: what to do with texts that an entry of a list is found in."""

    file: ListFile
    """Its name in the set's folder `lists/`: an entry a line; a line of `# ` is a remark."""
    outcome: Literal["flag", "block", "allow"]
    """What becomes of the message; `allow` only where `match` is `exact`."""
    match: ListMatch = "words"
    """
    An entry is found as whole `words` (anywhere where no blanks part words, as in Chinese or Thai),
    `anywhere`, as one of `patterns`, or as all (`exact`).
    """

    @model_validator(mode="after")
    def _hides_nothing(self) -> ListTable:
        if self.outcome == "allow" and self.match != "exact":
            raise ValueError('outcome = "allow" needs match = "exact": else anything passes beside')
        return self


FilterFile = Annotated[
    str,
    Field(
        pattern=shape(
            r"^[A-Za-z0-9_-][A-Za-z0-9._@-]{0,99}$",
            "must be the name of a file in the set's folder filters/, as in chat.prefilter",
        )
    ),
]


class PrefilterTable(ClosedTable):
    """`[screening.prefilter]`: harmless messages are allowed by a filter, and audited."""

    file: FilterFile
    """Its name in the set's folder `filters/`, as `safeguard prefilter train` wrote it."""
    salt_file: Annotated[str, Field(min_length=1, max_length=1_000)]
    """
    A secret of 16 random bytes or more, the same for all workers, that decides which messages are
    audited; a relative path is taken from the set's folder.
    """
    recall: Annotated[float, Field(ge=0.5, le=0.999)] = 0.99
    """Share of what the model would not allow that must reach it; the filter must have shown it."""
    alpha: Annotated[float, Field(ge=0.0001, le=0.5)] = 0.05
    """The chance that a filter is held to be good enough although it is not."""
    floor: Annotated[float, Field(ge=0.001, le=1)] = 0.02
    """Share of the settled messages that the model is asked about all the same."""
    near: Annotated[float, Field(ge=0.001, le=1)] = 0.3
    """The same near the threshold, where most misses lie; not less than `floor`."""
    run_length: Annotated[float, Field(ge=100, le=1e9)] = 20_000.0
    """Mean number of messages that the model does not allow between two false alarms."""

    @model_validator(mode="after")
    def _looks_closer_where_it_matters(self) -> PrefilterTable:
        if self.near < self.floor:
            raise ValueError("near must not be less than floor: most misses lie near the threshold")
        return self

    def terms(self, file: str, digest: str, salt_file: str) -> FilterTerms:
        """`file` and `salt_file` are paths, and `digest` is that of the file."""
        return FilterTerms(
            file,
            digest,
            salt_file,
            self.recall,
            self.alpha,
            self.floor,
            self.near,
            self.run_length,
        )


class DecisionTable(PrefilterTable):
    """`[screening.decision]`: harmless messages are allowed by a decision endpoint, and audited."""

    file: FilterFile
    """Its name in the set's folder `filters/`, as `safeguard decision fit` wrote it."""
    recall: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    """Share of what the model would not allow that must reach it; golden cases must show it."""


class AuthorsTable(ClosedTable):
    """`[screening.authors]`: who was not allowed something lately is left to the model."""

    for_s: Annotated[float, Field(ge=1, le=604_800)] = 3_600.0
    """For how many seconds after a flag or a block the author's messages are never settled."""
    authors_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """How many such authors a worker keeps in mind; those longest quiet go first."""

    def terms(self) -> AuthorTerms:
        return AuthorTerms(self.for_s, self.authors_max)


class ScreeningTable(ClosedTable):
    """`[screening]`: the stages before the model; without it only the memo runs."""

    memo: MemoTable = MemoTable()
    """The same text is judged once; others that say just the same have its answer for a while."""
    near_duplicates: NearDuplicatesTable | None = None
    """A burst of almost equal messages shares a flag or a block."""
    lists: Annotated[list[ListTable], Field(max_length=32)] = []
    """What must act at once, before anybody is asked."""
    prefilter: PrefilterTable | None = None
    """A filter learned of the topic's own verdicts settles what is harmless, and is watched."""
    decision: DecisionTable | None = None
    """What `inference.decision` finds surely harmless is allowed, and is watched the same way."""
    authors: AuthorsTable | None = None
    """Neither filter nor decision endpoint settles what these authors write."""

    @property
    def filters(self) -> dict[str, PrefilterTable]:
        """What names a file in the set's folder `filters/`, by the stage that it is for."""
        found = {"prefilter": self.prefilter, "decision": self.decision}
        return {stage: table for stage, table in found.items() if table is not None}

    def terms(
        self, lists: tuple[ListTerms, ...] = (), filters: Mapping[str, FilterTerms] = {}
    ) -> ScreeningTerms:
        """`lists` and `filters` are those that it names, read."""
        near, authors = self.near_duplicates, self.authors
        return ScreeningTerms(
            self.memo.terms(),
            near.terms() if near else None,
            lists,
            filters.get("prefilter"),
            filters.get("decision"),
            authors.terms() if authors else None,
        )
