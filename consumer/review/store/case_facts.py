"""Case facts: all that is known of one case, asked for in one statement that is made once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Text,
    bindparam,
    cast,
    distinct,
    func,
    literal,
    select,
    union_all,
)

from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import decode_fact
from consumer.review.store.tables import facts

REPORTS_KEPT = 50
"""Of a flood of reports so many are shown; all are counted."""
_REPORTERS = "reporters"
"""In place of a kind: how many people reported it."""


def case_of(connection: Connection, case: ReviewCase) -> ReviewCase:
    """The case of all its facts, but of reports only the first."""
    rows = connection.execute(_FACTS, {"case_id": case.id}).all()
    reporters = next(int(row.body) for row in rows if row.kind == _REPORTERS)
    found = ReviewCase(case.id, case.topic, case.message_id, reporters=reporters)
    for kind, body in rows:
        if kind != _REPORTERS:
            found = found.with_fact(decode_fact(kind, body))
    return found


def _of_a_case() -> CompoundSelect[Any]:
    mine = facts.c.case_id == bindparam("case_id", type_=Text)
    is_report = facts.c.kind == "report"
    first = (
        select(facts.c.kind, facts.c.body)
        .where(mine, is_report)
        .order_by(facts.c.at_ms, facts.c.id)
        .limit(REPORTS_KEPT)
        .subquery()
    )
    people = cast(func.count(distinct(facts.c.actor)), Text)
    return union_all(
        select(facts.c.kind, facts.c.body).where(mine, ~is_report),
        select(first.c.kind, first.c.body),
        select(literal(_REPORTERS), people).where(mine, is_report),
    )


_FACTS = _of_a_case()
