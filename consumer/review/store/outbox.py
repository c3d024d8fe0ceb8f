"""
Outbox: what was decided and has to be published, kept with the decision in one transaction.

Each item is published once by its id. Before it is sent it is noted where on its topic it can come
to lie at the earliest; whoever finds it noted and not done looks there before sending it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from consumer.interfaces import Output
from consumer.review.cases.facts import DecisionFact
from consumer.review.store.database import Database
from consumer.review.store.tables import outbox, turns

TURN = "outbox"
"""One process publishes at a time, so that nobody sends what another is looking for."""


class ItemKind(StrEnum):
    """What of a decision is published."""

    DECISION = "decision"
    VERDICT = "verdict"
    STATEMENT = "statement"
    SECOND_JUDGEMENT = "second judgement"
    """Of no decision: the record of a reported message, for the workers to judge once more."""


class ItemState(StrEnum):
    """How far an item has come."""

    PENDING = "pending"
    SENDING = "sending"
    """It may be stored or not."""
    SENT = "sent"
    GIVEN_UP = "given up"
    """It never can be published; the note says why."""


_UNSENT = (ItemState.PENDING, ItemState.SENDING)


class Item(NamedTuple):
    """Something to publish."""

    id: str
    decision_id: str
    """Of a second judgement: the verdict that it is to take the place of."""
    case_id: str
    kind: ItemKind
    state: ItemState
    floor: Output | None
    """Where it was about to be written."""
    floor_offset: int


class Revocable(NamedTuple):
    """Decisions that nobody has been told of."""

    name: str
    """Of the case, or of the batch."""
    cases: int
    until_ms: int


class Outbox:
    """What is to be published, in the order in which it was decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_turn(self, owner: str, now_ms: int, turn_ms: int) -> bool:
        """Whether it is this process's turn, from now on for so long."""
        row = {"name": TURN, "owner": owner, "until_ms": now_ms + turn_ms}
        with self._database.writing() as connection:
            if self._database.insert_once(connection, turns, row):
                return True
            taken = connection.execute(
                update(turns)
                .where(
                    turns.c.name == TURN, or_(turns.c.owner == owner, turns.c.until_ms <= now_ms)
                )
                .values(owner=owner, until_ms=now_ms + turn_ms)
            )
            return taken.rowcount > 0

    def give_turn(self, owner: str) -> None:
        """Nothing of ours is under way any more: anybody may go on at once."""
        with self._database.writing() as connection:
            connection.execute(
                update(turns).where(turns.c.name == TURN, turns.c.owner == owner).values(until_ms=0)
            )

    def due(self, now_ms: int, limit: int) -> list[Item]:
        """
        The oldest items that may go out now; of each case those of one decision.

        What a case's earlier decision left open goes out before what a later one says.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                select(outbox)
                .where(outbox.c.state.in_(_UNSENT))
                .where(outbox.c.not_before_ms <= now_ms)
                .order_by(outbox.c.number)
                .limit(limit)
            ).all()
        first: dict[str, str] = {}
        found = []
        for row in rows:
            if first.setdefault(row.case_id, row.decision_id) == row.decision_id:
                floor = None
                if row.floor_topic is not None:
                    floor = Output(row.floor_topic, row.floor_partition)
                found.append(
                    Item(
                        row.id,
                        row.decision_id,
                        row.case_id,
                        ItemKind(row.kind),
                        ItemState(row.state),
                        floor,
                        row.floor_offset or 0,
                    )
                )
        return found

    def revocable(self, name: str, now_ms: int) -> Revocable | None:
        """How much of a case's or a batch's decisions can still be taken back, and how long."""
        mine = (outbox.c.case_id == name) | (outbox.c.batch == name)
        asked = select(
            func.count(outbox.c.case_id.distinct()), func.min(outbox.c.not_before_ms)
        ).where(mine, outbox.c.state == ItemState.PENDING, outbox.c.not_before_ms > now_ms)
        with self._database.reading() as connection:
            number, until_ms = connection.execute(asked).one()
        return Revocable(name, number, until_ms) if number else None

    def sending(self, floors: Mapping[str, tuple[Output, int]], now_ms: int) -> set[str]:
        """
        Note, before they are sent, where items will lie, and from which offset on.

        Returns those that may be sent: one may have been taken back by a clock that is behind.
        """
        noted = set()
        with self._database.writing() as connection:
            for name, (output, offset) in floors.items():
                changed = connection.execute(
                    update(outbox)
                    .where(outbox.c.id == name, outbox.c.state.in_(_UNSENT))
                    .values(
                        state=ItemState.SENDING,
                        floor_topic=output.topic,
                        floor_partition=output.partition,
                        floor_offset=offset,
                        tried_ms=now_ms,
                    )
                )
                if changed.rowcount:
                    noted.add(name)
        return noted

    def ask(self, case_id: str, verdict: str) -> bool:
        """Have a message judged once more, once for each verdict on it; whether that is new."""
        row = {
            "id": f"{verdict}:{case_id}:{ItemKind.SECOND_JUDGEMENT}",
            "decision_id": verdict,
            "case_id": case_id,
            "kind": ItemKind.SECOND_JUDGEMENT,
            "state": ItemState.PENDING,
            "not_before_ms": 0,
            "tried_ms": 0,
        }
        with self._database.writing() as connection:
            return self._database.insert_once(connection, outbox, row)

    def sent(self, names: Sequence[str]) -> None:
        """The broker has them."""
        self._settle(names, ItemState.SENT, None)

    def give_up(self, name: str, why: str) -> None:
        """It can never be published."""
        self._settle([name], ItemState.GIVEN_UP, why)

    def _settle(self, names: Sequence[str], state: ItemState, note: str | None) -> None:
        if names:
            with self._database.writing() as connection:
                connection.execute(
                    update(outbox).where(outbox.c.id.in_(names)).values(state=state, note=note)
                )


def post(
    connection: Connection,
    case_id: str,
    decision: DecisionFact,
    not_before_ms: int,
    *,
    with_statement: bool = False,
) -> None:
    """Have a decision published, and the verdict and the statement that follow from it."""
    kinds = [ItemKind.DECISION]
    if decision.verdict is not None and decision.position is not None:
        kinds.append(ItemKind.VERDICT)
    if with_statement:
        kinds.append(ItemKind.STATEMENT)
    for kind in kinds:
        connection.execute(
            insert(outbox).values(
                id=f"{decision.id}:{kind}",
                decision_id=decision.id,
                case_id=case_id,
                kind=kind,
                state=ItemState.PENDING,
                not_before_ms=not_before_ms,
                tried_ms=0,
                batch=decision.batch,
            )
        )


def take_back(connection: Connection, decision_id: str, now_ms: int) -> bool:
    """Take a decision out that nothing has been published of; False where that is too late."""
    rows = connection.execute(
        select(outbox).where(outbox.c.decision_id == decision_id).with_for_update()
    ).all()
    if not rows or any(r.state != ItemState.PENDING or r.not_before_ms <= now_ms for r in rows):
        return False
    connection.execute(delete(outbox).where(outbox.c.decision_id == decision_id))
    return True
