"""Facts: what an artefact says of itself, as fields and as lines. Pure."""

from __future__ import annotations

import math

from consumer.screening.audits.forecast import Stream, messages_to_alarm, messages_to_certify
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.prefilter.artefact import FilterArtefact

FALLEN_BY = 0.05
"""A fall of the recall of which it is said how soon the alarm sees it."""


def facts_of(artefact: FilterArtefact) -> dict[str, object]:
    """All of the head, its digest, and how soon audits would show anything."""
    head = artefact.head
    return {
        "digest": artefact.digest,
        "has_evidence": head.has_evidence,
        **head.model_dump(),
        **{name: None if math.isinf(value) else value for name, value in soon(artefact).items()},
    }


def soon(artefact: FilterArtefact) -> dict[str, float]:
    """In messages, at the prevalence seen and with audits as they are by default."""
    head = artefact.head
    count = head.certified.positives + head.certified.negatives
    prevalence = head.certified.positives / count if count else 0.0
    terms = AuditTerms(recall=head.recall, alpha=head.alpha)
    fallen = Stream(prevalence, max(0.0, head.recall - FALLEN_BY))
    return {
        "messages_to_certify_anew": messages_to_certify(
            terms, Stream(prevalence, head.shown.recall)
        ),
        "messages_to_alarm": messages_to_alarm(terms, fallen),
    }


def lines_of(artefact: FilterArtefact) -> list[str]:
    """For a person."""
    head, shown = artefact.head, artefact.head.shown
    needed = soon(artefact)
    return [
        f"filter {artefact.digest} for {head.version}, model {head.model}, made {head.made_at}",
        f"learned from {head.learned.positives} positives and {head.learned.negatives} others; "
        f"certified with {head.certified.positives} and {head.certified.negatives}",
        f"recall {head.recall:g} was demanded and {shown.low:.4f} shown with confidence "
        f"{1 - head.alpha:g}: {shown.missed} of {shown.positives} positives missed, "
        f"recall {shown.recall:.4f} against the model's answers",
        f"{shown.settled:.1%} of messages would not reach the model (threshold "
        f"{head.threshold:.4f})",
        f"audits certify anew after {_count(needed['messages_to_certify_anew'])}, and a fall by "
        f"{FALLEN_BY:g} raises the alarm after {_count(needed['messages_to_alarm'])}",
    ]


def _count(messages: float) -> str:
    return "no number of messages" if math.isinf(messages) else f"about {messages:,.0f} messages"
