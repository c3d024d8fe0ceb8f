"""
Peeking: whether certificate and alarm keep what they promise when they are read after every audit.

Simulated: the filter's true recall is known, and positives come at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from random import Random
from statistics import fmean, median
from typing import NamedTuple

from consumer.screening.audits.alarm import AlarmTracker
from consumer.screening.audits.certificate import CertificateTracker
from consumer.screening.audits.forecast import Stream
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.prefilter.recall import at_most
from tests.screening.positives import positives

JUST_BELOW = 0.0005
"""So much lower than demanded is the recall of the filter that must not be certified."""


class Coverage(NamedTuple):
    """How many of the streams were wrongly certified."""

    streams: int
    positives: int
    """In each stream."""
    wrong: int
    wrong_by_peeking: int
    """So many had the exact bound for a fixed sample wrong at some point, read after each."""


class Times(NamedTuple):
    """Of many streams, in what is counted (positives that say something, or messages)."""

    mean: float
    median: float
    never: int
    """Streams that ended before; they count as ending then, so that the mean is too low."""


def coverage(terms: AuditTerms, numbers: range, *, count: int, seed: int) -> Coverage:
    """How often a recall that is too low is ever certified, in the streams of these numbers."""
    wrong = wrong_by_peeking = 0
    stream = Stream(1.0, terms.recall - JUST_BELOW)
    for number in numbers:
        tracker = CertificateTracker(terms.recall, terms.alpha, terms.floor)
        dice = Random(f"{seed} coverage {number}")
        for evidence in islice(positives(terms, stream, dice), count):
            if evidence is not None:
                tracker.add(evidence)
        wrong += tracker.is_shown
        wrong_by_peeking += _exact_is_ever_wrong(terms, stream, dice, count)
    return Coverage(len(numbers), count, wrong, wrong_by_peeking)


def together(parts: Sequence[Coverage]) -> Coverage:
    """All streams of several parts."""
    return Coverage(
        sum(part.streams for part in parts),
        parts[0].positives,
        sum(part.wrong for part in parts),
        sum(part.wrong_by_peeking for part in parts),
    )


def _exact_is_ever_wrong(terms: AuditTerms, stream: Stream, dice: Random, count: int) -> bool:
    """Where every positive is known and the bound for a fixed sample is read after each."""
    missed = 0
    for seen in range(1, count + 1):
        is_missed = dice.random() >= stream.recall
        missed += is_missed
        # Only there can the bound have risen above the demand, and looking less often is faster.
        may_be_wrong = seen % 10 == 0 and missed < seen * (1 - terms.recall)
        if may_be_wrong and at_most(missed, seen, 1 - terms.recall) <= terms.alpha:
            return True
    return False


def run_length(terms: AuditTerms, *, streams: int, most: int, seed: int) -> Times:
    """Positives that say something until a false alarm, while the recall is just as demanded."""
    stream = Stream(1.0, terms.recall)
    return _times(
        [
            _until_alarm(terms, stream, Random(f"{seed} run {number}"), most, counts_all=False)
            for number in range(streams)
        ]
    )


def detection(terms: AuditTerms, stream: Stream, *, streams: int, most: int, seed: int) -> Times:
    """Messages until the alarm, from the fall of the recall on."""
    found = [
        _until_alarm(terms, stream, Random(f"{seed} fall {number}"), most, counts_all=True)
        for number in range(streams)
    ]
    times = _times(found)
    scale = 1.0 / stream.prevalence
    return Times(times.mean * scale, times.median * scale, times.never)


def certification(
    terms: AuditTerms, stream: Stream, *, streams: int, most: int, seed: int
) -> Times:
    """Messages until a good filter is certified anew."""
    found: list[tuple[int, bool]] = []
    for number in range(streams):
        tracker = CertificateTracker(terms.recall, terms.alpha, terms.floor)
        dice = Random(f"{seed} certified {number}")
        count = 0
        for evidence in islice(positives(terms, stream, dice), most):
            count += 1
            if evidence is not None:
                tracker.add(evidence)
                if tracker.is_shown:
                    break
        found.append((count, tracker.is_shown))
    times = _times(found)
    scale = 1.0 / stream.prevalence
    return Times(times.mean * scale, times.median * scale, times.never)


def _until_alarm(
    terms: AuditTerms, stream: Stream, dice: Random, most: int, *, counts_all: bool
) -> tuple[int, bool]:
    tracker = AlarmTracker(terms.recall, terms.run_length, terms.floor)
    count = 0
    for evidence in islice(positives(terms, stream, dice), most):
        count += counts_all or evidence is not None
        if evidence is not None:
            tracker.add(evidence)
            if tracker.is_on:
                break
    return count, tracker.is_on


def _times(found: list[tuple[int, bool]]) -> Times:
    counts = [count for count, _ in found]
    return Times(fmean(counts), median(counts), sum(not ended for _, ended in found))
