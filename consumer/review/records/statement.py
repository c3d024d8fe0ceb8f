"""
Statements of reasons: what Article 17 DSA has a platform say of each restriction. Pure.

They follow from the verdict, the decision and the policy. What anybody wrote, be it user or
reviewer, and whom it is about is in none of them: Article 24(5) wants no personal data.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consumer.domain.messages.message import Headers
from consumer.domain.policy import Policy, PolicyVersion
from consumer.domain.statement import (
    APPLIED_SINCE,
    ARTICLE_16,
    CATEGORIES,
    CONTENT_SINCE,
    CONTENT_TYPES,
    COUNTRIES,
    FULLY,
    NOT_AUTOMATED,
    OTHER_NOTIFICATION,
    PARTIALLY,
    TRUSTED_FLAGGER,
    UNTIL,
    VISIBILITIES,
    VOLUNTARY,
    StatementTerms,
)
from consumer.review.records.restriction import Restriction, day_of

STATEMENT_ID = "safeguard-statement-id"
ILLEGAL: Literal["DECISION_GROUND_ILLEGAL_CONTENT"] = "DECISION_GROUND_ILLEGAL_CONTENT"
INCOMPATIBLE: Literal["DECISION_GROUND_INCOMPATIBLE_CONTENT"] = (
    "DECISION_GROUND_INCOMPATIBLE_CONTENT"
)
_LANGUAGE = re.compile(r"^([A-Za-z]{2})(?:[-_]|$)")


def _among(known: frozenset[str]) -> Any:
    return Field(pattern="^(" + "|".join(sorted(known)) + ")$")


class StatementRecord(BaseModel):
    """One statement, with the attributes and limits of the EU's transparency database."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    puid: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,500}$")]
    """Unique on the platform: the id of the verdict, or of the decision where there is none."""
    decision_visibility: Annotated[list[Annotated[str, _among(VISIBILITIES)]], Field(min_length=1)]
    decision_ground: Literal[
        "DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    ]
    decision_ground_reference_url: Annotated[str, Field(max_length=500)] | None = None
    illegal_content_legal_ground: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    illegal_content_explanation: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    incompatible_content_ground: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    incompatible_content_explanation: (
        Annotated[str, Field(min_length=1, max_length=2000)] | None
    ) = None
    category: Annotated[str, _among(CATEGORIES)]
    content_type: Annotated[list[Annotated[str, _among(CONTENT_TYPES)]], Field(min_length=1)]
    content_date: Annotated[date, Field(ge=CONTENT_SINCE, le=UNTIL)]
    """When it was posted, as far as its record says."""
    application_date: Annotated[date, Field(ge=APPLIED_SINCE, le=UNTIL)]
    """When it was restricted."""
    content_language: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    territorial_scope: list[Annotated[str, _among(COUNTRIES)]] | None = None
    decision_facts: Annotated[str, Field(min_length=1, max_length=5000)]
    """What led to it, in words of the policy alone."""
    source_type: Literal[
        "SOURCE_ARTICLE_16",
        "SOURCE_TRUSTED_FLAGGER",
        "SOURCE_TYPE_OTHER_NOTIFICATION",
        "SOURCE_VOLUNTARY",
    ]
    automated_detection: Literal["Yes", "No"]
    """Whether a machine found it."""
    automated_decision: Literal[
        "AUTOMATED_DECISION_FULLY",
        "AUTOMATED_DECISION_PARTIALLY",
        "AUTOMATED_DECISION_NOT_AUTOMATED",
    ]
    """Whether a machine decided, a person agreed with one, or a person decided otherwise."""

    @model_validator(mode="after")
    def _ground_is_told(self) -> Self:
        illegal = (self.illegal_content_legal_ground, self.illegal_content_explanation)
        terms = (self.incompatible_content_ground, self.incompatible_content_explanation)
        needed, other = (illegal, terms) if self.decision_ground == ILLEGAL else (terms, illegal)
        if None in needed or any(other):
            raise ValueError("the ground that is named has to be explained, and no other one")
        return self


def encode_statement(found: StatementRecord) -> tuple[bytes, Headers]:
    """Value and headers of its record; the value is what the database takes, no more."""
    headers: Headers = (
        (STATEMENT_ID, found.puid.encode()),
        ("content-type", b"application/json"),
    )
    return found.model_dump_json(exclude_none=True).encode(), headers


def statement_of(
    found: Restriction, version: PolicyVersion | None, terms: StatementTerms
) -> StatementRecord:
    """
    The statement of a restriction.

    Raises:
        ValidationError: the database would refuse it.
    """
    label = found.label or ""
    law = terms.illegal.get(label)
    ground = _ground(_policy(found.label, found.rule, version), version)
    explanation = explained(found.label, found.rule, version)
    language = _LANGUAGE.match(found.language or "")
    return StatementRecord(
        puid=found.puid,
        decision_visibility=[terms.visibility],
        decision_ground=INCOMPATIBLE if law is None else ILLEGAL,
        decision_ground_reference_url=terms.url,
        illegal_content_legal_ground=law,
        illegal_content_explanation=None if law is None else explanation,
        incompatible_content_ground=ground if law is None else None,
        incompatible_content_explanation=explanation if law is None else None,
        category=terms.categories.get(label, terms.category),
        content_type=[terms.content_type],
        content_date=day_of(found.posted_ms),
        application_date=day_of(found.at_ms),
        content_language=language[1].upper() if language else None,
        territorial_scope=list(terms.territory) or None,
        decision_facts=_facts(found, explanation),
        source_type=found.source,  # type: ignore[arg-type]
        automated_detection="Yes" if found.is_found_by_machine else "No",
        automated_decision=found.automation,  # type: ignore[arg-type]
    )


def _policy(label: str | None, rule: str | None, version: PolicyVersion | None) -> Policy | None:
    policies = version.policies if version is not None else ()
    name = (label or "").partition(".")[0]
    by_name = (policy for policy in policies if policy.name == name)
    by_rule = (policy for policy in policies if rule in policy.rules)
    return next(by_name, None) or next(by_rule, None)


def _ground(policy: Policy | None, version: PolicyVersion | None) -> str:
    title = policy.title if policy is not None else "The rules of the service"
    return (f"{title} ({version.id})" if version is not None else title)[:500]


def explained(label: str | None, rule: str | None, version: PolicyVersion | None) -> str:
    """Why content is restricted: the rule that it breaks, and no more of a policy."""
    policy = _policy(label, rule, version)
    words = policy.rules.get(rule or "") if policy is not None else None
    if words:
        return f"The content breaks rule {rule}: {words}"[:2000]
    if policy is not None:
        return f"The content is of a kind that {policy.title} does not allow."[:2000]
    return "The content is of a kind that the rules of the service do not allow."


_FOUND = {
    VOLUNTARY: "It was looked at on our own initiative.",
    OTHER_NOTIFICATION: "It was reported by somebody.",
    ARTICLE_16: "It was reported in a notice of illegal content.",
    TRUSTED_FLAGGER: "It was reported by a trusted flagger.",
}
DECIDED = {
    FULLY: "A machine compared it with the policy and decided.",
    PARTIALLY: "A person decided with the help of a machine.",
    NOT_AUTOMATED: "A person decided.",
}


def _facts(found: Restriction, explanation: str) -> str:
    """Nothing in it is from the message, its author, a reporter, a reviewer or the model."""
    parts = [_FOUND[found.source]]
    if found.is_found_by_machine:
        parts.append("A machine that applies the policy found it.")
    parts.append(DECIDED[found.automation])
    parts.append(explanation)
    return " ".join(parts)
