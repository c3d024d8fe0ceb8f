"""
Second looks: decided cases shown to another person who does not know what was decided.

A share of all decisions is looked at once more, by one person; what a lead has called golden by
everybody once. Nothing follows for the message: it is people's agreement that is measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, select

from consumer.review.cases.facts import DecisionFact, decode_fact
from consumer.review.cases.ruling import ActRefused
from consumer.review.store import log
from consumer.review.store.database import Database
from consumer.review.store.kin import policy_mark
from consumer.review.store.tables import cases, facts, golden, marks, second_looks

BACK_MS = 604_800_000
"""A decision older than a week is looked at no more, unless it is golden."""
CANDIDATES_MAX = 300
"""So many of the last decisions are gone through for one that is due."""


class BlindLook(NamedTuple):
    """What somebody said of a decided case without knowing the decision."""

    case_id: str
    decided_by: str
    decided: str
    person: str
    said: str
    is_golden: bool


class SecondLooks:
    """Hands out decided cases, and keeps what is said of them. Any thread may use it."""

    def __init__(self, database: Database, share: float) -> None:
        self._database = database
        self._share = share

    def due(
        self, person: str, now_ms: int, closed: Collection[str], avoid: Sequence[str] = ()
    ) -> str | None:
        """
        A case that somebody is to look at, golden ones first; None where there is none.

        Nothing that one of the policies in `avoid` sent here.
        """
        avoided = marks.c.mark.in_([policy_mark(name) for name in avoid])
        may_see = [~exists().where(marks.c.case_id == cases.c.id, avoided)] if avoid else []
        is_golden = facts.c.case_id.in_(select(golden.c.case_id))
        with self._database.reading() as connection:
            for case_id, decision, looked in self._decided(
                connection, [is_golden, *may_see], closed
            ):
                if person not in looked and person not in decision.people:
                    return case_id
            if not self._share:
                return None
            late = [~is_golden, facts.c.at_ms >= now_ms - BACK_MS, *may_see]
            for case_id, decision, looked in self._decided(connection, late, closed):
                is_wanted = not looked and is_sampled(decision.id, self._share)
                if is_wanted and person not in decision.people:
                    return case_id
        return None

    def give(self, person: str, now_ms: int, case_id: str, outcome: str) -> None:
        """
        Somebody says what they would have decided.

        Raises:
            ActRefused: it is their own decision, or they were asked before.
        """
        with self._database.writing() as connection:
            decision = self.decision_for(connection, person, case_id)
            row = {
                "case_id": case_id,
                "decision_id": decision.id,
                "person": person,
                "decided_by": decision.by,
                "decided": decision.outcome,
                "said": outcome,
                "at_ms": now_ms,
            }
            if not self._database.insert_once(connection, second_looks, row):
                raise ActRefused(f"case {case_id}: you have looked at it before")
            log.append(connection, now_ms, person, "second look", case_id)

    def decision_for(self, connection: Connection, person: str, case_id: str) -> DecisionFact:
        """
        The decision that somebody may look at without having made it.

        Raises:
            ActRefused: there is none, or it is theirs.
        """
        asked = (
            select(facts.c.body)
            .where(facts.c.case_id == case_id, facts.c.kind == "decision")
            .order_by(facts.c.at_ms.desc(), facts.c.id.desc())
        )
        body = connection.execute(asked).scalars().first()
        if body is None:
            raise ActRefused(f"case {case_id} has no decision to look at")
        decision = _decision(body)
        if person in decision.people:
            raise ActRefused(f"case {case_id}: a second look is another person's")
        return decision

    def check(self, person: str, case_id: str) -> None:
        """
        See that somebody may look at it.

        Raises:
            ActRefused: as `decision_for`.
        """
        with self._database.reading() as connection:
            self.decision_for(connection, person, case_id)

    def make_golden(self, who: str, now_ms: int, case_id: str) -> None:
        """
        Have everybody asked about a case once: what was decided is what is right.

        Raises:
            ActRefused: nothing was decided.
        """
        with self._database.writing() as connection:
            self.decision_for(connection, "", case_id)
            row = {"case_id": case_id, "made_by": who, "at_ms": now_ms}
            if self._database.insert_once(connection, golden, row):
                log.append(connection, now_ms, who, "golden", case_id)

    def all_since(self, since_ms: int) -> list[BlindLook]:
        """Everything that was said since a time."""
        names = set(self._golden_names())
        asked = select(second_looks).where(second_looks.c.at_ms >= since_ms)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(second_looks.c.at_ms)).all()
        return [
            BlindLook(
                row.case_id, row.decided_by, row.decided, row.person, row.said, row.case_id in names
            )
            for row in rows
        ]

    def _golden_names(self) -> list[str]:
        with self._database.reading() as connection:
            return list(connection.execute(select(golden.c.case_id)).scalars())

    def _decided(
        self,
        connection: Connection,
        wanted: Sequence[ColumnElement[bool]],
        closed: Collection[str],
    ) -> list[tuple[str, DecisionFact, set[str]]]:
        """The latest decisions, each with those who have looked at it."""
        asked = (
            select(facts.c.case_id, facts.c.body)
            .join(cases, cases.c.id == facts.c.case_id)
            .where(
                facts.c.kind == "decision",
                cases.c.status == "decided",
                cases.c.queue.not_in(closed),
                *wanted,
            )
            .order_by(facts.c.at_ms.desc(), facts.c.id)
            .limit(CANDIDATES_MAX)
        )
        found = [(row.case_id, _decision(row.body)) for row in connection.execute(asked)]
        names = [decision.id for _, decision in found]
        said = select(second_looks.c.decision_id, second_looks.c.person).where(
            second_looks.c.decision_id.in_(names)
        )
        looked: defaultdict[str, set[str]] = defaultdict(set)
        for row in connection.execute(said):
            looked[row.decision_id].add(row.person)
        return [(case_id, decision, looked[decision.id]) for case_id, decision in found]


def is_sampled(decision_id: str, share: float) -> bool:
    """Whether a decision is one of that share: the same ones whoever asks, and whenever."""
    digest = blake2b(decision_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest) < share * 2**32


def _decision(body: str) -> DecisionFact:
    found = decode_fact("decision", body)
    assert isinstance(found, DecisionFact)
    return found
