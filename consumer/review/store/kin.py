"""Kin: cases that belong together, found by their texts, their author or a label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Text, bindparam, delete, insert, select

from consumer.domain.messages.likeness import likeness, parts_of
from consumer.domain.messages.likeness import marks as marks_of_parts
from consumer.domain.policy import Outcome
from consumer.review.cases.case import Concern, ReviewCase
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import decode_fact
from consumer.review.cases.handling import Seen
from consumer.review.store.tables import cases, facts, marks

GROUP_MAX = 100
"""So many cases at most are decided along with one: a reviewer sees them all."""
CANDIDATES = 1_000
"""So many are looked up at most, however many have a word in common."""


_WITH_MARKS = (
    select(marks.c.case_id)
    .where(
        marks.c.mark.in_(bindparam("marks", type_=Text, expanding=True)),
        marks.c.case_id != bindparam("case_id", type_=Text),
    )
    .distinct()
    .limit(CANDIDATES)
)
"""The other cases that have any of some marks; made once."""


class Query(NamedTuple):
    """Which open cases are meant; all that is said has to hold."""

    author: str | None = None
    label: str | None = None
    """`POLICY.LABEL` that a model gave."""
    topic: str | None = None
    queue: str | None = None


def text_of(case: ReviewCase) -> str:
    """What the last version of the message says; nothing where that is not there as a whole."""
    message = case.flagged.envelope.get("message", {}) if case.flagged is not None else {}
    return "" if message.get("text_cut") else message.get("text") or ""


def note(connection: Connection, case: ReviewCase) -> None:
    """
    Keep the marks by which a case is found as what is known of it has them.

    Closed cases have none of their texts: of a flood that was decided about nobody has to read
    past the rest. By author and position they are found for as long as they are kept.
    """
    mine = marks.c.case_id == case.id
    there = set(connection.execute(select(marks.c.mark).where(mine)).scalars())
    due = _lasting(case)
    if isinstance(case.status, Concern):
        due |= _marks(case)
    if there - due:
        connection.execute(delete(marks).where(mine, marks.c.mark.in_(there - due)))
    for mark in sorted(due - there):
        connection.execute(insert(marks).values(case_id=case.id, mark=mark))


def alike(
    connection: Connection, docket: Docket, now_ms: int, closed: Collection[str]
) -> tuple[Seen, ...]:
    """
    The open cases that nobody is at work on and whose text is nearly that of this one.

    None from the queues that are closed to whoever asks.
    """
    parts, enough = parts_of(text_of(docket.case)), docket.terms.alike
    wanted = [f"text:{mark}" for mark in marks_of_parts(parts)]
    # An appeal is about one verdict, and is judged by itself.
    if not wanted or not enough or docket.case.open_appeals:
        return ()
    # In two steps: a database that guesses wrong would look at every open case instead.
    about = {"marks": wanted, "case_id": docket.case.id}
    names = connection.execute(_WITH_MARKS, about).scalars().all()
    if not names:
        return ()
    asked = (
        cases.c.id.in_(names),
        cases.c.topic == docket.case.topic,
        cases.c.queue.not_in(closed),
    )
    found = _free(connection, asked, now_ms, GROUP_MAX)
    near = {
        case.id
        for case in _told(connection, [seen.case_id for seen in found])
        if likeness(parts, parts_of(text_of(case))) >= enough
    }
    return tuple(seen for seen in found if seen.case_id in near)


def along(connection: Connection, case_id: str, root: str) -> tuple[str, ...]:
    """The other cases that ever had a decision of this root, as far as they are in the store."""
    rows = connection.execute(
        select(marks.c.case_id)
        .where(marks.c.mark == _root_mark(root), marks.c.case_id != case_id)
        .order_by(marks.c.case_id)
        .limit(GROUP_MAX)
    )
    return tuple(rows.scalars())


def matching(
    connection: Connection, query: Query, now_ms: int, limit: int, closed: Collection[str]
) -> tuple[Seen, ...]:
    """The open cases that nobody is at work on and that are meant; none from closed queues."""
    wanted: list[str] = []
    if query.author is not None:
        wanted.append(author_mark(query.author))
    if query.label is not None:
        wanted.append(f"label:{query.label}")
    asked: list[ColumnElement[bool]] = [
        cases.c.id.in_(select(marks.c.case_id).where(marks.c.mark == m)) for m in wanted
    ]
    asked.append(cases.c.queue.not_in(closed))
    if query.topic is not None:
        asked.append(cases.c.topic == query.topic)
    if query.queue is not None:
        asked.append(cases.c.queue == query.queue)
    return _free(connection, asked, now_ms, limit)


def _free(
    connection: Connection, asked: Collection[ColumnElement[bool]], now_ms: int, limit: int
) -> tuple[Seen, ...]:
    rows = connection.execute(
        select(cases.c.id, cases.c.revision)
        .where(
            *asked,
            cases.c.is_open,
            cases.c.lease_until_ms <= now_ms,
            cases.c.held_until_ms <= now_ms,
            cases.c.status != "appeal",
        )
        .order_by(cases.c.due_ms, cases.c.id)
        .limit(limit)
    ).all()
    return tuple(Seen(*row) for row in rows)


def _told(connection: Connection, names: Collection[str]) -> list[ReviewCase]:
    """These cases with their verdicts alone, which have the texts."""
    rows = connection.execute(
        select(facts.c.case_id, facts.c.body).where(
            facts.c.case_id.in_(names), facts.c.kind == "verdict"
        )
    ).all()
    bodies: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        bodies[row.case_id].append(row.body)
    found = []
    for name, texts in bodies.items():
        case = ReviewCase(name, "", "")
        for body in texts:
            case = case.with_fact(decode_fact("verdict", body))
        found.append(case)
    return found


def _marks(case: ReviewCase) -> set[str]:
    found = {f"text:{mark}" for mark in marks_of_parts(parts_of(text_of(case)))}
    if case.flagged is None:
        return found
    for judgement in case.flagged.envelope.get("judgements", []):
        if judgement.get("outcome") != Outcome.ALLOW:
            found.add(f"label:{judgement.get('policy')}.{judgement.get('label')}")
    return found


def _lasting(case: ReviewCase) -> set[str]:
    """Its author, its places, the policies that sent it here, and what it was decided with."""
    places = [report.position for report in case.reports]
    places += [appeal.position for appeal in case.appeals]
    places += [verdict.position for verdict in case.verdicts]
    found = {position_mark(place) for place in places if place is not None}
    found |= {policy_mark(name) for name in case.sent_by}
    found |= {_root_mark(decision.root) for decision in case.decisions if decision.batch}
    for verdict in case.verdicts:
        author = verdict.envelope.get("message", {}).get("author")
        if author is not None:
            found.add(author_mark(str(author)))
    return found


def policy_mark(name: str) -> str:
    """By what the cases that a policy sent to people are found."""
    return f"policy:{name}"


def author_mark(author: str) -> str:
    """By what cases of an author's messages are found."""
    return f"author:{_digest(author)}"


def position_mark(position: str) -> str:
    """By what the case of the message in a record is found."""
    return f"at:{_digest(position)}"


def _root_mark(root: str) -> str:
    """By what the cases are found that one look of a person decided."""
    return f"with:{root}"


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
