"""The appeal form: one page, for whoever brings a signed link, once for each verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumer.domain.messages.message import Position, Record
from consumer.interfaces import Publication
from consumer.review.cases.facts import About, AppealFact
from consumer.review.console.appealing import AppealForm
from consumer.review.console.guard import HEADERS
from consumer.review.records.appeal_link import AppealGrant, sign
from consumer.review.records.reading import FactReader, Role, Roles
from tests.cases import NOW_MS
from tests.console import ORIGIN, TOPIC, Browser, ConsoleScene, console_scene

SECRET = b"a secret that nobody can guess"
HOSTILE = "</textarea><script>alert(1)</script>\u202e\0 zalgo\u0301\u0301"


class Sent:
    """What goes to the topic, and what the brokers say."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.fault: str | None = None

    def __call__(self, publication: Publication) -> str | None:
        if self.fault is None:
            self.publications.append(publication)
        return self.fault


class Appeals:
    """A console with the form, and a link to it."""

    def __init__(self, scene: ConsoleScene, sent: Sent, per_minute: int) -> None:
        self.sent = sent
        form = AppealForm(SECRET, scene.console.address, per_minute, sent)
        self.scene = scene
        self.console = scene.console._replace(appeals=form)
        self.browser = Browser(self.console)

    def link(self, number: int = 1, secret: bytes = SECRET, **changes: Any) -> str:
        return f"/appeal/{sign(a_grant(number, **changes), secret)}"


def a_grant(number: int = 1, **changes: Any) -> AppealGrant:
    fields = {
        "topic": TOPIC,
        "message_id": f"m-{number}",
        "position": f"{TOPIC}/0/{number}",
        "verdict_id": f"v{number}",
        "by": "u-1",
        "outcome": "block",
        "at_ms": NOW_MS - 1_000,
        "automation": "AUTOMATED_DECISION_FULLY",
        "until_ms": NOW_MS + 1_000,
        "label": "words.BANNED",
        "rule": "R2",
        "policy_version": "set@v1",
    }
    return AppealGrant.model_validate(fields | changes)


@contextmanager
def appeals_at(folder: Path, per_minute: int = 60) -> Iterator[Appeals]:
    with console_scene(folder) as scene:
        yield Appeals(scene, Sent(), per_minute)


@pytest.fixture
def appeals(tmp_path: Path) -> Iterator[Appeals]:
    with appeals_at(tmp_path) as found:
        yield found


def test_the_author_is_told_the_reason_and_may_object_once(appeals: Appeals) -> None:
    """They read the rule and nothing else of the policy or the model; the topic gets the appeal."""
    case = appeals.scene.flag(1)
    link, browser = appeals.link(), appeals.browser
    page = browser.get(link)
    assert page.status_code == 200
    assert "says the second word" in page.text
    assert "A machine compared it with the policy and decided." in page.text
    for hidden in ("Criteria", "it says so", "long thoughts", "a doubtful thing", "says the first"):
        assert hidden not in page.text, hidden
    done = browser.post(link, {"note": " it was a joke "})
    assert (done.status_code, "A person looks at it" in done.text) == (200, True)
    assert browser.post(link, {"note": "again"}).status_code == 409
    assert "has been made" in browser.get(link).text
    (found,) = appeals.sent.publications
    assert (found.topic, found.partition) == (f"{TOPIC}.appeals", 0)

    # It is read as any other appeal on the topic is, and the case knows it from then on.
    about = read(appeals, found)
    assert about.fact == AppealFact("form-v1", NOW_MS, "u-1", "it was a joke", f"{TOPIC}/0/1", "v1")
    appeals.scene.console.room.book.add([about])
    anew = Appeals(appeals.scene, Sent(), 60)
    assert "has been made" in anew.browser.get(link).text
    assert anew.browser.post(link, {"note": "again"}).status_code == 409
    assert anew.sent.publications == []
    assert "it was a joke" in appeals.scene.signed_in("bob").get(f"/cases/{case}").text


def read(appeals: Appeals, found: Publication) -> About:
    roles = Roles({found.topic: Role.APPEALS}, {found.topic: TOPIC})
    reader = FactReader(appeals.scene.console.room.catalogue, roles, "safeguard")
    place = Position(found.topic, found.partition or 0, 7)
    about = reader.read(Record(place, NOW_MS, found.key, found.value, found.headers))
    assert about is not None
    return about


def test_a_forged_link_leads_nowhere(appeals: Appeals) -> None:
    """Another secret, a changed body, another signature, rubbish: one word for all, and no form."""
    good = appeals.link()
    body, signature = good.removeprefix("/appeal/").split(".")
    other = sign(a_grant(2), SECRET).split(".")[0]
    for link in (
        appeals.link(secret=b"another secret of the same kind"),
        f"/appeal/{other}.{signature}",
        f"/appeal/{body}.",
        f"/appeal/{body}",
        f"/appeal/.{signature}",
        f"/appeal/{body}!.{signature}",
        "/appeal/%00%ff.%e2%80%ae",
        f"/appeal/{'A' * 9_000}.{signature}",
    ):
        appeals.browser.get(good)
        for answer in (appeals.browser.get(link), appeals.browser.post(link, {"note": "x"})):
            assert answer.status_code == 403, link
            assert "not one of ours" in answer.text, link
    assert appeals.sent.publications == []


def test_a_link_runs_out(appeals: Appeals) -> None:
    """At its time, and not before; also for a form that was open by then."""
    link = appeals.link()
    assert "<form" in appeals.browser.get(link).text
    appeals.scene.clock.at_ms = NOW_MS + 1_000
    assert appeals.browser.get(link).status_code == 403
    answer = appeals.browser.post(link, {"note": "too late"})
    assert (answer.status_code, "has run out" in answer.text) == (403, True)
    assert appeals.sent.publications == []


def test_hostile_words_are_words(appeals: Appeals) -> None:
    """What somebody writes comes back escaped and goes on as it is; nothing of it runs."""
    link = appeals.link(message_id="<b>m</b>", by="<i>")
    appeals.sent.fault = "away"
    page = appeals.browser.get(link)
    assert "<b>m</b>" not in page.text
    answer = appeals.browser.post(link, {"note": HOSTILE})
    assert answer.status_code == 503
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert answer.headers["cache-control"] == "no-store"
    appeals.sent.fault = None
    assert appeals.browser.post(link, {"note": HOSTILE}).status_code == 200
    said = orjson.loads(appeals.sent.publications[0].value or b"")
    assert said["note"] == HOSTILE.strip()


def test_an_appeal_says_something_and_not_a_book(appeals: Appeals) -> None:
    link = appeals.link()
    appeals.browser.get(link)
    for note, words in (("  ", "Say why"), ("x" * 10_001, "10,000 characters")):
        answer = appeals.browser.post(link, {"note": note})
        assert (answer.status_code, words in answer.text) == (422, True)
        assert 'aria-invalid="true"' in answer.text
    assert appeals.sent.publications == []


def test_another_site_cannot_send_it(appeals: Appeals) -> None:
    """By its origin, and by the token of the form."""
    link = appeals.link()
    appeals.browser.get(link)
    for origin in ("https://evil.example", "null"):
        answer = appeals.browser.post(link, {"note": "x"}, {"Origin": origin})
        assert answer.status_code == 403
    appeals.browser.token = "0" * 64
    assert "load it anew" in appeals.browser.post(link, {"note": "x"}).text
    assert appeals.sent.publications == []


def test_so_many_a_minute(tmp_path: Path) -> None:
    """More are asked to come again, and lose nothing of what they wrote."""
    with appeals_at(tmp_path, per_minute=2) as found:
        for number in (1, 2, 3):
            link = found.link(number)
            found.browser.get(link)
            answer = found.browser.post(link, {"note": "please"})
            assert answer.status_code == (503 if number == 3 else 200)
        assert ">please</textarea>" in answer.text
        found.scene.clock.at_ms += 60_000
        later = found.link(3, until_ms=NOW_MS + 90_000)
        found.browser.get(later)
        assert found.browser.post(later, {"note": "please"}).status_code == 200


def test_it_is_off_unless_a_secret_is_set(scene: ConsoleScene) -> None:
    """Then nothing is there, whoever signs."""
    browser = scene.browser()
    link = f"/appeal/{sign(a_grant(), SECRET)}"
    assert browser.get(link).status_code == 404
    assert browser.post(link, {"note": "x"}).status_code == 404


def test_people_outside_reach_the_form_and_nothing_else(tmp_path: Path) -> None:
    """By its own name; and the reviewers' name does not lead to it."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    named = {
        "review.console.appeals.secret_file": str(secret),
        "review.console.appeals.url": "https://appeals.example",
    }
    with console_scene(tmp_path, **named) as scene:
        browser, link = scene.browser(), f"/appeal/{sign(a_grant(), SECRET)}"
        host = {"Host": "appeals.example"}
        page = browser.get(link, **host)
        assert page.status_code == 200
        assert browser.get("/static/console.css", **host).status_code == 200
        assert re.search(r"<script|<a |/sign-in", page.text) is None
        for path in ("/", "/sign-in", "/cases/1"):
            assert browser.get(path, **host).status_code == 403
        assert browser.get(link).status_code == 403
        answer = browser.post(link, {"note": "x"}, host | {"Origin": ORIGIN})
        assert "another site" in answer.text
