"""`[review.statements]`: what the topic's restrictions are called under EU law."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from consumer.domain.statement import (
    CATEGORIES,
    CATEGORY,
    CONTENT_TYPES,
    COUNTRIES,
    VISIBILITIES,
    StatementTerms,
)
from consumer.registry.topic.table import ClosedTable, OwnName
from consumer.registry.wording import shape


def _category(text: str) -> str:
    name = CATEGORY + text.removeprefix(CATEGORY)
    if name not in CATEGORIES:
        known = ", ".join(sorted(each.removeprefix(CATEGORY) for each in CATEGORIES))
        raise ValueError(f"the transparency database has no category {text}: there are {known}")
    return name


def _one_of(known: frozenset[str], prefix: str) -> AfterValidator:
    def check(text: str) -> str:
        if prefix + text not in known:
            names = ", ".join(sorted(each.removeprefix(prefix) for each in known))
            raise ValueError(f"{text}: write one of {names}")
        return prefix + text

    return AfterValidator(check)


CategoryName = Annotated[str, AfterValidator(_category)]
LabelName = Annotated[str, Field(pattern=shape(r"^[^.]+\..+$", "must be POLICY.LABEL"))]


class StatementsTable(ClosedTable):
    """`[review.statements]`: statements of reasons (Article 17 DSA) for what is blocked."""

    topic: OwnName | None = None
    """Topic that they are written to, as in `{topic}.statements`; without it they are listed."""
    category: CategoryName = "OTHER_VIOLATION_TC"
    """The database's category of what `categories` says nothing of."""
    categories: dict[LabelName, CategoryName] = {}
    """The category of each label, as in `"spam.SP2" = "SCAMS_AND_FRAUD"`."""
    illegal: dict[LabelName, Annotated[str, Field(min_length=1, max_length=500)]] = {}
    """The law that content of a label breaks; what is not here breaks the terms of service."""
    exempt: list[LabelName] = []
    """Labels of deceptive high-volume advertising: Article 17(2) wants no statement of it."""
    visibility: Annotated[str, _one_of(VISIBILITIES, "DECISION_VISIBILITY_CONTENT_")] = "REMOVED"
    """What a block does to the content."""
    content_type: Annotated[str, _one_of(CONTENT_TYPES, "CONTENT_TYPE_")] = "TEXT"
    """What the content is."""
    url: Annotated[
        str | None, Field(max_length=500, pattern=shape(r"^https?://\S+$", "must be a URL"))
    ] = None
    """Where the terms of service can be read."""
    territory: list[Annotated[str, _one_of(COUNTRIES, "")]] = []
    """Countries of the European Economic Area that the block holds in; none is no matter where."""
    notice_reasons: list[str] = []
    """Reasons of reports that are notices of illegal content under Article 16."""
    trusted_flaggers: list[str] = []
    """Reporters who are trusted flaggers under Article 22."""

    def terms(self) -> StatementTerms:
        return StatementTerms(
            topic=self.topic,
            category=_category(self.category),
            categories=self.categories,
            illegal=self.illegal,
            exempt=frozenset(self.exempt),
            visibility=_whole(self.visibility, "DECISION_VISIBILITY_CONTENT_"),
            content_type=_whole(self.content_type, "CONTENT_TYPE_"),
            url=self.url,
            territory=tuple(sorted(set(self.territory))),
            notice_reasons=frozenset(self.notice_reasons),
            trusted_flaggers=frozenset(self.trusted_flaggers),
        )


def _whole(text: str, prefix: str) -> str:
    """Defaults are not validated, and stand as people write them."""
    return text if text.startswith(prefix) else prefix + text
