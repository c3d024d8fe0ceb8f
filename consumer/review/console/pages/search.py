"""Search: cases by what people were told: an id, an author, a position, a time."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from consumer.review.cases.facts import case_id
from consumer.review.cases.ruling import ActRefused
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.store.search import FOUND_MAX, FoundCase, Sought, find

FIELDS = ("id", "author", "position", "since", "until")
FIELD_CHARS_MAX = 500
"""Of what is looked for; ids of messages are no longer."""


def show(console: Console, asked: PageRequest) -> Response:
    """The form, and what it finds."""
    said = {name: asked.query.get(name, "").strip()[:FIELD_CHARS_MAX] for name in FIELDS}
    found: list[FoundCase] | None = None
    if any(said.values()):
        closed = console.room.desk.closed_to(asked.who.person)
        sought = sought_by(said, _topics(console))
        room, now_ms = console.room, asked.now_ms
        found = find(room.database, asked.who.person, now_ms, sought, closed)
    return page(console, asked, "search.html", said=said, found=found, found_max=FOUND_MAX)


def sought_by(said: dict[str, str], topics: list[str]) -> Sought:
    """
    What a form looks for.

    Raises:
        ActRefused: a time cannot be read.
    """
    names = None
    if said["id"]:
        # A message has its case's id made of the topic and its own; which topic nobody has to know.
        names = [said["id"], *(case_id(topic, said["id"]) for topic in topics)]
    return Sought(
        names=names,
        author=said["author"] or None,
        position=said["position"] or None,
        since_ms=_moment_ms(said["since"]),
        until_ms=_moment_ms(said["until"]),
    )


def _topics(console: Console) -> list[str]:
    return console.room.book.topics()


def _moment_ms(text: str) -> int | None:
    """As a browser's field gives it; in UTC, as all times here."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        return int(found.timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise ActRefused(f"{text[:40]}: write a time as in 2026-01-31T08:00") from None
