"""Figures: what `safeguard review stats` says, as a page: queues, quality and thresholds."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.console.console import Console, PageRequest, page

DAYS = (1, 7, 30, 90)
"""What is offered to look back."""
DAY_MS = 86_400_000


def show(console: Console, asked: PageRequest) -> Response:
    """The figures of the last days; all decisions in them are read."""
    wanted = asked.query.get("days", "7")
    days = int(wanted) if wanted in map(str, DAYS) else 7
    found = console.figures(asked.now_ms - days * DAY_MS)
    return page(console, asked, "figures.html", days=days, offered=DAYS, found=found)
