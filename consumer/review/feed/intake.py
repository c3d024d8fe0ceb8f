"""
Intake: records of one batch into the store; what people wrote and nobody can read is set aside.

Nothing stops the queue: a malformed report is a dead letter of its topic, with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from consumer.domain.messages.message import Record
from consumer.domain.review import DEAD_LETTER
from consumer.errors import DeadLetterFailed, Rejected, UndecodableMessage, UnknownMessage
from consumer.interfaces import Publication
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.review.cases.facts import About, AppealFact, ReportFact
from consumer.review.feed.announcement import Announcements, Unpublishable
from consumer.review.records.reading import FactReader
from consumer.review.store.book import CaseBook
from consumer.review.store.outbox import Outbox

log = structlog.get_logger()


class Taken(NamedTuple):
    """What became of a batch."""

    new: int = 0
    """Facts that were not known yet."""
    misread: int = 0
    """Dead letters."""

    def __add__(self, other: object) -> Taken:
        if not isinstance(other, Taken):
            return NotImplemented
        return Taken(self.new + other.new, self.misread + other.misread)


class ReviewIntake:
    """Takes batches of records up."""

    def __init__(
        self,
        book: CaseBook,
        reader: FactReader,
        encoder: DeadLetterEncoder,
        writer: TopicWriter | None,
    ) -> None:
        """Without a writer nothing is set aside: whoever reads everything anew did so before."""
        self._book = book
        self._encoder = encoder
        self._writer = writer
        self.reader = reader
        self.announcements: Announcements | None = None
        """By what workers' blocks are stated; None where they are not."""
        self.outbox: Outbox | None = None
        """Where second judgements are asked for; None where nobody asks."""

    def take(self, records: Sequence[Record]) -> Taken:
        """
        Take up a batch, whole: it may come again, which changes nothing but repeats dead letters
        and statements, each of which has the id that it had.

        Raises:
            StoreUnavailable: the store does not answer; try again.
            DeadLetterFailed: a dead letter cannot be stored, and nothing is dropped.
        """
        found: list[About] = []
        letters: list[Publication] = []
        statements: list[Publication] = []
        late: list[tuple[Record, About]] = []
        for record in records:
            try:
                about = self.reader.read(record)
            except UndecodableMessage as error:
                letters.append(self._letter(record, error))
                continue
            statements += self._stated(record)
            if about is None:
                continue
            if _is_of_the_unknown(about):
                late.append((record, about))
            else:
                found.append(about)
        known = {about.case_id for about in found}
        for record, about in late:
            if about.case_id in known or self._book.look(about.case_id) is not None:
                found.append(about)
            else:
                letters.append(self._letter(record, UnknownMessage()))
        self._write(statements)
        self._write(letters)
        if letters and self._writer is not None:
            log.warning("set aside what cannot be read", records=len(letters))
        new = self._book.add(found) if found else 0
        self._ask(found)
        return Taken(new, len(letters))

    def _ask(self, found: Sequence[About]) -> None:
        """Have the workers judge once more what was allowed and is reported; see `doubted`."""
        if self.outbox is None:
            return
        # What comes again is asked for again, and the outbox knows it.
        wanted = {each.case_id for each in found if self.reader.can_be_judged_again(each)}
        for name in sorted(wanted):
            docket = self._book.look(name)
            verdict = docket.case.doubted if docket is not None else None
            if verdict is not None:
                self.outbox.ask(name, verdict)

    def _letter(self, record: Record, error: Rejected) -> Publication:
        return self._encoder.letter(record, error, record.position.topic + DEAD_LETTER, 0)

    def _stated(self, record: Record) -> list[Publication]:
        """The statement for what a worker blocked, if one is wanted and can be made."""
        about = self.reader.blocked(record) if self.announcements is not None else None
        if self.announcements is None or about is None:
            return []
        try:
            found = self.announcements.blocked(record, about)
        except Unpublishable as why:
            log.warning("no statement can be made", verdict=about.fact.id, reason=str(why))
            return []
        return [] if found is None else [found]

    def _write(self, publications: Sequence[Publication]) -> None:
        if self._writer is None or not publications:
            return
        for one, fault in zip(publications, self._writer.write(publications), strict=True):
            if fault is not None:
                raise DeadLetterFailed(
                    f"{one.topic} cannot be written: {fault}. `safeguard topics apply` makes "
                    "it where it is missing"
                )


def _is_of_the_unknown(about: About) -> bool:
    """Whether it says only an id, which means nothing unless the message is under review."""
    fact = about.fact
    return isinstance(fact, ReportFact | AppealFact) and fact.position is None
