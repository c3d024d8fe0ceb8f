"""
The loop: messages through a worker, a feed, two reviewers in two browsers, and back to the topics.

The console is killed twice while a decision is on its way, PostgreSQL once; what was decided has
to lie on the topics once, and nothing may stay undone.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Error, Page, Request
from sqlalchemy import func, select

from consumer.errors import StoreUnavailable
from consumer.review.records.decision import DecisionRecord
from consumer.review.store.database import Database
from consumer.review.store.outbox import ItemState
from consumer.review.store.tables import cases, facts, outbox
from tests.browser.chromium import SERIOUS, barriers, chromium
from tests.browser.served import ServedConsole, signed_in
from tests.databases import RealPostgres
from tests.journeys.reviewing import ReviewScene
from tests.records import write
from tests.stage import Broker

PATIENCE_S = 900.0
REVIEWERS = ("ann", "bob")


class Looped(NamedTuple):
    """What became of the flags and reports."""

    asked: int
    decisions: int
    lost: int
    """Cases without a decision, decisions without a record or a verdict."""
    doubled: int
    """Records and verdicts beyond one for each decision."""
    console_kills: int
    store_kills: int
    axe_serious: int
    seconds: float


class Standing(NamedTuple):
    """How far the store is."""

    open: int
    decided: int
    unsent: int


class ReviewLoop:
    """Runs once."""

    def __init__(self, broker: Broker, postgres: RealPostgres, folder: Path) -> None:
        self._postgres = postgres
        self.store = postgres.database()
        self.scene = ReviewScene(broker, folder, self.store)
        more = (f"kafka.bootstrap_servers={broker.bootstrap_servers}", "review.undo_s=0")
        self._served = ServedConsole(self.store, self.scene.policies, folder, more)
        self._kill_at_next = threading.Event()
        self._killed = threading.Event()
        self._is_over = threading.Event()
        self._faults: list[str] = []
        self._feed: subprocess.Popen[str] | None = None
        self._axe = 0

    async def run(self, messages: int, flagged: int, reported: int) -> Looped:
        """All of it."""
        started_s = time.monotonic()
        self._send(messages, flagged)
        await self.scene.work(messages)
        Database(self.store).close()
        asked = flagged + reported
        with self.scene.feed() as self._feed, self._served:
            self._report(messages, reported)
            self._until(lambda: self._standing().open == asked, "open cases")
            people = [
                threading.Thread(target=self._review, args=(name,), daemon=True)
                for name in REVIEWERS
            ]
            for each in people:
                each.start()
            self._disturb(asked)
            self._until(lambda: self._standing()[0::2] == (0, 0), "the last decision")
            self._is_over.set()
            for each in people:
                each.join(60)
        if self._faults:
            raise AssertionError("; ".join(self._faults))
        return self._reckoned(asked, time.monotonic() - started_s)

    def _send(self, messages: int, flagged: int) -> None:
        for number in range(messages):
            words = "a doubtful thing" if number < flagged else "all is fine"
            text = f"{words} " + " ".join(f"w{number * 13 + at * 7_919}" for at in range(14))
            value = json.dumps({"id": f"m-{number}", "text": text}).encode()
            servers, key = self.scene.broker.bootstrap_servers, b"k%d" % number
            write(servers, self.scene.topic, [value], key=key, partition=number % 2)

    def _report(self, messages: int, reported: int) -> None:
        """People report what was allowed, the last of it first."""
        allowed = {r.header("safeguard-message-id"): r for r in self.scene.on(".allow")}
        values = []
        for number in range(messages - reported, messages):
            record = allowed[f"m-{number}"]
            report = {
                "message_id": f"m-{number}",
                "position": record.header("safeguard-position"),
                "verdict_id": record.header("safeguard-verdict-id"),
                "reporter": f"u-{number}",
                "reason": "rude",
            }
            values.append(json.dumps(report).encode())
        servers = self.scene.broker.bootstrap_servers
        write(servers, self.scene.topic + ".reports", values, partition=0)

    def _disturb(self, asked: int) -> None:
        """Kill the console in the middle of a decision, twice; PostgreSQL between the two."""
        for share in (0.2, 0.6):
            self._until_decided(share * asked)
            self._killed.clear()
            self._kill_at_next.set()
            self._until(self._killed.is_set, "a decision under way")
            self._served.start()
            if share == 0.2:
                self._until_decided(0.4 * asked)
                self._postgres.kill()
                self._postgres.start()

    def _review(self, name: str) -> None:
        """One person in a browser of their own, until nothing is left."""
        try:
            with chromium() as browser:
                _, page = signed_in(self._served, browser, name)
                page.on("request", self._perhaps_kill)
                looked = False
                while not self._is_over.is_set():
                    try:
                        self._one(page)
                        if not looked and page.locator("#decide").count():
                            found = barriers(page)
                            self._axe += sum(each.impact in SERIOUS for each in found)
                            looked = True
                    except Error:
                        # The console or the store is away: a person waits a moment, and looks.
                        page.wait_for_timeout(300)
        except BaseException as error:
            self._faults.append(f"{name}: {error!r}")
            self._is_over.set()

    def _one(self, page: Page) -> None:
        """Decide what is open, or go and get something."""
        if page.locator("#decide").count() == 0:
            page.goto(self._served.origin, timeout=10_000)
            page.keyboard.press("n")
            page.wait_for_url(re.compile(r"/cases/|empty=1"), timeout=10_000)
            return
        page.keyboard.press("a")
        page.keyboard.press("w")
        page.keyboard.type("looked at")
        before = page.url
        page.keyboard.press("Control+Enter")
        page.wait_for_url(lambda url: url != before, timeout=10_000)

    def _perhaps_kill(self, request: Request) -> None:
        is_decision = request.method == "POST" and request.url.endswith("/decide")
        if is_decision and self._kill_at_next.is_set():
            self._kill_at_next.clear()
            self._served.kill()
            self._killed.set()

    def _standing(self) -> Standing:
        database = Database(self.store)
        try:
            with database.reading() as connection:
                number = select(func.count())
                is_open = connection.execute(number.select_from(cases).where(cases.c.is_open))
                decided = connection.execute(
                    number.select_from(facts).where(facts.c.kind == "decision")
                )
                unsent = connection.execute(
                    number.select_from(outbox).where(outbox.c.state != ItemState.SENT)
                )
                return Standing(is_open.scalar_one(), decided.scalar_one(), unsent.scalar_one())
        finally:
            database.close()

    def _until_decided(self, number: float) -> None:
        self._until(lambda: self._standing().decided >= number, "decisions")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not self._faults:
            try:
                if condition():
                    return
            except StoreUnavailable:
                pass
            if self._feed is not None and self._feed.poll() is not None:
                raise AssertionError("the feed has ended")
            if time.monotonic() > until_s:
                raise AssertionError(f"waited for {what}: {self._standing()}")
            time.sleep(0.1)  # between two looks at other processes, which tell nobody

    def _reckoned(self, asked: int, seconds: float) -> Looped:
        database = Database(self.store)
        with database.reading() as connection:
            rows = connection.execute(
                select(facts.c.case_id, facts.c.body).where(facts.c.kind == "decision")
            ).all()
        database.close()
        kept = {json.loads(row.body)["id"]: json.loads(row.body)["verdict"] for row in rows}
        records = self.scene.on(".decisions")
        said = Counter(DecisionRecord.model_validate_json(r.value or b"").id for r in records)
        told = Counter(
            str(r.header("safeguard-verdict-id"))
            for r in self.scene.superseding()
            if r.header("safeguard-cause") == "human"
        )
        due = [verdict for verdict in kept.values() if verdict is not None]
        lost = asked - len({row.case_id for row in rows})
        lost += sum(said[name] == 0 for name in kept) + sum(told[name] == 0 for name in due)
        doubled = sum(number - 1 for number in (*said.values(), *told.values()) if number > 1)
        doubled += len(rows) - len({row.case_id for row in rows}) + len(set(said) - set(kept))
        return Looped(asked, len(rows), lost, doubled, 2, 1, self._axe, seconds)
