"""Printing: a case as lines for a person, and as fields of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.commands.dead_letters.letter import printable
from consumer.domain.counted import counted
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
        "context": message.get("context", []),
        "policy_version": envelope.get("policy_version"),
        "unjudged_reason": envelope.get("unjudged_reason"),
        "judgements": [_judgement(j, version, rationale) for j in envelope.get("judgements", [])],
        "reports": [_report(report) for report in case.reports],
        "reporters": case.reporters,
        "appeals": [
            {"id": a.id, "at": _time(a.at_ms), "by": a.by, "note": a.note}
            for a in case.open_appeals
        ],
        "decisions": [_decision(decision) for decision in case.decisions],
        "proposal": _decision(handling.proposal) if handling.proposal else None,
        "draft": None,
        "alike": [],
    }
    if isinstance(case.status, Concern):
        found = due(case, docket.terms.sla_s)
        fields["due_at"] = _time(found.at_ms)
        fields["due"] = lateness(found.at_ms, case.asked_ms, now_ms)
        fields["why"] = list(found.words)
    return fields


def docket_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person; nothing that anybody wrote is obeyed by the terminal."""
    yield f"case {fields['case']}  {fields['state']}  queue {fields['queue']}"
    yield f"  asked by  {fields['asked']}"
    if "due" in fields:
        yield f"  {fields['due']}"
        for why in fields["why"]:
            yield f"    {why}"
    if fields["claimed_by"]:
        yield f"  claimed by {fields['claimed_by']} until {fields['lease_until']}"
    elif fields["assigned_to"]:
        yield f"  assigned to {fields['assigned_to']}"
    if fields["note"]:
        yield f"  note      {_clean(fields['note'])}"
    yield from _message_lines(fields)
    yield from _group_lines(fields)
    yield from _asking_lines(fields)
    for decision in fields["decisions"]:
        yield f"  decided   {_decision_line(decision)}"
    if fields["proposal"]:
        yield f"  proposed  {_decision_line(fields['proposal'])}: needs a second person who agrees"
    if fields["draft"]:
        said = (f"{name} {_clean(word)}" for name, word in fields["draft"].items() if word)
        yield f"  draft     {', '.join(said)}: `decide` alone says it"


def _message_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """What was said, and how it was judged."""
    yield f"  message   {_clean(fields['message_id'])}  at {fields['position'] or 'nobody knows'}"
    if fields["author"]:
        yield f"  author    {_clean(fields['author'])}"
    for line in fields["context"]:
        yield f"    {_clean(line.get('speaker'))}: {_clean(line.get('text'))}"
    if fields["text"] is not None:
        yield f'  text      "{_clean(fields["text"])}"' + (" (cut)" if fields["text_cut"] else "")
    if fields.get("text_fault"):
        yield f"  text      not to be had: {_clean(fields['text_fault'])}"
    if fields["policy_version"]:
        yield f"  judged    under {fields['policy_version']}"
    for judgement in fields["judgements"]:
        yield f"    {judgement['policy']} {judgement['label']} ({judgement['outcome']})"
        for rule, words in judgement["rules"].items():
            yield f"      {rule}: {_clean(words)}"
        if judgement.get("rationale"):
            yield f"      {_clean(judgement['rationale'])}"


def _group_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """What is decided along with it, each wording once."""
    if not fields["alike"]:
        return
    yield f"  alike     {counted(len(fields['alike']), 'open case')}, decided with it (or --alone)"
    for words in dict.fromkeys(_clean(each["text"]) for each in fields["alike"]):
        if words != _clean(fields["text"]):
            yield f'    "{words}"'


def _asking_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """Who else asks, and what they say."""
    if fields["reporters"]:
        yield f"  reported by {fields['reporters']}"
        for report in fields["reports"]:
            yield f"    {report['at']} {_clean(report['reason'])} {_clean(report['note'])}".rstrip()
    for appeal in fields["appeals"]:
        yield f"  appeal    {appeal['at']} by {_clean(appeal['by'])}: {_clean(appeal['note'])}"


def _judgement(
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


def _report(report: Any) -> dict[str, Any]:
    return {
        "id": report.id,
        "at": _time(report.at_ms),
        "reporter": report.reporter,
        "reason": report.reason,
        "note": report.note,
    }


def _decision(decision: DecisionFact) -> dict[str, Any]:
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


def _decision_line(decision: Mapping[str, Any]) -> str:
    about = [decision["outcome"], decision["label"], decision["rule"]]
    people = decision["by"] + (f" and {decision['approved_by']}" if decision["approved_by"] else "")
    batch = f" (batch {decision['batch']})" if decision["batch"] else ""
    return f"{' '.join(filter(None, about))} by {people}: {_clean(decision['reason'])}{batch}"


def _time(at_ms: int) -> str:
    return rfc3339(max(0, at_ms))


def _clean(text: object) -> str:
    return printable(" ".join(str(text).split()).encode("utf-8", "backslashreplace"))
