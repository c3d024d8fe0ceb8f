"""
Book: the cases in the store, each as its facts make it.

Every change reads a case, makes the next one of it and writes that, in one transaction that has
the case's row to itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Row,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.review.cases.case import Concern, ReviewCase
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import (
    About,
    DecisionFact,
    ReportFact,
    ReviewFact,
    decode_fact,
    encode_fact,
    kind_of,
)
from consumer.review.cases.handling import Draft, Handling, Seen, TakenAway
from consumer.review.cases.risk import due
from consumer.review.cases.ruling import Ruling
from consumer.review.store import kin
from consumer.review.store.case_facts import case_of
from consumer.review.store.database import Database
from consumer.review.store.names import actor_of, fact_name, names_in
from consumer.review.store.tables import cases, erased, facts, questioned

MARKED_AT_ONCE = 50
"""Cases in one transaction: reviewers wait that long for a claim."""

_SEEN = select(cases).where(cases.c.id == bindparam("case_id", type_=Text))
_LOCKED = _SEEN.with_for_update()
_KEPT = update(cases).where(cases.c.id == bindparam("case_id", type_=Text))

TermsOf = Callable[[str], ReviewTerms]
"""By input topic, as the policies have it now."""


class CaseBook:
    """All cases."""

    def __init__(self, database: Database, terms_of: TermsOf) -> None:
        self._database = database
        self._terms_of = terms_of

    def add(self, found: Sequence[About]) -> int:
        """Take up facts, in any order and any number of times; how many were new."""
        groups: defaultdict[str, list[About]] = defaultdict(list)
        for about in found:
            groups[about.case_id].append(about)
        number = 0
        with self._database.writing() as connection:
            # In one order, so that two who write the same cases wait and do not block each other.
            for case_id in sorted(groups):
                known = self._not_erased(connection, groups[case_id])
                number += self._add_to(connection, known) if known else 0
        return number

    def mark_again(self) -> None:
        """Find out anew by what cases are found: stores of earlier releases lack marks."""
        last = ""
        while True:
            asked = select(cases.c.id).where(cases.c.id > last)
            with self._database.writing() as connection:
                page = connection.execute(asked.order_by(cases.c.id).limit(MARKED_AT_ONCE))
                names = page.scalars().all()
                for name in names:
                    docket = self.locked(connection, name)
                    if docket is not None:
                        kin.note(connection, docket.case)
            if not names:
                return
            last = names[-1]

    def _not_erased(self, connection: Connection, group: list[About]) -> list[About]:
        """Those facts that nobody has had erased; a rebuild brings all of them again."""
        names = {name for about in group for name in names_in(about)}
        asked = select(erased.c.name, erased.c.at_ms).where(erased.c.name.in_(names))
        before: dict[str, int] = {row.name: row.at_ms for row in connection.execute(asked)}
        if not before:
            return group
        return [
            about
            for about in group
            if all(about.fact.at_ms > before.get(name, -1) for name in names_in(about))
        ]

    def _add_to(self, connection: Connection, group: Sequence[About]) -> int:
        first = group[0]
        self._database.insert_once(connection, cases, _new_row(first))
        docket = self.locked(connection, first.case_id)
        assert docket is not None
        revision, number = docket.revision, 0
        for about in group:
            # More reports make a case more urgent, and leave what is to be decided as it is.
            is_news = not isinstance(about.fact, ReportFact)
            if self.note(connection, about, revision + is_news):
                number += 1
                revision += is_news
        if number:
            known = replace(docket, case=case_of(connection, docket.case), revision=revision)
            is_news = revision > docket.revision
            self.keep(connection, (known.woken() if is_news else known).refreshed())
            self.heed(connection, known.case)
        return number

    def note(self, connection: Connection, about: About, revision: int) -> bool:
        """Write one fact down unless it is there; whether it is new."""
        fact = about.fact
        row = {
            "id": fact_name(about),
            "case_id": about.case_id,
            "kind": kind_of(fact),
            "actor": actor_of(fact),
            "revision": revision,
            "at_ms": fact.at_ms,
            "body": encode_fact(fact),
        }
        return self._database.insert_once(connection, facts, row)

    def forget(self, connection: Connection, about: About) -> None:
        """Take one fact out, as if it had never been."""
        connection.execute(delete(facts).where(facts.c.id == fact_name(about)))

    def locked(self, connection: Connection, case_id: str) -> Docket | None:
        """A case that nobody else changes before the end of this transaction."""
        return self._docket(connection, case_id, for_update=True)

    def look(self, case_id: str) -> Docket | None:
        """A case as it is now; None where there is none."""
        with self._database.reading() as connection:
            return self._docket(connection, case_id, for_update=False)

    def topics(self) -> list[str]:
        """The inputs that cases are about."""
        with self._database.reading() as connection:
            return list(connection.execute(select(cases.c.topic).distinct()).scalars())

    def _docket(self, connection: Connection, case_id: str, *, for_update: bool) -> Docket | None:
        asked = _LOCKED if for_update else _SEEN
        row = connection.execute(asked, {"case_id": case_id}).one_or_none()
        return None if row is None else self.docket_of(connection, row)

    def docket_of(self, connection: Connection, row: Row[Any]) -> Docket:
        """What a row of the cases says, with its facts."""
        empty = ReviewCase(row.id, row.topic, orjson.loads(row.message_id))
        handling = Handling(
            claimed_by=row.claimed_by,
            lease_until_ms=row.lease_until_ms,
            seen=row.seen,
            held_until_ms=row.held_until_ms,
            moved_to=row.moved_to,
            proposal=_proposal(row.proposal),
            alike=tuple(Seen(*each) for each in orjson.loads(row.alike or "[]")),
            assigned_to=row.assigned_to,
            draft=_draft(row.draft),
            note=row.note,
            claimed_ms=row.claimed_ms or 0,
            taken=TakenAway(*orjson.loads(row.taken)) if row.taken else None,
        )
        case = case_of(connection, empty)
        return Docket(case, self._terms_of(row.topic), handling, row.revision)

    def keep(self, connection: Connection, docket: Docket) -> None:
        """Write a case as it is now."""
        case, handling = docket.case, docket.handling
        is_open = isinstance(case.status, Concern)
        connection.execute(
            _KEPT,
            {
                "case_id": case.id,
                "status": str(case.status),
                "is_open": is_open,
                "queue": docket.queue,
                "asked_ms": case.asked_ms,
                "due_ms": due(case, docket.terms.sla_s).at_ms if is_open else 0,
                "revision": docket.revision,
                "claimed_by": handling.claimed_by,
                "lease_until_ms": handling.lease_until_ms,
                "seen": handling.seen,
                "held_until_ms": handling.held_until_ms,
                "moved_to": handling.moved_to,
                "proposal": handling.proposal and encode_fact(handling.proposal),
                "proposed_by": handling.proposal and handling.proposal.by,
                "alike": _plain(handling.alike) if handling.alike else None,
                "assigned_to": handling.assigned_to,
                "draft": handling.draft and _plain(handling.draft),
                "note": handling.note,
                "claimed_ms": handling.claimed_ms,
                "taken": handling.taken and _plain(handling.taken),
            },
        )

    def heed(self, connection: Connection, case: ReviewCase) -> None:
        """A fact has come or gone: keep by what the case is found, and whom it questions."""
        kin.note(connection, case)
        connection.execute(delete(questioned).where(questioned.c.case_id == case.id))
        for person in sorted(case.questioned()):
            connection.execute(insert(questioned).values(case_id=case.id, reviewer=person))

    def unseen(self, connection: Connection, docket: Docket) -> list[ReviewFact]:
        """What has come since its claimant looked at it."""
        rows = connection.execute(
            select(facts.c.kind, facts.c.body)
            .where(
                facts.c.case_id == docket.case.id,
                facts.c.revision > docket.handling.seen,
                facts.c.kind != "report",
            )
            .order_by(facts.c.revision)
        ).all()
        return [decode_fact(kind, body) for kind, body in rows]


def _new_row(about: About) -> dict[str, Any]:
    return {
        "id": about.case_id,
        "topic": about.topic,
        "message_id": orjson.dumps(about.message_id).decode(),
        "status": "closed",
        "is_open": False,
        "queue": "",
        "asked_ms": 0,
        "due_ms": 0,
        "revision": 0,
        "lease_until_ms": 0,
        "seen": 0,
        "held_until_ms": 0,
    }


def _plain(named: tuple[object, ...]) -> str:
    """As JSON, without the names of its fields."""
    return orjson.dumps(named, default=list).decode()


def _draft(body: str | None) -> Draft | None:
    if body is None:
        return None
    by, (outcome, *said) = orjson.loads(body)
    return Draft(by, Ruling(outcome and Outcome(outcome), *said))


def _proposal(body: str | None) -> DecisionFact | None:
    if body is None:
        return None
    found = decode_fact("decision", body)
    assert isinstance(found, DecisionFact)
    return found
