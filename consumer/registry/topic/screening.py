"""`[screening]`: what is settled before the model is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumer.domain.screening import (
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
    for_s: Annotated[float, Field(ge=1, le=86_400, strict=False)] = 300.0
    """For how many seconds an answer holds for the very same text."""

    def terms(self) -> MemoTerms | None:
        return MemoTerms(self.texts_max, self.for_s) if self.texts_max else None


class NearDuplicatesTable(ClosedTable):
    """`[screening.near_duplicates]`: a burst of almost equal messages shares a flag or a block."""

    similar: Annotated[float, Field(ge=0.5, le=1, strict=False)] = 0.8
    """Least share of a message's words that all judged ones have in common."""
    for_s: Annotated[float, Field(ge=1, le=3_600, strict=False)] = 120.0
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
    """Its name in the set's folder `lists/`: an entry a line, and `# ` begins a remark."""
    outcome: Literal["flag", "block", "allow"]
    """What becomes of the message; `allow` only where `match` is `exact`."""
    match: ListMatch = "words"
    """An entry is found as whole `words`, `anywhere`, as one of `patterns`, or as all (`exact`)."""

    @model_validator(mode="after")
    def _hides_nothing(self) -> ListTable:
        if self.outcome == "allow" and self.match != "exact":
            raise ValueError('outcome = "allow" needs match = "exact": else anything passes beside')
        return self


class ScreeningTable(ClosedTable):
    """`[screening]`: the stages before the model; without it only the memo runs."""

    memo: MemoTable = MemoTable()
    """The same text is judged once, and others like it have the same answer for a while."""
    near_duplicates: NearDuplicatesTable | None = None
    """A burst of almost equal messages shares a flag or a block."""
    lists: Annotated[list[ListTable], Field(max_length=32)] = []
    """What must act at once, before anybody is asked."""

    def terms(self, lists: tuple[ListTerms, ...]) -> ScreeningTerms:
        """`lists` are those that it names, read."""
        near = self.near_duplicates
        return ScreeningTerms(self.memo.terms(), near.terms() if near else None, lists)
