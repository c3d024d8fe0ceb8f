"""Statements of reasons: what the database takes, and nothing about anybody."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from consumer.domain.statement import CATEGORIES, FULLY, NOT_AUTOMATED, PARTIALLY, StatementTerms
from consumer.review.records.restriction import Restriction, decided_restriction
from consumer.review.records.statement import StatementRecord, encode_statement, statement_of
from tests.builders import a_policy, a_version
from tests.cases import NOW_MS, a_case, a_decision, a_report, a_verdict_fact

TERMS = StatementTerms(
    categories={"harassment.HH2": "STATEMENT_CATEGORY_CYBER_VIOLENCE"},
    illegal={"harassment.HH1": "§ 185 StGB"},
    url="https://chat.example/terms",
    territory=("AT", "DE"),
)


def restriction(**changes: Any) -> Restriction:
    fields: dict[str, Any] = {
        "puid": "0f3a",
        "at_ms": NOW_MS,
        "posted_ms": NOW_MS - 86_400_000,
        "label": "harassment.HH2",
        "rule": "HH2.a",
        "language": "de-AT",
        "source": "SOURCE_VOLUNTARY",
        "is_found_by_machine": True,
        "automation": PARTIALLY,
    }
    return Restriction(**(fields | changes))


def said(terms: StatementTerms = TERMS, **changes: Any) -> dict[str, Any]:
    value, headers = encode_statement(statement_of(restriction(**changes), a_version(), terms))
    found: dict[str, Any] = orjson.loads(value)
    assert dict(headers)["safeguard-statement-id"] == found["puid"].encode()
    return found


def test_a_statement_has_the_databases_attributes() -> None:
    """Its words as they are there, irregular as they are; what is not known is left out."""
    found = said()
    facts = found.pop("decision_facts")
    assert found == {
        "puid": "0f3a",
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "decision_ground_reference_url": "https://chat.example/terms",
        "incompatible_content_ground": "Harassment (chat.messages@v1)",
        "incompatible_content_explanation": "The content breaks rule HH2.a: insult",
        "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE",
        "content_type": ["CONTENT_TYPE_TEXT"],
        "content_date": "2025-12-31",
        "application_date": "2026-01-01",
        "content_language": "DE",
        "territorial_scope": ["AT", "DE"],
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_PARTIALLY",
    }
    assert facts == (
        "It was looked at on our own initiative. A machine that applies the policy found it. "
        "A person decided with the help of a machine. The content breaks rule HH2.a: insult"
    )


def test_illegal_content_rests_on_a_law_and_on_no_terms() -> None:
    found = said(label="harassment.HH1", rule=None)
    assert found["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert found["illegal_content_legal_ground"] == "§ 185 StGB"
    assert "Harassment does not allow" in found["illegal_content_explanation"]
    assert not [name for name in found if name.startswith("incompatible")]
    assert found["category"] == "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"


@pytest.mark.parametrize(
    ("is_machine", "automation", "detection", "words"),
    [
        (True, FULLY, "Yes", "A machine compared it with the policy and decided."),
        (True, NOT_AUTOMATED, "Yes", "A person decided."),
        (False, NOT_AUTOMATED, "No", "A person decided."),
        (False, PARTIALLY, "No", "A person decided with the help of a machine."),
    ],
)
def test_automation_is_told_as_it_was_and_never_the_other_way_round(
    is_machine: bool, automation: str, detection: str, words: str
) -> None:
    """One large platform sent the detection inverted for more than two years."""
    found = said(is_found_by_machine=is_machine, automation=automation)
    assert (found["automated_detection"], found["automated_decision"]) == (detection, automation)
    assert words in found["decision_facts"]
    assert ("A machine that applies" in found["decision_facts"]) is is_machine


def test_nothing_that_anybody_wrote_is_in_a_statement() -> None:
    """Neither of the message, nor of author, reporter, reviewer, model, or their names."""
    secret = "SECRET"
    envelope = {
        "policy_version": "chat.messages@v1",
        "position": {"timestamp_ms": NOW_MS},
        "message": {"id": secret, "text": secret, "author": secret, "conversation": secret},
        "judgements": [
            {
                "policy": "harassment",
                "label": "HH2",
                "outcome": "block",
                "rules": ["HH2.a"],
                "rationale": secret,
                "reasoning": secret,
            }
        ],
    }
    facts = (
        a_verdict_fact(envelope=envelope, key=secret),
        a_report(reporter=secret, reason=secret, note=secret, at_ms=NOW_MS - 9),
    )
    made = a_decision(by=secret, approved_by=secret, reason=secret, label="harassment.HH2")
    found = decided_restriction(a_case(*facts, made), made, TERMS)
    assert found is not None
    for version in (a_version(), None):
        value, _ = encode_statement(statement_of(found, version, TERMS))
        assert secret.encode() not in value
        assert b"m-1" not in value


def test_a_rule_without_a_label_and_a_version_that_is_gone_have_words_too() -> None:
    assert "breaks rule HH2.b: threat" in said(label=None, rule="HH2.b")["decision_facts"]
    found = statement_of(restriction(), None, TERMS)
    assert found.incompatible_content_ground == "The rules of the service"
    assert "rules of the service do not allow" in (found.incompatible_content_explanation or "")


def test_long_words_of_a_policy_are_cut_to_what_the_database_takes() -> None:
    policy = a_policy(title="T" * 600, rules={"HH2.a": "r" * 6_000})
    found = statement_of(restriction(), a_version(policy), TERMS)
    assert len(found.incompatible_content_ground or "") == 500
    assert len(found.incompatible_content_explanation or "") == 2_000
    assert len(found.decision_facts) <= 5_000


@pytest.mark.parametrize("language", [None, "", "d", "german", "1x"])
def test_a_language_that_is_no_code_is_left_out(language: str | None) -> None:
    assert "content_language" not in said(language=language)
    assert said(language="pt_BR")["content_language"] == "PT"


FIRST_MS, LAST_MS = 946_684_800_000, 2_145_916_800_000
APPLIED_MS = 1_577_836_800_000


@pytest.mark.parametrize(
    "changes",
    [
        {"posted_ms": FIRST_MS - 1},
        {"posted_ms": LAST_MS + 86_400_000},
        {"at_ms": APPLIED_MS - 1},
        {"at_ms": LAST_MS + 86_400_000},
        {"posted_ms": 10**18},
        {"puid": "a b"},
        {"puid": ""},
        {"puid": "a\n"},
        {"puid": "a" * 501},
    ],
)
def test_what_the_database_would_refuse_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        statement_of(restriction(**changes), a_version(), TERMS)


def test_dates_at_their_bounds_are_taken() -> None:
    found = statement_of(restriction(posted_ms=FIRST_MS, at_ms=APPLIED_MS), None, TERMS)
    assert (found.content_date, found.application_date) == (date(2000, 1, 1), date(2020, 1, 1))
    statement_of(restriction(posted_ms=LAST_MS, at_ms=LAST_MS), None, TERMS)


def test_a_ground_needs_its_own_explanation() -> None:
    fields = statement_of(restriction(), a_version(), TERMS).model_dump()
    wrong: list[dict[str, Any]] = [
        {"incompatible_content_explanation": None},
        {"illegal_content_legal_ground": "a law"},
        {"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"},
        {"decision_visibility": []},
        {"category": "STATEMENT_CATEGORY_PORNOGRAPHY_OR_SEXUALIZED_CONTENT"},
        {"decision_facts": ""},
        {"decision_facts": "x" * 5_001},
        {"source_type": "SOURCE_OTHER_NOTIFICATION"},
        {"automated_decision": "AUTOMATED_DECISION_YES"},
        {"automated_detection": True},
        {"territorial_scope": ["US"]},
        {"source_identity": "somebody"},
    ]
    for changes in wrong:
        with pytest.raises(ValidationError):
            StatementRecord.model_validate(fields | changes)
    StatementRecord.model_validate(fields)


def test_the_categories_are_those_in_force() -> None:
    """Those that the database dropped in July 2025 are gone."""
    assert len(CATEGORIES) == 16
    for gone in ("NON_CONSENSUAL_BEHAVIOUR", "SCOPE_OF_PLATFORM_SERVICE"):
        assert f"STATEMENT_CATEGORY_{gone}" not in CATEGORIES
