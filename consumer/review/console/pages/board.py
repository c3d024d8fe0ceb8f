"""Board: the queues with their oldest case, and who is at work on what."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from consumer.review.cases.risk import duration, lateness
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.store.survey import claims, queues, unpublished


def show(console: Console, asked: PageRequest) -> Response:
    """All queues that somebody may see, their own claims first."""
    done = console.room.outbox.revocable(asked.query.get("done", ""), asked.now_ms)
    is_empty, is_enough = "empty" in asked.query, "enough" in asked.query
    known = _queues(console, asked)
    return page(
        console, asked, "board.html", done=done, is_empty=is_empty, is_enough=is_enough, **known
    )


def show_queues(console: Console, asked: PageRequest) -> Response:
    """The part of it that changes by itself."""
    return page(console, asked, "queues.html", **_queues(console, asked))


def _queues(console: Console, asked: PageRequest) -> dict[str, Any]:
    room, who, now_ms = console.room, asked.who.person, asked.now_ms
    closed = set(room.desk.closed_to(who))
    rows = [
        {
            "name": name,
            "count": count,
            "stands": _stands(count.first_due_ms, count.oldest_asked_ms, now_ms),
            "is_late": count.late > 0,
        }
        for name, count in queues(room.database, now_ms).items()
        if name not in closed
    ]
    taken = [
        claim._asdict() | {"held": duration(now_ms - claim.since_ms)}
        for claim in claims(room.database, now_ms)
        if claim.queue not in closed
    ]
    return {
        "queues": rows,
        "mine": [claim for claim in taken if claim["person"] == who],
        "others": [claim for claim in taken if claim["person"] != who],
        "unpublished": unpublished(room.database),
    }


def _stands(due_ms: int | None, asked_ms: int | None, now_ms: int) -> str:
    if due_ms is None or asked_ms is None:
        return ""
    return lateness(due_ms, asked_ms, now_ms)
