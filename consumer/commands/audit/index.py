"""
The index of an audit: every record read, in a temporary file, so that memory does not grow.

Rows hold numbers alone: no key, value or text of a user is written to the disk.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter

from consumer.commands.audit.order import KeyOrder, Place, first_of
from consumer.commands.audit.published import Other, OutputReader
from consumer.commands.audit.report import EXAMPLES_MAX, AuditReport, Range
from consumer.domain.messages.message import Position, Record
from consumer.errors import Fatal

# The file is thrown away, so nothing is kept for a crash: no journal, no sync, one transaction
# that never ends. Primary keys without row ids keep the rows in the order of the joins.
SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -65536;
CREATE TABLE inputs (
    partition INTEGER, offset INTEGER, key INTEGER, is_passed INTEGER,
    is_waiting INTEGER DEFAULT 0,
    PRIMARY KEY (partition, offset)
) WITHOUT ROWID;
CREATE TABLE published (
    partition INTEGER, offset INTEGER, topic INTEGER, output INTEGER, at INTEGER,
    timestamp_ms INTEGER, fate INTEGER,
    PRIMARY KEY (partition, offset, topic, output, at)
) WITHOUT ROWID;
CREATE TABLE fates (
    partition INTEGER, offset INTEGER, records INTEGER, is_judged INTEGER, is_dead INTEGER,
    is_contradicting INTEGER,
    PRIMARY KEY (partition, offset)
) WITHOUT ROWID;
BEGIN;
"""

SETTLE = """
INSERT INTO fates
SELECT partition, offset, COUNT(*), MAX(fate) > 0, MIN(fate) = 0,
       MIN(fate) <> MAX(fate) OR MIN(topic) <> MAX(topic)
FROM published GROUP BY partition, offset
"""

WITH_FATE = "inputs LEFT JOIN fates USING (partition, offset)"
UNMET = "fates.records IS NULL AND NOT is_passed"
MISSING = f"{UNMET} AND NOT is_waiting"
WITH_INPUT = "fates LEFT JOIN inputs USING (partition, offset)"
UNKNOWN = "is_passed IS NULL"
REPEATED = "records > 1 AND NOT is_contradicting"

# The sort spills to temporary files of its own.
BY_KEY = """
SELECT inputs.partition, key, offset, topic, output, at, timestamp_ms
FROM inputs JOIN published USING (partition, offset)
WHERE key IS NOT NULL ORDER BY inputs.partition, key, offset
"""


class AuditIndex:
    """Takes the records of an input and of its outputs, in any order, and accounts for them."""

    def __init__(
        self,
        topic: str,
        group: str,
        *,
        is_passed_over: Callable[[Record], bool] = lambda record: False,
        starts: Mapping[int, int] = {},
        source: str = "",
    ) -> None:
        """
        `is_passed_over` says of a record that nothing has to come of it; `starts` are offsets asked
        for: what came of records before them is not looked into.

        `source` is the broker's id of the topic; where it gives none the name stands in.
        """
        self._topic = topic
        self._group = group
        self._is_passed_over = is_passed_over
        self._starts = dict(starts)
        self._reader = OutputReader(topic, group, source)
        self._topics: dict[str, int] = {}
        self._others: Counter[Other] = Counter()
        self._early = 0
        self._examples: dict[str, list[str]] = {}
        # Without a name it is a temporary file that goes with this process, even a killed one.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(SCHEMA)

    def add_inputs(self, records: Sequence[Record]) -> None:
        """Records of the input; one that comes twice counts once."""
        self._database.executemany(
            "INSERT OR IGNORE INTO inputs (partition, offset, key, is_passed) VALUES (?, ?, ?, ?)",
            [
                (*record.position[1:], _hash_of(record.key), self._is_passed_over(record))
                for record in records
            ],
        )

    def add_outputs(self, records: Sequence[Record]) -> None:
        """Records of the output topics; a verdict or dead letter read twice counts once."""
        rows: list[tuple[int, ...]] = []
        for record in records:
            position, timestamp_ms = record.position, record.timestamp_ms
            found = self._reader.read(record.headers)
            if isinstance(found, Other):
                self._others[found] += 1
                if found is Other.UNREADABLE:
                    self._note("unknown", position)
            elif found.offset < self._starts.get(found.partition, 0):
                self._early += 1
                self._note("unknown", Position(self._topic, found.partition, found.offset))
            else:
                topic = self._topics.setdefault(position.topic, len(self._topics))
                at = (topic, position.partition, position.offset)
                rows.append((found.partition, found.offset, *at, timestamp_ms, found.fate))
        self._database.executemany(
            "INSERT OR IGNORE INTO published VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )

    def add_progress(self, partition: int, committed: int, done: Iterable[int] = ()) -> None:
        """
        How far the group has come, to be told after the inputs and before outputs are read.

        What it has not finished may yet come out: it waits, and is not missing.
        """
        self._database.execute(
            "UPDATE inputs SET is_waiting = 1 WHERE partition = ? AND offset >= ?",
            (partition, committed),
        )
        self._database.executemany(
            "UPDATE inputs SET is_waiting = 0 WHERE partition = ? AND offset = ?",
            [(partition, offset) for offset in done],
        )

    def report(self, ranges: Sequence[Range], *, is_ordered: bool = True) -> AuditReport:
        """
        Account for everything; to be called once, at the end.

        `ranges` are what was read of the input; without `is_ordered` the topic promises no order.
        """
        self._database.execute(SETTLE)
        messages, verdicts, letters, missing, waiting, passed = self._sums(
            "COUNT(*), SUM(is_judged), SUM(is_dead), "
            f"SUM({MISSING}), SUM({UNMET} AND is_waiting), "
            f"SUM(fates.records IS NULL AND is_passed) FROM {WITH_FATE}"
        )
        extra, contradicting = self._sums(
            f"SUM((records - 1) * ({REPEATED})), SUM(is_contradicting) FROM fates"
        )
        (unknown,) = self._sums(f"SUM(records) FROM {WITH_INPUT} WHERE {UNKNOWN}")
        self._note_all("missing", f"{WITH_FATE} WHERE {MISSING}")
        self._note_all("duplicated_same_verdict", f"fates WHERE {REPEATED}")
        self._note_all("contradicting", "fates WHERE is_contradicting")
        out_of_order = self._count_out_of_order() if is_ordered else 0
        self._note_all("unknown", f"{WITH_INPUT} WHERE {UNKNOWN}")
        held = dict(
            self._database.execute("SELECT partition, COUNT(*) FROM inputs GROUP BY partition")
        )
        return AuditReport(
            topic=self._topic,
            group=self._group,
            partitions=tuple((read, held.get(read.partition, 0)) for read in ranges),
            messages=messages,
            verdicts=verdicts,
            dead_letters=letters,
            passed_over=passed,
            waiting=waiting,
            missing=missing,
            duplicated_same_verdict=extra,
            contradicting=contradicting,
            superseded=self._others[Other.SUPERSEDED],
            out_of_order=out_of_order,
            earlier=self._others[Other.EARLIER],
            foreign=self._others[Other.FOREIGN],
            unknown=unknown + self._early + self._others[Other.UNREADABLE],
            examples={kind: tuple(found) for kind, found in self._examples.items()},
        )

    def close(self) -> None:
        self._database.close()

    def _count_out_of_order(self) -> int:
        count = 0
        rows = self._database.execute(BY_KEY)
        for (partition, _), of_key in groupby(rows, itemgetter(0, 1)):
            order = KeyOrder()
            for offset, of_record in groupby(of_key, itemgetter(2)):
                if not order.follows(first_of([Place(*row[3:]) for row in of_record])):
                    count += 1
                    self._note("out_of_order", Position(self._topic, partition, offset))
        return count

    def _sums(self, query: str) -> list[int]:
        # A sum over no rows is NULL.
        return [value or 0 for value in self._database.execute(f"SELECT {query}").fetchone()]

    def _note_all(self, kind: str, source: str) -> None:
        query = f"SELECT partition, offset FROM {source} ORDER BY 1, 2 LIMIT {EXAMPLES_MAX}"
        for partition, offset in self._database.execute(query):
            self._note(kind, Position(self._topic, partition, offset))

    def _note(self, kind: str, position: Position) -> None:
        noted = self._examples.setdefault(kind, [])
        if len(noted) < EXAMPLES_MAX:
            noted.append(str(position))


@contextmanager
def temporary_index(
    topic: str,
    group: str,
    *,
    is_passed_over: Callable[[Record], bool] = lambda record: False,
    starts: Mapping[int, int] = {},
    source: str = "",
) -> Iterator[AuditIndex]:
    """
    An index that is gone at the end of the block.

    Raises:
        Fatal: the disk is full or cannot be written.
    """
    try:
        index = AuditIndex(
            topic, group, is_passed_over=is_passed_over, starts=starts, source=source
        )
        try:
            yield index
        finally:
            index.close()
    except sqlite3.Error as error:
        raise Fatal(
            f"the audit's index cannot be kept: {error}. It takes some 100 bytes a record; set "
            "TMPDIR to a folder with more room"
        ) from error


def _hash_of(key: bytes | None) -> int | None:
    """64 bits stand for a key; a null key has no order, so it has no number."""
    if key is None:
        return None
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big", signed=True)
