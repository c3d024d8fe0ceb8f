"""Audit: the log of who saw and did what, for those who look after it."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.console.console import Console, PageRequest, page
from consumer.review.store import log

PAGE = 100
"""Entries on a page."""


def show(console: Console, asked: PageRequest) -> Response:
    """The newest entries, or those before one."""
    return _shown(console, asked, None)


def verify(console: Console, asked: PageRequest) -> Response:
    """Whether every entry is there, and as it was written."""
    return _shown(console, asked, log.verify(console.room.database))


def _shown(console: Console, asked: PageRequest, verified: log.Verified | None) -> Response:
    before = asked.query.get("before", "")
    who, case = asked.query.get("who", "").strip(), asked.query.get("case", "").strip()
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    entries = log.latest(
        console.room.database, int(before) if is_number else None, who or None, case or None, PAGE
    )
    return page(
        console,
        asked,
        "audit.html",
        entries=entries,
        who=who,
        about=case,
        verified=verified,
        before=entries[-1].number if len(entries) == PAGE else None,
    )
