"""What a learned filter has to say of a record, from nothing but its text and its position."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from consumer.domain.messages.message import Message, Position
from consumer.domain.screening import FilterTerms
from consumer.domain.verdicts.headers import PROBABILITY
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.filtering import Filtering, open_filtering
from consumer.screening.prefilter.artefact import read_artefact


def fresh_filtering(terms: FilterTerms) -> Filtering:
    """The filter that a topic names, in nobody's hands: it is on and knows no note."""
    file = Path(terms.file)
    demanded = AuditTerms(
        terms.recall, terms.alpha, terms.floor, terms.near, run_length=terms.run_length
    )
    filtering = open_filtering(read_artefact(file), file, Path(terms.salt_file), demanded)
    filtering.barred = filtering.unread = None
    return filtering


def misdrawn(
    filtering: Filtering,
    headers: Mapping[str, bytes | None],
    text: str,
    source: str,
    at: Position,
) -> str | None:
    """
    What is wrong with a verdict: whoever judged the record, and however often, settled or audited.

    None where the filter says the same, or where the verdict does not speak of a filter: it may
    have been off. `source` is the id of the record's topic.
    """
    cause, outcome = headers.get("safeguard-cause"), headers.get("safeguard-outcome")
    if headers.get(PROBABILITY) is None and cause != b"prefilter":
        return None
    (said,) = filtering.decide([Message(at, 0, text, str(at))], source)
    wanted = ("settle", b"allow") if cause == b"prefilter" else ("audit", outcome)
    if (said.action, outcome) == wanted:
        return None
    return f"{at}: {cause!r} and {outcome!r}, where the filter says {said.action}"
