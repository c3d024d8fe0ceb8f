"""Account: a case as plain fields, the same for JSON, a terminal and a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consumer.domain.policy import PolicyVersion
from consumer.domain.verdicts.headers import rfc3339
from consumer.review.cases.case import Concern
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.risk import due, lateness


def docket_fields(
    docket: Docket, version: PolicyVersion | None, now_ms: int, *, rationale: bool
) -> dict[str, Any]:
    """Everything that a reviewer needs; what the model thought only where it was asked for."""
    case, handling = docket.case, docket.handling
    envelope = case.flagged.envelope if case.flagged is not None else {}
    message = envelope.get("message", {})
    fields: dict[str, Any] = {
        "case": case.id,
        "topic": case.topic,
        "message_id": case.message_id,
        "position": case.version,
        "state": docket.state(now_ms),
        "asked": str(case.status),
        "queue": docket.queue,
        "revision": docket.revision,
        "assigned_to": handling.assigned_to,
        "note": handling.note,
        "claimed_by": docket.claimant(now_ms),
        "lease_until": _time(handling.lease_until_ms) if docket.claimant(now_ms) else None,
        "text": message.get("text"),
        "text_cut": message.get("text_cut", False),
        "author": message.get("author"),
        "conversation": message.get("conversation"),
        "language": message.get("language"),
        "context": message.get("context", []),
        "policy_version": envelope.get("policy_version"),
        "unjudged_reason": envelope.get("unjudged_reason"),
        "judgements": [
            judgement_fields(j, version, rationale) for j in envelope.get("judgements", [])
        ],
        "reports": [report_fields(report) for report in case.reports],
        "reporters": case.reporters,
        "appeals": [
            {"id": a.id, "at": _time(a.at_ms), "by": a.by, "note": a.note}
            for a in case.open_appeals
        ],
        "decisions": [decision_fields(decision) for decision in case.decisions],
        "proposal": decision_fields(handling.proposal) if handling.proposal else None,
        "draft": None,
        "alike": [],
        "decided_with": [],
        "shared_from": None,
    }
    if isinstance(case.status, Concern):
        found = due(case, docket.terms.sla_s)
        fields["due_at"] = _time(found.at_ms)
        fields["due"] = lateness(found.at_ms, case.asked_ms, now_ms)
        fields["why"] = list(found.words)
    return fields


def judgement_fields(
    judgement: Mapping[str, Any], version: PolicyVersion | None, rationale: bool
) -> dict[str, Any]:
    policies = {policy.name: policy for policy in version.policies} if version else {}
    policy = policies.get(str(judgement.get("policy")))
    known = policy.rules if policy is not None else {}
    shown = ("policy", "label", "outcome", "confidence", "certainty", "second_look")
    fields = {name: judgement[name] for name in shown if name in judgement}
    fields["rules"] = {rule: known.get(rule, "") for rule in judgement.get("rules", [])}
    if rationale:
        fields["rationale"] = judgement.get("rationale")
        fields["reasoning"] = judgement.get("reasoning")
    return fields


def report_fields(report: Any) -> dict[str, Any]:
    return {
        "id": report.id,
        "at": _time(report.at_ms),
        "reporter": report.reporter,
        "reason": report.reason,
        "note": report.note,
    }


def decision_fields(decision: DecisionFact) -> dict[str, Any]:
    return {
        "id": decision.id,
        "at": _time(decision.at_ms),
        "by": decision.by,
        "approved_by": decision.approved_by,
        "outcome": decision.outcome,
        "label": decision.label,
        "rule": decision.rule,
        "reason": decision.reason,
        "cause": decision.cause,
        "batch": decision.batch,
    }


def _time(at_ms: int) -> str:
    return rfc3339(max(0, at_ms))
