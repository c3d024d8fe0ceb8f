"""Restriction: what was done to content, who or what found it, and who or what decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from consumer.domain.policy import Outcome
from consumer.domain.statement import (
    ARTICLE_16,
    CONTENT_SINCE,
    FULLY,
    NOT_AUTOMATED,
    OTHER_NOTIFICATION,
    PARTIALLY,
    TRUSTED_FLAGGER,
    UNTIL,
    VOLUNTARY,
    StatementTerms,
)
from consumer.domain.verdicts.verdict import Cause
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import DecisionFact, VerdictFact

NOT_BY_MACHINE = frozenset(
    {Cause.HUMAN, Cause.APPEAL, Cause.UNJUDGED, Cause.DELETED, Cause.OVERTAKEN}
)
"""Causes of verdicts that no machine came to by looking at what the content says."""


class Restriction(NamedTuple):
    """What was done to content, and how it came to that."""

    puid: str
    at_ms: int
    posted_ms: int
    label: str | None
    """`POLICY.LABEL`."""
    rule: str | None
    language: str | None
    source: str
    is_found_by_machine: bool
    automation: str


def decided_restriction(
    case: ReviewCase, decision: DecisionFact, terms: StatementTerms
) -> Restriction | None:
    """What a person's decision restricts; None where that is nothing, or needs no statement."""
    if not terms.wants(decision.outcome, decision.label):
        return None
    here = [v for v in case.verdicts if v.position == decision.position and v.envelope]
    first = here[0] if here else None
    reports = [report for report in case.reports if report.at_ms <= decision.at_ms]
    is_reported_first = bool(reports) and (first is None or reports[0].at_ms < first.at_ms)
    is_machine = first is not None and first.cause not in NOT_BY_MACHINE and not is_reported_first
    source = VOLUNTARY
    if is_reported_first:
        source = OTHER_NOTIFICATION
        if any(report.reason in terms.notice_reasons for report in reports):
            source = ARTICLE_16
        if any(report.reporter in terms.trusted_flaggers for report in reports):
            source = TRUSTED_FLAGGER
    language = first.envelope.get("message", {}).get("language") if first is not None else None
    return Restriction(
        puid=decision.verdict or decision.id,
        at_ms=decision.at_ms,
        posted_ms=_posted_ms(case, first),
        label=decision.label,
        rule=decision.rule,
        language=language,
        source=source,
        is_found_by_machine=is_machine,
        automation=automation_of(first, decision),
    )


def automation_of(flagged: VerdictFact | None, decision: DecisionFact) -> str:
    """Whether a machine helped a person to decide."""
    return PARTIALLY if _has_help(flagged, decision) else NOT_AUTOMATED


def _has_help(flagged: VerdictFact | None, decision: DecisionFact) -> bool:
    """Whether a machine proposed what was decided, or found the others of a batch."""
    if decision.batch is not None:
        return True
    if flagged is None or flagged.cause in NOT_BY_MACHINE or decision.label is None:
        return False
    judgements = flagged.envelope.get("judgements", [])
    return decision.label in {f"{each.get('policy')}.{each.get('label')}" for each in judgements}


def _posted_ms(case: ReviewCase, flagged: VerdictFact | None) -> int:
    """When its record was written; where that says nothing, when it was first told of."""
    written_ms = _written_ms(flagged.envelope) if flagged is not None else None
    if written_ms is not None:
        return written_ms
    told_ms = [v.at_ms for v in case.verdicts] + [r.at_ms for r in case.reports]
    told_ms += [a.at_ms for a in case.appeals] + [d.at_ms for d in case.decisions]
    return min(told_ms)


def verdict_restriction(
    verdict: VerdictFact, timestamp_ms: int, terms: StatementTerms
) -> Restriction | None:
    """
    What a worker's verdict restricts, which its record tells from `timestamp_ms` on.

    None where that is nothing, where a person's decision tells of it, or where none is wanted.
    """
    label, rule = blocked_for(verdict.envelope)
    # Nobody restricts what its author has taken away, or has given another text.
    is_told = verdict.cause in (Cause.HUMAN, Cause.APPEAL, Cause.DELETED, Cause.OVERTAKEN)
    if is_told or not terms.wants(verdict.outcome, label):
        return None
    # The model judged it once more because people had reported it.
    is_reported = verdict.supersedes is not None and verdict.cause == Cause.MODEL
    is_by_machine = verdict.cause not in NOT_BY_MACHINE and not is_reported
    return Restriction(
        puid=verdict.id,
        at_ms=verdict.at_ms,
        posted_ms=_written_ms(verdict.envelope) or timestamp_ms,
        label=label,
        rule=rule,
        language=verdict.envelope.get("message", {}).get("language"),
        source=OTHER_NOTIFICATION if is_reported else VOLUNTARY,
        is_found_by_machine=is_by_machine,
        automation=FULLY,
    )


def blocked_for(envelope: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The label that a verdict blocks for, and the rule."""
    for each in envelope.get("judgements", []):
        if each.get("outcome") == Outcome.BLOCK:
            return f"{each.get('policy')}.{each.get('label')}", next(
                iter(each.get("rules", [])), None
            )
    return None, None


def _written_ms(envelope: Mapping[str, Any]) -> int | None:
    """When the message's record was written, if that is a date that anybody believes."""
    told = envelope.get("position", {}).get("timestamp_ms")
    return told if isinstance(told, int) and CONTENT_SINCE <= day_of(told) <= UNTIL else None


def day_of(at_ms: int) -> date:
    """The day in UTC; what no calendar holds is far too early."""
    try:
        return datetime.fromtimestamp(at_ms / 1_000, UTC).date()
    except (OverflowError, ValueError, OSError):
        return date.min
