"""Positives of a simulated stream under a filter, audited as the terms say."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from consumer.screening.audits.evidence import Evidence
from consumer.screening.audits.forecast import Stream
from consumer.screening.audits.terms import AuditTerms

JUDGED = Evidence(False, 1.0, True)
"""A positive that the filter let through to the model."""


def positives(terms: AuditTerms, stream: Stream, dice: Random) -> Iterator[Evidence | None]:
    """For ever: what each next positive says; None of one that was settled and not audited."""
    near = Evidence(True, terms.near, True)
    far = Evidence(True, terms.floor, True)
    while True:
        if dice.random() < stream.recall:
            yield JUDGED
        elif dice.random() < stream.near_of_missed:
            yield near if dice.random() < terms.near else None
        else:
            yield far if dice.random() < terms.floor else None
