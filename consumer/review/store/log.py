"""
Log: who saw and did what, append-only; each entry carries the digest of the one before.

Whoever changes or takes out an entry breaks the chain from there on, and `verify` says where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from consumer.review.store.database import Database, locked_head
from consumer.review.store.tables import log, log_head

PAGE = 1_000
"""Entries read at once, so that memory does not grow with the log."""


_APPENDED = insert(log)
_MOVED = (
    update(log_head)
    .where(log_head.c.id == 1)
    .values(number=bindparam("to_number"), digest=bindparam("to_digest"))
)


class Entry(NamedTuple):
    """One act of one person."""

    number: int
    at_ms: int
    who: str
    act: str
    case_id: str
    detail: str
    """JSON, without what anybody wrote."""
    previous: str
    digest: str

    @property
    def due_digest(self) -> str:
        """What its digest has to be."""
        return blake2b(orjson.dumps(self[:-1]), digest_size=32).hexdigest()


class Verified(NamedTuple):
    """How much of the log is as it was written."""

    entries: int
    fault: str | None
    """Where it is not; None where all of it is."""


def append(
    connection: Connection,
    at_ms: int,
    who: str,
    act: str,
    case_id: str = "",
    detail: Mapping[str, object] = {},
) -> None:
    """Note an act, in the transaction that does it."""
    number, digest = locked_head(connection)
    said = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()
    entry = Entry(number + 1, at_ms, who, act, case_id, said, digest, "")
    entry = entry._replace(digest=entry.due_digest)
    connection.execute(_APPENDED, entry._asdict())
    connection.execute(_MOVED, {"to_number": entry.number, "to_digest": entry.digest})


def entries(database: Database) -> Iterator[Entry]:
    """All of it, oldest first."""
    last = 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(
                select(log).where(log.c.number > last).order_by(log.c.number).limit(PAGE)
            ).all()
        if not rows:
            return
        for row in rows:
            yield Entry(*row)
        last = rows[-1].number


def latest(
    database: Database, before: int | None, who: str | None, case_id: str | None, limit: int
) -> list[Entry]:
    """Entries before one, the newest first: all of them, of one person, or about one case."""
    asked = select(log).order_by(log.c.number.desc()).limit(limit)
    if before is not None:
        asked = asked.where(log.c.number < before)
    if who is not None:
        asked = asked.where(log.c.who == who)
    if case_id is not None:
        asked = asked.where(log.c.case_id == case_id)
    with database.reading() as connection:
        return [Entry(*row) for row in connection.execute(asked)]


def verify(database: Database) -> Verified:
    """Whether every entry is there, and as it was written."""
    with database.reading() as connection:
        head = connection.execute(select(log_head)).one()
    number, digest = 0, ""
    for entry in entries(database):
        if entry.number > head.number:
            # Appended while we read.
            break
        if entry.number != number + 1:
            return Verified(number, f"entries {number + 1} to {entry.number - 1} are missing")
        if entry.previous != digest or entry.digest != entry.due_digest:
            return Verified(number, f"entry {entry.number} is not as it was written")
        number, digest = entry.number, entry.digest
    if (number, digest) != (head.number, head.digest):
        return Verified(number, f"the log ends at {number}, but {head.number} were written")
    return Verified(number, None)
