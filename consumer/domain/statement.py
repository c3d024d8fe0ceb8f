"""
What a statement of reasons may say: the words of the EU's transparency database, and a topic's own.

Source: the API documentation and the validator of digital-services-act/transparency-database,
attribute set in force since 2025-07-01. The words are irregular there, and stand here as they are
sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from consumer.domain.policy import Outcome

CATEGORY = "STATEMENT_CATEGORY_"
CATEGORIES = frozenset(
    CATEGORY + name
    for name in (
        "ANIMAL_WELFARE",
        "CONSUMER_INFORMATION",
        "CYBER_VIOLENCE",
        "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "ILLEGAL_OR_HARMFUL_SPEECH",
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "NOT_SPECIFIED_NOTICE",
        "OTHER_VIOLATION_TC",
        "PROTECTION_OF_MINORS",
        "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD",
        "SELF_HARM",
        "UNSAFE_AND_PROHIBITED_PRODUCTS",
        "VIOLENCE",
    )
)
VISIBILITIES = frozenset(
    {
        "DECISION_VISIBILITY_CONTENT_REMOVED",
        "DECISION_VISIBILITY_CONTENT_DISABLED",
        "DECISION_VISIBILITY_CONTENT_DEMOTED",
        "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
        "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED",
        "DECISION_VISIBILITY_CONTENT_LABELLED",
    }
)
CONTENT_TYPES = frozenset(
    f"CONTENT_TYPE_{name}"
    for name in ("APP", "AUDIO", "IMAGE", "PRODUCT", "SYNTHETIC_MEDIA", "TEXT", "VIDEO")
)
COUNTRIES = frozenset(
    (
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
        "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    )
)  # fmt: skip
"""Of the European Economic Area, as the database writes them."""

ARTICLE_16 = "SOURCE_ARTICLE_16"
TRUSTED_FLAGGER = "SOURCE_TRUSTED_FLAGGER"
VOLUNTARY = "SOURCE_VOLUNTARY"
OTHER_NOTIFICATION = "SOURCE_TYPE_OTHER_NOTIFICATION"

FULLY = "AUTOMATED_DECISION_FULLY"
PARTIALLY = "AUTOMATED_DECISION_PARTIALLY"
NOT_AUTOMATED = "AUTOMATED_DECISION_NOT_AUTOMATED"

CONTENT_SINCE, APPLIED_SINCE, UNTIL = date(2000, 1, 1), date(2020, 1, 1), date(2038, 1, 1)
"""Dates outside are refused there."""


@dataclass(frozen=True, slots=True)
class StatementTerms:
    """What a topic says of its restrictions, from `[review.statements]`."""

    topic: str | None = None
    """Where statements go, with `{topic}` for the input; None is nowhere: they are only listed."""
    category: str = CATEGORY + "OTHER_VIOLATION_TC"
    """Of a label that is not in `categories`."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """`POLICY.LABEL` -> category."""
    illegal: Mapping[str, str] = field(default_factory=dict)
    """`POLICY.LABEL` -> the law that such content breaks; others break the terms of service."""
    exempt: frozenset[str] = frozenset()
    """Labels of deceptive high-volume commercial content, of which Article 17(2) wants none."""
    visibility: str = "DECISION_VISIBILITY_CONTENT_REMOVED"
    content_type: str = "CONTENT_TYPE_TEXT"
    url: str | None = None
    """Where the terms of service are."""
    territory: tuple[str, ...] = ()
    notice_reasons: frozenset[str] = frozenset()
    """Reports with one of these reasons are notices of illegal content under Article 16."""
    trusted_flaggers: frozenset[str] = frozenset()
    """Reporters with this standing under Article 22."""

    def wants(self, outcome: str, label: str | None) -> bool:
        """Whether an outcome is a restriction that needs a statement."""
        return outcome == Outcome.BLOCK and label not in self.exempt
