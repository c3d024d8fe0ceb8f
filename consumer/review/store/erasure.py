"""
Erasure: what somebody has a right to have forgotten, and what is older than it has to be kept.

What is deleted is gone from the store's files too. Its topics keep their own time: a rebuild reads
them again, and passes over what was erased before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, delete, func, select, update

from consumer.review.cases.facts import (
    AppealFact,
    DecisionFact,
    ReportFact,
    ReviewFact,
    VerdictFact,
    case_id,
    decode_fact,
    encode_fact,
)
from consumer.review.store import log
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.names import digest_of_name
from consumer.review.store.outbox import ItemState
from consumer.review.store.tables import (
    cases,
    erased,
    exposures,
    facts,
    golden,
    marks,
    outbox,
    questioned,
    second_looks,
    skips,
)

PAGE = 500
"""Facts read at once, so that memory does not grow with the store."""
AT_ONCE = 50
"""Cases deleted in one transaction: reviewers wait that long for a claim."""
OF_A_CASE = (facts, marks, skips, questioned, outbox, exposures, second_looks, golden)
"""What is deleted with a case."""
OPEN_ITEMS = (ItemState.PENDING, ItemState.SENDING)


class Whom(NamedTuple):
    """Whose or which traces are erased: one of the two."""

    author: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """What the store holds of somebody, or of a message."""

    cases: tuple[str, ...]
    """Cases of their messages: these go as a whole."""
    said: tuple[tuple[str, str], ...]
    """Reports and appeals of theirs in other cases: case, fact."""
    quoted: tuple[str, ...]
    """Facts that show what their messages said to whoever looks at another message."""
    texts: frozenset[str]
    decisions: frozenset[str]
    """Ids of the decisions about their messages: exported cases are named after them."""


class Erased(NamedTuple):
    """What was erased."""

    traces: Traces
    waiting: tuple[str, ...]
    """Cases that stay for now: something that was decided is not published yet."""


class Eraser:
    """Deletes for good."""

    def __init__(self, database: Database, book: CaseBook) -> None:
        self._database = database
        self._book = book

    def find(self, whom: Whom) -> Traces:
        """What there is; all facts are read for it."""
        wanted, texts, decisions = set(), set(), set()
        said: list[tuple[str, str]] = []
        for name, of, fact in self._facts():
            if isinstance(fact, VerdictFact) and whom.author is not None:
                if fact.envelope.get("message", {}).get("author") == whom.author:
                    wanted.add(of)
            elif isinstance(fact, ReportFact | AppealFact) and _by(fact) == whom.author:
                said.append((of, name))
        if whom.message_id is not None:
            wanted |= self._of_message(whom.message_id)
        for _, of, fact in self._facts():
            if of in wanted and isinstance(fact, VerdictFact):
                texts.add(fact.envelope.get("message", {}).get("text") or "")
            elif of in wanted and isinstance(fact, DecisionFact):
                decisions.add(fact.id)
        texts.discard("")
        quoted = tuple(
            name
            for name, of, fact in self._facts()
            if of not in wanted and isinstance(fact, VerdictFact) and _without(fact, texts) != fact
        )
        return Traces(
            tuple(sorted(wanted)),
            tuple((of, name) for of, name in said if of not in wanted),
            quoted,
            frozenset(texts),
            frozenset(decisions),
        )

    def erase(self, who: str, now_ms: int, whom: Whom) -> Erased:
        """
        Delete it, from the files too; the log has a line that says how much, and not what.

        Raises:
            StoreUnavailable: the store does not answer; begin again.
        """
        found = self.find(whom)
        waiting: list[str] = []
        for some in _pages(found.cases):
            with self._database.writing() as connection:
                waiting += self._delete(connection, some, now_ms)
        for of, name in found.said:
            self._unsay(of, name)
        for name in found.quoted:
            self._unquote(name, found.texts)
        detail = {
            "cases": len(found.cases) - len(waiting),
            "reports": len(found.said),
            "quotes": len(found.quoted),
        }
        with self._database.writing() as connection:
            if whom.author is not None:
                self._remember(connection, digest_of_name(whom.author), now_ms)
            log.append(connection, now_ms, who, "erase", "", detail)
        self._database.scrub()
        return Erased(found, tuple(waiting))

    def expire(self, now_ms: int, keep_ms: int) -> int:
        """Delete some cases that ask for nothing and of which nothing was told for so long."""
        last_ms = (
            select(facts.c.case_id)
            .group_by(facts.c.case_id)
            .having(func.max(facts.c.at_ms) < now_ms - keep_ms)
        )
        unsent = select(outbox.c.case_id).where(outbox.c.state.in_(OPEN_ITEMS))
        asked = (
            select(cases.c.id)
            .where(~cases.c.is_open, cases.c.id.in_(last_ms), cases.c.id.not_in(unsent))
            .order_by(cases.c.id)
            .limit(PAGE)
        )
        with self._database.reading() as connection:
            names = connection.execute(asked).scalars().all()
        number = 0
        for some in _pages(names):
            with self._database.writing() as connection:
                number += len(some) - len(self._delete(connection, some, None))
        if number:
            with self._database.writing() as connection:
                log.append(connection, now_ms, "retention", "erase", "", {"cases": number})
        return number

    def _facts(self) -> Iterator[tuple[str, str, ReviewFact]]:
        """Every fact with its name and its case."""
        last = ""
        while True:
            asked = select(facts.c.id, facts.c.case_id, facts.c.kind, facts.c.body)
            page = asked.where(facts.c.id > last).order_by(facts.c.id).limit(PAGE)
            with self._database.reading() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            for row in rows:
                yield row.id, row.case_id, decode_fact(row.kind, row.body)
            last = rows[-1].id

    def _of_message(self, message_id: str) -> set[str]:
        """On whichever input: a case's id is made of both."""
        with self._database.reading() as connection:
            topics = connection.execute(select(cases.c.topic).distinct()).scalars().all()
            wanted = [case_id(topic, message_id) for topic in topics]
            asked = select(cases.c.id).where(cases.c.id.in_(wanted))
            return set(connection.execute(asked).scalars())

    def _delete(
        self, connection: Connection, names: Sequence[str], erased_ms: int | None
    ) -> list[str]:
        """Delete cases; those stay that have something to publish. Remember them if a time is."""
        waiting = []
        for name in names:
            if self._book.locked(connection, name) is None:
                continue
            open_items = select(outbox.c.id).where(
                outbox.c.case_id == name, outbox.c.state.in_(OPEN_ITEMS)
            )
            if connection.execute(open_items).first() is not None:
                waiting.append(name)
                continue
            for table in OF_A_CASE:
                connection.execute(delete(table).where(table.c.case_id == name))
            connection.execute(delete(cases).where(cases.c.id == name))
            if erased_ms is not None:
                self._remember(connection, name, erased_ms)
        return waiting

    def _remember(self, connection: Connection, name: str, now_ms: int) -> None:
        row = {"name": name, "at_ms": now_ms}
        if not self._database.insert_once(connection, erased, row):
            connection.execute(update(erased).where(erased.c.name == name).values(at_ms=now_ms))

    def _unsay(self, case_id: str, name: str) -> None:
        """Take a fact out of a case that stays, and what followed from it."""
        with self._database.writing() as connection:
            if self._book.locked(connection, case_id) is not None:
                connection.execute(delete(facts).where(facts.c.id == name))
                docket = self._book.locked(connection, case_id)
                assert docket is not None
                self._book.keep(connection, docket.refreshed())

    def _unquote(self, name: str, texts: Collection[str]) -> None:
        mine = facts.c.id == name
        with self._database.writing() as connection:
            body = connection.execute(select(facts.c.body).where(mine)).scalar()
            if body is None:
                return
            fact = decode_fact("verdict", body)
            assert isinstance(fact, VerdictFact)
            kept = encode_fact(_without(fact, texts))
            connection.execute(update(facts).where(mine).values(body=kept))


def without_cases(lines: bytes, decisions: Collection[str]) -> bytes:
    """
    Exported cases as JSON lines, without those that rest on these decisions.

    Raises:
        ValueError: a line is not JSON.
    """
    kept = []
    for line in lines.splitlines(keepends=True):
        name = str(orjson.loads(line).get("id", "")) if line.strip() else ""
        if name.partition("/")[0].removeprefix("review-") not in decisions:
            kept.append(line)
    return b"".join(kept)


def _by(fact: ReportFact | AppealFact) -> str:
    return fact.reporter if isinstance(fact, ReportFact) else fact.by


def _without(fact: VerdictFact, texts: Collection[str]) -> VerdictFact:
    """Without the earlier messages of the conversation that say one of these."""
    message = fact.envelope.get("message", {})
    lines = message.get("context", [])
    kept = [line for line in lines if line.get("text") not in texts]
    if len(kept) == len(lines):
        return fact
    return replace(fact, envelope=fact.envelope | {"message": message | {"context": kept}})


def _pages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE))
