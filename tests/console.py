"""The console in a test's own process: SQLite, a clock that stands, and browsers without script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from consumer.commands.console.wiring import console_of
from consumer.commands.review.room import opened
from consumer.review.cases.facts import About, ReviewFact, case_id
from consumer.review.console.address import address_of
from consumer.review.console.app import console_app
from consumer.review.console.console import Console
from consumer.review.console.sign_in.ways import LINK
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.cases import NOW_MS, a_verdict_fact
from tests.databases import sqlite_store
from tests.journeys.worker import make_policies

ORIGIN = "http://127.0.0.1:8700"
TOPIC = "chat"
CASE = case_id(TOPIC, "m-1")
REVIEW = '[message]\nid = "/id"\n[review]\nsla_s = 3600\n'


class StandingClock:
    """Moves when a test says so."""

    def __init__(self) -> None:
        self.at_ms = NOW_MS

    def now_s(self) -> float:
        return self.at_ms / 1_000

    def wall_ms(self) -> int:
        return self.at_ms


class Browser:
    """Somebody's browser: it holds cookies, sends its origin, and the token of the last page."""

    def __init__(self, console: Console, peer: str = "127.0.0.1") -> None:
        app = console_app(console)
        self.client = TestClient(
            app, ORIGIN, follow_redirects=False, client=(peer, 50_000), raise_server_exceptions=True
        )
        self.token = ""

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._seen(self.client.get(path, headers=headers))

    def post(
        self, path: str, form: Mapping[str, str] = {}, headers: Mapping[str, str] = {}
    ) -> httpx2.Response:
        fields = {"token": self.token, **form}
        return self.client.post(path, data=fields, headers={"Origin": ORIGIN, **headers})

    def follow(self, response: httpx2.Response) -> httpx2.Response:
        """The page that an act leads on to."""
        assert response.status_code == 303, response.text
        return self.get(response.headers["location"])

    def _seen(self, response: httpx2.Response) -> httpx2.Response:
        found = re.search(r'name="token" value="([0-9a-f]+)"', response.text)
        self.token = found[1] if found else self.token
        return response


class ConsoleScene:
    """A console with a store, and people who come to it."""

    def __init__(self, console: Console, clock: StandingClock, settings: Settings) -> None:
        self.console = console
        self.clock = clock
        self.settings = settings
        self._number = 0

    def add(self, fact: ReviewFact, message_id: str = "m-1") -> str:
        """Something is known of a message; the case's id."""
        self.console.room.book.add([About(TOPIC, message_id, fact)])
        return case_id(TOPIC, message_id)

    def flag(self, number: int = 1, text: str = "a doubtful thing", **changes: Any) -> str:
        """A message is flagged; its case's id."""
        message = {"id": f"m-{number}", "text": text, "author": f"u-{number}", "language": "en"}
        judgement = {
            "policy": "words",
            "label": "DOUBT",
            "outcome": "flag",
            "rules": ["R1"],
            "certainty": {"score": 0.71, "calibrated": True, "rests_on": ["label"]},
            "rationale": "it says so",
            "reasoning": "long thoughts",
        }
        envelope = {
            "policy_version": "set@v1",
            "message": message | changes.pop("message", {}),
            "judgements": [judgement],
        }
        fields = {"position": f"{TOPIC}/0/{number}", "envelope": envelope} | changes
        return self.add(a_verdict_fact(f"v{number}", **fields), f"m-{number}")

    def browser(self, peer: str = "127.0.0.1") -> Browser:
        """Of somebody who is not signed in."""
        return Browser(self.console, peer)

    def signed_in(self, person: str, *roles: str) -> Browser:
        """Of somebody who is, as a reviewer unless it is said otherwise."""
        browser = self.browser()
        self._number += 1
        link = f"link-{self._number}"
        body = {"person": person, "roles": list(roles) or ["reviewer"]}
        now_ms = self.clock.wall_ms()
        self.console.entrance.open(link, LINK, body, now_ms, now_ms + 60_000)
        browser.follow(browser.post("/sign-in/link", {"link": link}))
        return browser


@contextmanager
def console_scene(folder: Path, more: str = "", **changes: Any) -> Iterator[ConsoleScene]:
    """A console whose sign-in is by links, unless the settings say otherwise."""
    policies = make_policies(folder / "policies", f'["{TOPIC}"]', more=REVIEW + more)
    named = {
        "policies.folder": str(policies),
        "review.store": sqlite_store(folder / "review.sqlite"),
        "review.console.links": "true",
    }
    settings = load_settings(None, named | changes, {})
    clock = StandingClock()
    own = settings.review.console
    with opened(settings) as room:
        console = console_of(settings, room, address_of(own.host, own.port, own.public_url))
        yield ConsoleScene(console._replace(clock=clock), clock, settings)
