"""
Resending: the records of dead letters, sent once more in bounded batches.

Each batch is acknowledged, then its letters are noted, then comes the next. A crash in between
shows letters as open that were sent; a second retry then gives a second verdict, with the same
`safeguard-first-position` as the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from consumer.commands.dead_letters.letter import Letter, LetterState, retry_of
from consumer.commands.dead_letters.store import LetterStore, LetterTopics, first_fault
from consumer.domain.counted import counted
from consumer.domain.messages.message import Record
from consumer.errors import PublishFailed
from consumer.interfaces import Publication

BATCH_RECORDS_MAX = 200
"""So many letters at most show as open although they were sent, where a run is cut short."""
BATCH_BYTES_MAX = 32_000_000
"""What is held in memory at once, unless a single value is larger."""


class Resending:
    """Sends what the dead-letter topic of one input holds to its retry topic."""

    def __init__(self, store: LetterStore, where: LetterTopics, retry: str) -> None:
        self._store = store
        self._where = where
        self._retry = retry
        self._batch: list[tuple[Letter, Publication]] = []
        self._bytes = 0
        self._sent = 0

    def send(self, letters: Iterable[Letter]) -> list[Letter]:
        """Returns those whose record is no longer there."""
        wanted = {letter.place: letter for letter in letters}
        starts: dict[int, int] = {}
        for _, partition, offset in wanted:
            starts[partition] = min(offset, starts.get(partition, offset))
        with closing(self._store.records(self._where, starts)) as records:
            while wanted and (record := next(records, None)) is not None:
                letter = wanted.pop(record.position, None)
                if letter is not None:
                    self._add(letter, record)
        self._flush()
        return list(wanted.values())

    def _add(self, letter: Letter, record: Record) -> None:
        self._batch.append((letter, retry_of(record, letter, self._retry)))
        self._bytes += len(record.value or b"")
        if len(self._batch) >= BATCH_RECORDS_MAX or self._bytes >= BATCH_BYTES_MAX:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return
        faults = self._store.writer.write([publication for _, publication in batch])
        stored = [letter for (letter, _), f in zip(batch, faults, strict=True) if f is None]
        self._store.note(stored, LetterState.RETRIED)
        self._sent += len(stored)
        failed = len(batch) - len(stored)
        if failed:
            raise PublishFailed(
                f"{counted(failed, 'record')} could not be stored on {self._retry}: "
                f"{first_fault(faults)}. {self._sent} were retried before and are noted; the "
                "others are still open. Check the topic and the right to write it, then run the "
                "same command again"
            )
