"""
Wellness: how much somebody has been shown today, so that it can be bounded.

Evidence that hiding texts helps is mixed, so nothing here claims to do good: limits and choice are
what people ask for. Nobody is compared with others by it, and it is forgotten after a month.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import delete, select

from consumer.review.store.database import Database
from consumer.review.store.tables import exposures

DAY_MS = 86_400_000
KEPT_MS = 30 * DAY_MS
"""So long it is remembered what somebody was shown; for the day's count one day would do."""
PAUSE_MS = 600_000
"""Who was shown nothing for so long has had a break."""


class Exposure(NamedTuple):
    """What somebody was shown today (in UTC), and since when without a break."""

    number: int
    categories: Counter[str]
    since_ms: int | None
    """None where they have a break now, or have not begun."""


class WellnessBook:
    """Counts what people were shown. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, person: str, case_id: str, category: str, now_ms: int) -> None:
        """Somebody was shown a text; once a day for each case."""
        row = {
            "person": person,
            "day": now_ms // DAY_MS,
            "case_id": case_id,
            "category": category,
            "at_ms": now_ms,
        }
        with self._database.writing() as connection:
            if self._database.insert_once(connection, exposures, row):
                connection.execute(delete(exposures).where(exposures.c.at_ms < now_ms - KEPT_MS))

    def today(self, person: str, now_ms: int) -> Exposure:
        """What somebody was shown so far."""
        asked = (
            select(exposures.c.category, exposures.c.at_ms)
            .where(exposures.c.person == person, exposures.c.day == now_ms // DAY_MS)
            .order_by(exposures.c.at_ms.desc())
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        since_ms, last_ms = None, now_ms
        for row in rows:
            if last_ms - row.at_ms >= PAUSE_MS:
                break
            since_ms = last_ms = row.at_ms
        return Exposure(len(rows), Counter(row.category for row in rows), since_ms)
