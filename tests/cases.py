"""Facts about messages under review, for tests: valid by default."""

from __future__ import annotations

from typing import Any

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import (
    About,
    AppealFact,
    DecisionFact,
    ReportFact,
    ReviewFact,
    VerdictFact,
    case_id,
)
from consumer.review.cases.ruling import Settled

TOPIC = "chat.messages"
NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
ALLOW = Settled(Outcome.ALLOW, None, None, "harmless in context")
BLOCK = Settled(Outcome.BLOCK, "harassment.HH2", "HH2.a", "an insult")


def a_verdict_fact(id: str = "v1", **changes: Any) -> VerdictFact:
    """Flagged by the model."""
    fields: dict[str, Any] = {
        "at_ms": NOW_MS,
        "position": f"{TOPIC}/1/7",
        "outcome": "flag",
        "cause": "model",
        "key": "cm9vbS0x",
        "envelope": {
            "id": id,
            "policy_version": f"{TOPIC}@v1",
            "message": {"id": "m-1", "text": "you are rude", "author": "u-1"},
            "judgements": [],
        },
    }
    return VerdictFact(id, **(fields | changes))


def a_superseding(id: str = "v2", supersedes: str = "v1", **changes: Any) -> VerdictFact:
    """As it lies on the allow topic, of which only the headers are read."""
    fields: dict[str, Any] = {
        "supersedes": supersedes,
        "outcome": "allow",
        "cause": "replay",
        "at_ms": NOW_MS + 1_000,
        "envelope": {},
    }
    return a_verdict_fact(id, **(fields | changes))


def a_report(id: str = "r1", **changes: Any) -> ReportFact:
    fields: dict[str, Any] = {
        "at_ms": NOW_MS + 2_000,
        "reporter": f"by-{id}",
        "reason": "harassment",
        "position": f"{TOPIC}/1/7",
        "verdict": "v1",
    }
    return ReportFact(id, **(fields | changes))


def an_appeal(id: str = "a1", **changes: Any) -> AppealFact:
    fields: dict[str, Any] = {"at_ms": NOW_MS + HOUR_MS, "by": "u-1", "note": "it was a joke"}
    return AppealFact(id, **(fields | changes))


def a_decision(id: str = "d1", **changes: Any) -> DecisionFact:
    fields: dict[str, Any] = {
        "at_ms": NOW_MS + HOUR_MS // 2,
        "by": "ann",
        "outcome": "block",
        "reason": "an insult",
        "position": f"{TOPIC}/1/7",
        "supersedes": "v1",
        "verdict": "v9",
    }
    return DecisionFact(id, **(fields | changes))


def about(fact: ReviewFact, message_id: str = "m-1", topic: str = TOPIC) -> About:
    return About(topic, message_id, fact)


def a_case(*facts: ReviewFact) -> ReviewCase:
    """The case of one message with these facts."""
    case = ReviewCase(case_id(TOPIC, "m-1"), TOPIC, "m-1")
    for fact in facts:
        case = case.with_fact(fact)
    return case


def a_docket(*facts: ReviewFact, **terms: Any) -> Docket:
    return Docket(a_case(*facts), ReviewTerms(**terms), revision=len(facts))
