"""
Handout: which case somebody gets next, asked so that no database reads all the open ones.

The statements are made once: to make and to name one costs as much as its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
    func,
    or_,
    select,
)

from consumer.review.cases.rights import Rights, closed_to
from consumer.review.store.kin import policy_mark
from consumer.review.store.tables import cases, marks, questioned, skips

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
    # Not `IS NULL`: a database that has no statistics yet takes that for rare, and sorts all that
    # is open where it should read along the index.
    is_unassigned = func.length(func.coalesce(cases.c.assigned_to, "")) < 1
    asked = select(cases).where(_is_free(), is_unassigned, *more)
    first = asked.order_by(cases.c.due_ms, cases.c.id).limit(1)
    return first.with_for_update(of=cases, skip_locked=True)


def _not_marked() -> ColumnElement[bool]:
    """It has none of the marks that are to be avoided."""
    avoided = marks.c.mark.in_(bindparam("avoid", type_=Text, expanding=True))
    return ~exists().where(marks.c.case_id == cases.c.id, avoided)


_OF_QUEUE = cases.c.queue == _QUEUE
_ANYBODYS = {
    # By whether one queue is meant, and whether any policy is to be avoided.
    (False, False): _anybodys(),
    (True, False): _anybodys(_OF_QUEUE),
    (False, True): _anybodys(_not_marked()),
    (True, True): _anybodys(_OF_QUEUE, _not_marked()),
}
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


class Pick(NamedTuple):
    """Which cases somebody wants."""

    queue: str | None = None
    """Of this one alone."""
    avoid: Sequence[str] = ()
    """None that these policies sent; what they were handed by name they get all the same."""


def next_row(
    connection: Connection, reviewer: str, now_ms: int, asked: Pick, rights: Rights
) -> Row[Any] | None:
    """What somebody has, else what they were handed, else what is anybody's, each as it is due."""
    queue = asked.queue
    about: dict[str, Any] = {
        "who": reviewer,
        "now_ms": now_ms,
        "closed": closed_to(reviewer, rights),
    }
    own = connection.execute(_OWN, about).all()
    mine = [row for row in own if queue is None or row.queue == queue]
    if mine:
        return min(mine, key=lambda row: (row.lease_until_ms <= now_ms, row.due_ms, row.id))
    if queue is not None:
        about["queue"] = queue
    if asked.avoid:
        about["avoid"] = [policy_mark(name) for name in asked.avoid]
    return connection.execute(_ANYBODYS[queue is not None, bool(asked.avoid)], about).first()
