"""
Tombstones: under which keys a compacted topic holds nothing but what somebody had erased. Pure.

A compacted topic keeps the last record of each key for ever, so what is to be forgotten there has
to be followed by a record without a value. That takes all of a key, so a key under which anything
of somebody else lies is left alone.
"""

from __future__ import annotations

from collections.abc import Collection

from consumer.domain.messages.message import Record
from consumer.errors import UndecodableMessage
from consumer.interfaces import Publication
from consumer.review.cases.facts import About, AppealFact, ReportFact, VerdictFact
from consumer.review.records.reading import ERASED, FactReader

Place = tuple[str, int, bytes]
"""Topic, partition and key."""


class Tombstones:
    """Is shown every record of some topics, each partition in its order."""

    def __init__(self, reader: FactReader, cases: Collection[str], person: str | None) -> None:
        """`cases` are those of the messages that are erased, `person` is whose words are."""
        self._reader = reader
        self._cases = cases
        self._person = person
        self._theirs: dict[Place, bool] = {}
        """Whether all that lies there is theirs."""

    def add(self, record: Record) -> None:
        """What has no key cannot be compacted, and needs no tombstone."""
        if record.key is None:
            return
        topic, partition, _ = record.position
        place = (topic, partition, record.key)
        if record.value is None:
            # What lies before it goes without us.
            self._theirs.pop(place, None)
        else:
            self._theirs[place] = self._is_theirs(record) and self._theirs.get(place, True)

    def publications(self) -> list[Publication]:
        """What makes the brokers forget it, once they compact."""
        return [
            Publication(topic, partition, key, None, ERASED)
            for (topic, partition, key), is_theirs in self._theirs.items()
            if is_theirs
        ]

    def _is_theirs(self, record: Record) -> bool:
        try:
            about = self._reader.told(record)
        except UndecodableMessage:
            return False
        if about is None:
            return False
        return about.case_id in self._cases or (
            self._person is not None and _person_in(about) == self._person
        )


def _person_in(about: About) -> object:
    """Whose words a record holds."""
    match about.fact:
        case VerdictFact(envelope=envelope):
            return envelope.get("message", {}).get("author")
        case ReportFact(reporter=person) | AppealFact(by=person):
            return person
    return None
