"""A decision stage made by hand, over an endpoint that says what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.screening import FilterTerms, ScreeningTerms
from consumer.interfaces import Probabilities
from consumer.screening.decision.artefact import (
    DecisionArtefact,
    DecisionHead,
    Survival,
    made,
    write_decision,
)
from consumer.screening.decision.statements import statements_of
from consumer.screening.filters import Filters
from consumer.screening.prefilter.head import Counts, RecallShown
from tests.builders import a_binding
from tests.salt import SALT
from tests.unit.screening.test_filters import post

LIVE = a_binding().live
SHOWN = RecallShown(positives=60, missed=0, recall=1.0, low=0.951, settled=0.5)


class HandDecider:
    """An endpoint in memory."""

    def __init__(self, say: Callable[[str], Probabilities | str] | None = None) -> None:
        self.say = say or (lambda text: Probabilities((0.01,), "d"))
        self.model = "d"
        self.wire: str | None = "decisions"
        self.off: str | None = None
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def ask(self, text: str, statements: Sequence[str]) -> Probabilities | str:
        self.asked.append((text, tuple(statements)))
        return self.say(text)


def by_hand(**changes: Any) -> DecisionArtefact:
    """Thresholds for the live version, with all the evidence there must be."""
    statements = statements_of(LIVE)
    fields: dict[str, Any] = {
        "made_at": "2026-11-30T00:00:00Z",
        "version": LIVE.id,
        "version_digest": LIVE.digest,
        "model": "d",
        "answered_by": "d",
        "wire": "decisions",
        "statements": statements,
        "thresholds": dict.fromkeys(statements, 0.4),
        "near_from": 0.9,
        "fitted": Counts(positives=60, negatives=60),
        "certified": Counts(positives=60, negatives=60),
        "recall": 0.95,
        "alpha": 0.05,
        "shown": SHOWN,
        "survival": Survival(texts=100, flips={"order": 1}),
        "flips_max": 0.1,
    }
    return made(DecisionHead(**(fields | changes)))


def named(folder: Path, artefact: DecisionArtefact | None = None, **terms: Any) -> Binding:
    """A binding that names these thresholds."""
    artefact = artefact or by_hand()
    file, salt = folder / "d", folder / "salt"
    write_decision(file, artefact)
    salt.write_bytes(SALT)
    fields = {"recall": 0.95, "near": 0.5} | terms
    demanded = FilterTerms(str(file), artefact.digest, str(salt), **fields)
    return a_binding(screening=ScreeningTerms(memo=None, decision=demanded))


def ready(decider: HandDecider | None, *bindings: Binding) -> Filters:
    """All that a stage waits for has come."""
    filters = Filters(decider)
    filters.post = post
    filters.prepare(Catalogue(bindings))
    filters.heed_voice(["m1"], lambda _: "t1")
    filters.heed_notes(filters.in_use(), None)
    return filters
