"""A filter and a decision endpoint on one topic: each is judged by what its own audits look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from consumer.domain.binding import Catalogue
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause
from consumer.screening.audited import AuditedStage, Filtered, Voice
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.filters import seen_min
from consumer.screening.inquiry import TextInquiry
from consumer.screening.memo import AskedText
from consumer.screening.watched import WatchedMessage, answered
from tests.builders import a_judgement
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.decision.stage import named as decision_named
from tests.unit.screening.test_filters import named, ready

FLAGGED = Judged((a_judgement("HH1"),))
RECALL = 0.9
PROMISED = 200.0
STREAMS = 60
MOST = 4_000
"""Positives of a stream; who has no alarm by then counts with so many."""


class HandStage(AuditedStage):
    """A stage that misses what it is told to miss."""

    def __init__(self, stage: Cause, terms: AuditTerms) -> None:
        super().__init__(stage, "v", stage.value, AuditDraw(b"s", 0.1, 0.3, 1.0), terms)

    @property
    def settled_share(self) -> float:
        return 0.5

    @property
    def recall_shown(self) -> float:
        return 0.9

    def unlike(self, spoken: Voice | None) -> str | None:
        return None

    async def look(self, text: str, language: str | None = None) -> Filtered:
        raise AssertionError(text)


async def positives_until_alarm(dice: Random, hides: float, recall: float = RECALL) -> int:
    """
    Until the filter's alarm, in what says something of it; 0.9 is demanded.

    Of what the filter lets pass, the endpoint settles the share `hides`.
    """
    terms = AuditTerms(RECALL, floor=0.1, run_length=PROMISED)
    filtering = HandStage(Cause.PREFILTER, replace(terms, seen_min=0.1))
    deciding = HandStage(Cause.DECISION, terms)
    said = 0

    async def post(note: AuditNote) -> None:
        nonlocal said
        said += note.artefact == filtering.digest
        filtering.watch.add(note)

    async def again() -> Judged:
        return FLAGGED

    for offset in range(MOST):
        seen = []
        for stage, share in ((filtering, 1 - recall), (deciding, hides)):
            found = Filtered("ask", 1.0, asked_for="score")
            if dice.random() < share:
                found = Filtered("audit" if dice.random() < 0.1 else "settle", 0.5, 0.1)
            if found.action == "settle":
                break
            seen.append(WatchedMessage(stage, found, f"t/0/{offset}", None, post))
            if found.action == "audit":
                await answered(seen, FLAGGED, again)
                break
        else:
            await answered(seen, FLAGGED, again)
        if not filtering.watch.is_on:
            break
    return said


@pytest.mark.parametrize("hides", [0.0, 0.5, 0.8])
async def test_an_endpoint_behind_it_raises_no_false_alarm_of_the_filter(hides: float) -> None:
    """What the endpoint settles hides positives that the filter had found, whatever their share."""
    runs = [await positives_until_alarm(Random(f"{hides} {n}"), hides) for n in range(STREAMS)]
    assert fmean(runs) >= PROMISED


async def test_a_filter_that_has_got_worse_is_seen_behind_an_endpoint_too() -> None:
    """Long before a false alarm would come."""
    runs = [await positives_until_alarm(Random(f"worse {n}"), 0.5, 0.6) for n in range(STREAMS)]
    assert fmean(runs) < PROMISED / 3


async def test_what_the_endpoint_settles_is_counted_by_the_filter_as_unseen() -> None:
    """Else its prevalence would be that of what reaches the model."""
    filtering = HandStage(Cause.PREFILTER, AuditTerms(RECALL))
    passed = Filtered("ask", 1.0, asked_for="score")

    async def settles() -> Judged:
        return Judged((), cause=Cause.DECISION, settled=Outcome.ALLOW)

    async def post(note: AuditNote) -> None:
        raise AssertionError(note)

    watched = WatchedMessage(filtering, passed, "t/0/1", "en", post)
    inquiry = TextInquiry(HandClock(), AskedText("d", "hello"), None, None, watched, decide=settles)
    assert await inquiry.elsewhere() is not None
    assert [(n.language, n.settled, n.negative) for n in filtering.take_counts()] == [("en", 1, 0)]


def test_a_later_stage_that_comes_or_goes_has_the_filter_read_its_notes_anew(
    tmp_path: Path,
) -> None:
    """Its stakes follow from what the later one looks at."""
    binding = named(tmp_path)
    filters = ready(binding)
    (before,) = filters.in_use()
    filters.prepare(Catalogue((binding,)))
    assert filters.in_use() == [before]
    prefilter = binding.screening.prefilter
    assert prefilter is not None
    (tmp_path / "decision").mkdir()
    decision = decision_named(tmp_path / "decision", floor=0.05).screening.decision
    both = replace(binding, screening=replace(binding.screening, decision=decision))
    filters.prepare(Catalogue((both,)))
    assert before not in filters.in_use()
    assert seen_min(both, Cause.PREFILTER) == 0.05
    assert seen_min(both, Cause.DECISION) == seen_min(binding, Cause.PREFILTER) == 1.0
