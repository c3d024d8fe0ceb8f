"""What the workers of a world did with its filter, and whether all of it was right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from consumer.domain.messages.message import Position
from consumer.domain.screening import FilterTerms
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause
from consumer.interfaces import Inquiry, ToScreen
from consumer.screening.audited import AuditedStage
from consumer.screening.audits.note import AuditNote, read_note
from consumer.screening.filters import Filters
from consumer.screening.screener import Screener
from tests.filtered import fresh_filtering, misdrawn
from tests.simulation.notes import NoteTopic, SimNoteLog
from tests.simulation.scheduler import Loop

FRESH_S = 1.0
"""A worker that runs knows every note that is older: twice the time between two looks."""
SLEEPY = float("-inf")


class Settled(NamedTuple):
    """A message that a worker's filter settled."""

    worker: str
    position: Position
    notes: int
    """So many it had read by then."""
    known_s: float
    """All notes from before then it must have read."""


class FilterReckoning(NamedTuple):
    """What was wrong, and how often there was an alarm."""

    after_alarm: list[str]
    """Settled by a worker that knew, or had to know, that the filter was off."""
    unlike: list[str]
    """Where a worker concluded otherwise than anybody who reads the same notes."""
    alarms: int
    """How often the filter went off without a person's word."""


class FilterJournal:
    """What happened, and what should have."""

    def __init__(self, terms: FilterTerms, topic: NoteTopic) -> None:
        self._terms, self._topic = terms, topic
        self._filtering = fresh_filtering(terms)
        self.settled: list[Settled] = []
        self.conclusions: set[tuple[int, bool]] = set()
        """How many notes a worker had read, and whether the filter was on for it."""
        self.watchers: list[FilterWitness] = []

    def word(self, kind: Literal["switched on", "switched off"]) -> bytes:
        """A person's, as a note."""
        head, digest = self._filtering.head, self._filtering.digest
        return AuditNote(kind=kind, version=head.version_digest, artefact=digest).encode()

    def misdrawn(
        self, headers: Mapping[str, bytes | None], text: str, source: str, at: Position
    ) -> str | None:
        """What is wrong with a verdict, as far as the filter has to do with it."""
        return misdrawn(self._filtering, headers, text, source, at)

    def reckon(self) -> FilterReckoning:
        """To be called once, at the end: the notes are shown to a watch of nobody's."""
        knowing = [witness for witness in self.watchers if witness.has_read]
        ends = {witness.notes for witness in knowing}
        watch = self._filtering.watch_anew()
        is_on, states, alarms = [True], {0: watch.state()}, 0
        for number, note in enumerate(self._topic.notes, 1):
            read = read_note(note.value)
            assert read is not None
            watch.add(read)
            alarms += read.kind == "positive" and is_on[-1] and not watch.is_on
            is_on.append(watch.is_on)
            if number in ends:
                states[number] = watch.state()
        unlike = [f"{at}: {on}" for at, on in sorted(self.conclusions) if is_on[at] != on]
        unlike += [
            f"{witness} is not in the state of its notes"
            for witness in knowing
            if witness.state() != states[witness.notes]
        ]
        return FilterReckoning(self._settled_wrongly(is_on), unlike, alarms)

    def _settled_wrongly(self, is_on: Sequence[bool]) -> list[str]:
        stored_s = [note.stored_s for note in self._topic.notes]
        return [
            str(each)
            for each in self.settled
            if not is_on[each.notes] or each.notes < bisect_left(stored_s, each.known_s)
        ]


class FilterWitness:
    """The stages of one worker, and somebody who writes down what they did and knew."""

    def __init__(
        self, name: str, loop: Loop, screener: Screener, filters: Filters, journal: FilterJournal
    ) -> None:
        self._name, self._loop = name, loop
        self._screener = screener
        self._filters = filters
        self._journal = journal
        self.log: SimNoteLog | None = None
        """What its notes are read by, once it is open."""
        journal.watchers.append(self)

    def __repr__(self) -> str:
        return f"{self._name} after {self.notes} notes"

    @property
    def notes(self) -> int:
        return 0 if self.log is None else self.log.at

    @property
    def has_read(self) -> bool:
        """Whether its watch has seen the notes; one that died over its first look has not."""
        return self._filtering.unread is None

    @property
    def _filtering(self) -> AuditedStage:
        (filtering,) = self._filters.in_use()
        return filtering

    def state(self) -> object:
        return self._filtering.watch.state()

    def look(self) -> None:
        """To be called often: what it concludes now."""
        if self.has_read:
            self._journal.conclusions.add((self.notes, self._filtering.watch.is_on))

    def screen(self, messages: Sequence[ToScreen]) -> list[Judged | Inquiry | None]:
        """As the screener says."""
        found = self._screener.screen(messages)
        for screened, said in zip(messages, found, strict=True):
            if isinstance(said, Judged) and said.cause is Cause.PREFILTER:
                now_s = self._loop.time()
                has_run = now_s - self._loop.stands_until_s > FRESH_S
                known_s = now_s - FRESH_S if has_run else SLEEPY
                position = screened.message.position
                self._journal.settled.append(Settled(self._name, position, self.notes, known_s))
        return found
