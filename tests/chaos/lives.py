"""Lives: what was said of each record on outputs that were deleted and made again, and when."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import itemgetter
from typing import NamedTuple

from consumer.commands.audit.published import OutputReader, Published, RecordFate
from consumer.domain.messages.message import Position
from tests.chaos.shown import Shown
from tests.records import Stored


class Life(NamedTuple):
    """What lay on outputs from when they were made until they were deleted, if they were."""

    records: Sequence[Stored]
    deleted_ms: float = math.inf
    """Just before the deletion was asked for, by the clock that stamps the outputs' records."""


class Compared(NamedTuple):
    """What came of holding all verdicts on one record against each other."""

    contradicting: list[str]
    judged_twice: list[str]
    """Another owner said the same as the one before, which it should have found."""
    judged_unshown: list[str]
    """The same, where what the one before said was surely not shown yet when the other looked."""
    sent_twice: list[str]
    """One owner stored its verdict again, having seen neither a report nor the verdict itself."""
    verdicts: int
    """On how many verdicts and dead letters that rests."""


class _Said(NamedTuple):
    """A verdict or dead letter: when it was stored, of what kind, and until when it lay there."""

    stored_ms: int
    fate: RecordFate
    deleted_ms: float
    term: str | None
    """Of the owner that said it."""
    output: tuple[str, int]
    offset: int


Began = Callable[[int, int, float], float | None]
"""When the owner of a partition, with this term, had looked what there was, before a moment; None
where nobody knows. In ms since 1970."""


def compare(
    lives: Iterable[Life],
    topic: str,
    sources: Sequence[str],
    group: str,
    shown: Shown | None = None,
    began: Began = lambda partition, term, before_ms: None,
) -> Compared:
    """
    Records on which two verdicts were stored while the earlier still lay on its output.

    Whoever comes to a record later finds what lies there by then, so that is a contradiction for
    ever, whatever is deleted afterwards. What went before the next one came nobody could find: the
    record is rightly judged anew. `sources` are the ids of all inputs that had the name `topic`.
    """
    said: defaultdict[tuple[str, Position], list[_Said]] = defaultdict(list)
    for life in lives:
        for source, found, record in _published(life.records, topic, sources, group):
            at = Position(topic, found.partition, found.offset)
            term = record.header("safeguard-term")
            place = (record.topic, record.partition), record.offset
            said[source, at].append(
                _Said(record.timestamp_ms, found.fate, life.deleted_ms, term, *place)
            )
    compared = Compared([], [], [], [], sum(map(len, said.values())))
    for (_, at), of in said.items():
        # What still lay there when the next one came.
        beside = [
            (one, two) for one, two in combinations(sorted(of), 2) if one.deleted_ms > two.stored_ms
        ]
        if any(one.fate != two.fate for one, two in beside):
            compared.contradicting.append(str(at))
        elif others := [(one, two) for one, two in beside if one.term != two.term]:
            is_excused = shown is not None and all(
                _was_hidden(one, two, at.partition, shown, began) for one, two in others
            )
            (compared.judged_unshown if is_excused else compared.judged_twice).append(str(at))
        elif beside:
            compared.sent_twice.append(str(at))
    return compared


def _was_hidden(one: _Said, two: _Said, partition: int, shown: Shown, began: Began) -> bool:
    """Whether whoever said the later one could not find the earlier when it looked."""
    looked_ms = began(partition, int(two.term or 0), two.stored_ms)
    return looked_ms is not None and shown.was_hidden(
        one.output, one.offset, looked_ms, one.deleted_ms
    )


def _published(
    records: Iterable[Stored], topic: str, sources: Sequence[str], group: str
) -> Iterator[tuple[str, Published, Stored]]:
    readers = [(source, OutputReader(topic, group, source)) for source in sources]
    for record in records:
        for source, reader in readers:
            found = reader.read(record.headers)
            if isinstance(found, Published):
                yield source, found, record
                break


def stored_since(began_ms: Mapping[str, float], records: Iterable[Stored]) -> dict[str, int]:
    """How many were stored in each part of a run; a part lasts until the next one begins."""
    found = dict.fromkeys(began_ms, 0)
    latest_first = sorted(began_ms.items(), key=itemgetter(1), reverse=True)
    for record in records:
        part = next((name for name, began in latest_first if began <= record.timestamp_ms), None)
        if part is not None:
            found[part] += 1
    return found
