"""A console in a process of its own, which may be killed, and people who come to it by link."""

from __future__ import annotations

import secrets
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page

from consumer.review.console.sign_in.ways import LINK
from consumer.review.store.database import Database
from consumer.review.store.entrance import Entrance, VisitTerms
from tests.servers.child import Child, free_ports

ROOT = Path(__file__).parent.parent.parent
START_S = 60.0


class ServedConsole:
    """Runs inside the `with` block."""

    def __init__(self, store: str, policies: Path, folder: Path, more: Sequence[str] = ()) -> None:
        self.store = store
        self._folder = folder
        (self._port,) = free_ports(1)
        self.origin = f"http://127.0.0.1:{self._port}"
        self._child: Child | None = None
        named = {
            "review.store": store,
            "policies.folder": str(policies),
            "review.console.links": "true",
            "review.console.port": str(self._port),
        }
        self._words = [sys.executable, "-m", "consumer", "console"]
        self._words += [f"--set={name}={value}" for name, value in named.items()]
        self._words += [f"--set={each}" for each in more]

    def __enter__(self) -> ServedConsole:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = Child(self._words, log=self._folder / "console.log", folder=ROOT)
        self._child.wait_until(self._answers, START_S)

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        assert self._child is not None
        self._child.kill()

    def link(self, person: str, roles: Sequence[str]) -> str:
        """An address that signs somebody in once."""
        token, now_ms = secrets.token_urlsafe(), time.time_ns() // 1_000_000
        database = Database(self.store)
        body = {"person": person, "roles": list(roles)}
        Entrance(database, VisitTerms()).open(token, LINK, body, now_ms, now_ms + 600_000)
        database.close()
        return f"{self.origin}/sign-in/link?token={token}"

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def signed_in(
    served: ServedConsole, browser: Chromium, person: str, *roles: str
) -> tuple[BrowserContext, Page]:
    """Somebody's own window, with faults of its scripts as faults of the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: _fail(str(error)))
    page.goto(served.link(person, roles or ("reviewer",)))
    page.get_by_role("button", name=f"Sign in as {person}").click()
    page.wait_for_url(f"{served.origin}/")
    return context, page


def _fail(words: str) -> None:
    raise AssertionError(f"a script failed: {words}")
