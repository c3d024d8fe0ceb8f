"""
Handout: which case somebody gets next, asked so that no database reads all the open ones.

The statements are made once: to make and to name one costs as much as its answer.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    or_,
    select,
)

from consumer.review.cases.rights import Rights, closed_to
from consumer.review.store.tables import cases, questioned, skips

_WHO = bindparam("who", type_=Text)
_NOW = bindparam("now_ms", type_=BigInteger)
_QUEUE = bindparam("queue", type_=Text)
_CLOSED = bindparam("closed", type_=Text, expanding=True)


def _is_free() -> ColumnElement[bool]:
    """Nobody is at work on it, and nothing keeps it from whoever asks."""
    return and_(
        cases.c.is_open,
        cases.c.lease_until_ms <= _NOW,
        cases.c.held_until_ms <= _NOW,
        cases.c.queue.not_in(_CLOSED),
        (cases.c.proposed_by.is_(None)) | (cases.c.proposed_by != _WHO),
        *(
            ~exists().where(table.c.case_id == cases.c.id, table.c.reviewer == _WHO)
            for table in (skips, questioned)
        ),
    )


def _anybodys(*more: ColumnElement[bool]) -> Select[Any]:
    """Asks for the first case that is anybody's; those others just take are passed."""
    asked = select(cases).where(_is_free(), cases.c.assigned_to.is_(None), *more)
    first = asked.order_by(cases.c.due_ms, cases.c.id).limit(1)
    return first.with_for_update(of=cases, skip_locked=True)


_ANYBODYS = _anybodys()
_ANYBODYS_OF = _anybodys(cases.c.queue == _QUEUE)
_OWN = (
    select(cases)
    .where(
        or_(
            and_(cases.c.claimed_by == _WHO, cases.c.lease_until_ms > _NOW),
            and_(cases.c.assigned_to == _WHO, _is_free()),
        )
    )
    .with_for_update(of=cases)
)


def next_row(
    connection: Connection, reviewer: str, now_ms: int, queue: str | None, rights: Rights
) -> Row[Any] | None:
    """
    What somebody has, else what was handed to them, else what is anybody's, each as it is due.

    Of one queue alone, if one is named.
    """
    about = {"who": reviewer, "now_ms": now_ms, "closed": closed_to(reviewer, rights)}
    own = connection.execute(_OWN, about).all()
    mine = [row for row in own if queue is None or row.queue == queue]
    if mine:
        return min(mine, key=lambda row: (row.lease_until_ms <= now_ms, row.due_ms, row.id))
    if queue is None:
        return connection.execute(_ANYBODYS, about).first()
    return connection.execute(_ANYBODYS_OF, about | {"queue": queue}).first()
