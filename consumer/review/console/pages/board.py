"""Board: the queues with their oldest case, and who is at work on what."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.cases.risk import lateness
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.store.survey import claims, queues, unpublished


def show(console: Console, asked: PageRequest) -> Response:
    """All queues that somebody may see, their own claims first."""
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
    taken = [claim for claim in claims(room.database, now_ms) if claim.queue not in closed]
    return page(
        console,
        asked,
        "board.html",
        queues=rows,
        mine=[claim for claim in taken if claim.person == who],
        others=[claim for claim in taken if claim.person != who],
        unpublished=unpublished(room.database),
        done=console.room.outbox.revocable(asked.query.get("done", ""), now_ms),
        is_empty="empty" in asked.query,
    )


def _stands(due_ms: int | None, asked_ms: int | None, now_ms: int) -> str:
    if due_ms is None or asked_ms is None:
        return ""
    return lateness(due_ms, asked_ms, now_ms)
