"""
Drift: a new kind of abuse comes up, and two workers switch the filter off at the same note.

The filter is learned from Davidson's tweets; then its positives give way to those of the 2022 set,
which it has never seen. The labels stand for the model's answers.
"""

from __future__ import annotations

from random import Random
from statistics import fmean
from typing import NamedTuple

from consumer.domain.messages.message import Message, Position
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.forecast import Stream, messages_to_alarm
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.filtering import Filtering
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import filter_for, learn
from tests.salt import SALT
from tests.screening.avoided import TESTED, Demand, purpose
from tests.screening.public_sets import lines_of, stream_of

PREVALENCE = 0.05
BEFORE = 20_000
"""Messages like those that were learned from, before the new kind comes."""
MOST = 200_000
"""Messages after that: beyond, the alarm has failed."""
LATE = 2.0
"""So many times what the forecast says is still in time for a single run."""


class Drift(NamedTuple):
    """What became of the stream, in messages."""

    settled_before: float
    """Share of messages that did not reach the model."""
    alarms_before: int
    recall_after: float
    """Of the filter on the new kind."""
    until_alarm: int
    """From the first message of the new kind on; MOST where none came."""
    stated: float
    """What the forecast says for such a fall, on the mean."""
    is_same_note: bool
    """Whether both workers switched off at the same one."""
    settled_after: float
    """Of a thousand messages after the alarm."""


def drift(recall: float, seed: int) -> Drift:
    """At 5 % positives; messages are drawn again and again from those that only certify."""
    learned = learn(stream_of(lines_of("davidson"), seed), TESTED)
    artefact = filter_for(learned, purpose(Demand(recall, 0.0)))
    terms = AuditTerms(recall=recall)
    draw = AuditDraw.of(SALT, terms, artefact.head.near_from)
    workers = [Filtering(Prefilter(artefact), draw, terms) for _ in range(2)]
    for worker in workers:
        # Both have read all notes: there are none yet.
        worker.barred = None
    known = learned.split.certifying
    new = [FilterExample(line.text, True) for line in lines_of("2022") if line.is_positive]
    # Texts of the new kind that are longer than any tweet would be known by that alone.
    new = [example for example in new if len(example.text) < 400]
    stage = _Stage(workers, Random(f"{seed} drift"))
    harmless = [example for example in known if not example.is_positive]
    positives = [example for example in known if example.is_positive]
    before = [stage.step(harmless, positives) for _ in range(BEFORE)]
    alarms = sum(not worker.watch.is_on for worker in workers)
    until = 0
    while until < MOST and workers[0].watch.is_on:
        stage.step(harmless, new)
        until += 1
    after = [stage.step(harmless, new) for _ in range(1_000)]
    prefilter = Prefilter(artefact)
    looks = prefilter.looks([example.text for example in new])
    missed = [look.score >= artefact.head.near_from for look in looks if look.is_settled]
    recall_after = 1 - len(missed) / len(new)
    stream = Stream(PREVALENCE, recall_after, fmean(missed) if missed else 0.0)
    return Drift(
        settled_before=sum(before) / len(before),
        alarms_before=alarms,
        recall_after=recall_after,
        until_alarm=until,
        stated=messages_to_alarm(terms, stream),
        is_same_note=len(set(stage.off_at)) == 1 and len(stage.off_at) == 2,
        settled_after=sum(after) / len(after),
    )


class _Stage:
    """Two workers that take messages in turn, and one topic of notes that both read."""

    def __init__(self, workers: list[Filtering], dice: Random) -> None:
        self._workers = workers
        self._dice = dice
        self._offset = 0
        self._notes = 0
        self.off_at: list[int] = []
        """The number of the note at which each worker switched off."""

    def step(self, harmless: list[FilterExample], positives: list[FilterExample]) -> bool:
        """One message; whether it was settled without the model."""
        is_positive = self._dice.random() < PREVALENCE
        example = self._dice.choice(positives if is_positive else harmless)
        self._offset += 1
        worker = self._workers[self._offset % 2]
        position = Position("stream", self._offset % 2, self._offset)
        message = Message(position, 0, example.text, str(position))
        (filtered,) = worker.decide([message], "stream")
        if is_positive and filtered.action != "settle":
            self._notes += 1
            place = f"stream/{self._offset % 2}/{self._offset}"
            note = worker.positive(filtered, place, None)
            for each in self._workers:
                was_on = each.watch.is_on
                each.watch.add(note)
                if was_on and not each.watch.is_on:
                    self.off_at.append(self._notes)
        return filtered.action == "settle"
