"""Two reviewers in two windows of a real browser: all by key, and nothing shuts anybody out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route, expect
from sqlalchemy import update

from consumer.domain.review import ReviewTerms
from consumer.review.cases.facts import About, AppealFact, ReportFact, VerdictFact, case_id
from consumer.review.records.appeal_link import AppealGrant, sign
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.tables import cases
from tests.browser.chromium import barriers, is_axe_as_it_was, picture
from tests.browser.served import ServedConsole, signed_in
from tests.journeys.worker import make_policies

REVIEW = '[message]\nid = "/id"\n[review]\nsla_s = 3600\napprove_labels = ["words.BANNED"]\n'
HOSTILE = "I know\u202e erehw\u202c you\u200b live <b>here</b>\0 https://evil.example/" + "z" * 60
SECRET = b"a secret that nobody guesses"
TEXTS = (HOSTILE, "a doubtful thing", "buy cheap things now", "another matter altogether")


class Store:
    """What the feed would bring, straight into the store."""

    def __init__(self, address: str) -> None:
        self.database = Database(address)
        self.book = CaseBook(self.database, lambda _: ReviewTerms(sla_s=3_600))
        self.now_ms = time.time_ns() // 1_000_000

    def flag(self, number: int, text: str, *, version: int = 0, **changes: object) -> str:
        """A message is flagged, or its edited version is."""
        judgement = {
            "policy": "words",
            "label": "DOUBT",
            "outcome": "flag",
            "rules": ["R1"],
            "certainty": {"score": 0.7, "calibrated": True, "rests_on": ["label"]},
            "rationale": "It says so.",
        }
        message = {
            "id": f"m-{number}",
            "text": text,
            "author": f"u-{number % 2}",
            "language": "en",
            "context": [{"speaker": "B", "text": "what do you think?"}],
        }
        envelope = {"policy_version": "set@v1", "message": message, "judgements": [judgement]}
        fact = VerdictFact(
            f"v{number}.{version}",
            self.now_ms + version,
            f"chat/0/{number + 100 * version}",
            "flag",
            "model",
            severity=("critical", "high", "medium", "low")[number % 4],
            key="azE=",
            envelope=envelope,
        )
        self.book.add([About("chat", f"m-{number}", fact)])
        return case_id("chat", f"m-{number}")

    def run_out(self, case: str) -> None:
        """The lease of a claim is over."""
        with self.database.writing() as connection:
            connection.execute(update(cases).where(cases.c.id == case).values(lease_until_ms=1))

    def people(self, case: str) -> list[tuple[str, ...]]:
        docket = self.book.look(case)
        assert docket is not None
        return [decision.people for decision in docket.case.decisions]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(f"sqlite:///{tmp_path / 'review.sqlite'}")
    yield found
    found.database.close()


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[ServedConsole]:
    policies = make_policies(tmp_path / "policies", '["chat"]', more=REVIEW)
    address = f"sqlite:///{tmp_path / 'review.sqlite'}"
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    more = [f"review.console.appeals.secret_file={secret}"]
    with ServedConsole(address, policies, tmp_path, more) as console:
        yield console


def appeal_path() -> str:
    """The form of whoever wrote the first message."""
    grant = AppealGrant(
        topic="chat",
        message_id="m-0",
        position="chat/0/0",
        verdict_id="v0.0",
        by="u-0",
        outcome="block",
        at_ms=time.time_ns() // 1_000_000,
        automation="AUTOMATED_DECISION_FULLY",
        until_ms=time.time_ns() // 1_000_000 + 600_000,
        label="words.BANNED",
        rule="R2",
        policy_version="set@v1",
    )
    return f"/appeal/{sign(grant, SECRET)}"


def decide(page: Page, outcome: str, label: str | None = None) -> None:
    """Wholly by key."""
    page.wait_for_selector("#decide")
    page.keyboard.press(outcome)
    if label is not None:
        page.keyboard.press("l")
        page.keyboard.type(label)
        page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.press("Control+A")
    page.keyboard.type("so it is")
    page.keyboard.press("Control+Enter")


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_two_reviewers_by_key(store: Store, served: ServedConsole, real_browser: Chromium) -> None:
    """Claim, decide, undo, a lease that runs out, an edit under one's eyes, a second person."""
    names = [store.flag(number, text) for number, text in enumerate(TEXTS)]
    _, ann = signed_in(served, real_browser, "ann")
    _, bob = signed_in(served, real_browser, "bob")

    ann.keyboard.press("n")
    expect(ann.locator("#case")).to_have_attribute("data-case", names[0])
    assert ann.evaluate("document.querySelectorAll('.wrote b, .wrote a').length") == 0
    ann.keyboard.press("s")
    expect(ann.locator("#status")).to_have_text("Press the key once more.")
    decide(ann, "b", "words.DOUBT")
    expect(ann.locator("#case")).to_have_attribute("data-case", names[1])
    assert store.people(names[0]) == [("ann",)]
    ann.keyboard.press("u")
    expect(ann.locator("#case")).to_have_attribute("data-case", names[0])
    assert store.people(names[0]) == []

    # An edit comes while she looks at it: she is told, and her decision is refused until she looks.
    store.flag(0, "quite another text", version=1)
    expect(ann.locator("#changed")).to_be_visible(timeout=15_000)
    decide(ann, "b", "words.DOUBT")
    expect(ann.get_by_role("alert")).to_contain_text("has changed since you saw it")
    ann.get_by_role("link", name="Look at the case as it is now").click()
    expect(ann.locator("#text")).to_contain_text("quite another text")
    expect(ann.locator("#reason")).to_have_value("so it is")

    # Her lease runs out, and it is Bob's.
    store.run_out(names[0])
    bob.keyboard.press("n")
    expect(bob.locator("#case")).to_have_attribute("data-case", names[0])
    decide(ann, "a")
    expect(ann.get_by_role("alert")).to_contain_text("claimed by bob")
    decide(bob, "o", "words.BANNED")
    expect(bob.get_by_text("waits for a second person")).to_be_visible()
    assert store.people(names[0]) == []

    # Bob has another one by now; Ann is the second person.
    ann.goto(f"{served.origin}/cases/{names[0]}")
    ann.keyboard.press("c")
    expect(ann.get_by_text("proposes")).to_be_visible()
    decide(ann, "o", "words.BANNED")
    expect(ann.locator("h1")).to_be_visible()
    assert store.people(names[0]) == [("bob", "ann")]


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_appeals_and_batches(store: Store, served: ServedConsole, real_browser: Chromium) -> None:
    """An appeal opens for somebody else; many are decided by one word, and taken back."""
    names = [store.flag(number, text) for number, text in enumerate(TEXTS)]
    _, ann = signed_in(served, real_browser, "ann")
    _, bob = signed_in(served, real_browser, "bob")
    ann.goto(f"{served.origin}/bulk?author=u-0")
    expect(ann.get_by_role("heading", name="2 open cases")).to_be_visible()
    ann.keyboard.press("a")
    ann.get_by_label("Reason").fill("quoted")
    ann.keyboard.press("Control+Enter")
    expect(ann.get_by_role("heading", name="2 cases settled")).to_be_visible()
    assert store.people(names[0]) == [("ann",)]
    ann.keyboard.press("u")
    expect(ann.get_by_role("heading", name="Taken back")).to_be_visible()
    assert store.people(names[0]) == []

    ann.goto(f"{served.origin}/cases/{names[2]}")
    ann.keyboard.press("c")
    decide(ann, "a")
    expect(ann.locator(".undo")).to_be_visible()
    appeal = AppealFact("a1", store.now_ms + 60_000, "u-0", "it was a joke")
    report = ReportFact("r1", store.now_ms, "u-9", "rude", "look", position="chat/0/3")
    store.book.add([About("chat", "m-2", appeal), About("chat", "m-3", report)])
    bob.goto(f"{served.origin}/cases/{names[2]}")
    bob.keyboard.press("c")
    expect(bob.get_by_text("it was a joke")).to_be_visible()
    ann.goto(f"{served.origin}/cases/{names[2]}")
    expect(ann.get_by_text("bob is at work on it")).to_be_visible()
    decide(bob, "a")
    expect(bob.locator(".undo")).to_be_visible()
    assert store.people(names[2]) == [("ann",), ("bob",)]


def _slowly(route: Route) -> None:
    time.sleep(0.5)  # as a network does, which tells nobody
    route.continue_()


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_an_overturn_by_key(store: Store, served: ServedConsole, real_browser: Chromium) -> None:
    """Who follows is said before and after, also at 320 px; what is pressed twice is sent once."""
    words = "a doubtful thing that many people say in nearly the same words"
    names = [store.flag(number, words + "!" * number) for number in range(4)]
    _, ann = signed_in(served, real_browser, "ann")
    context, bob = signed_in(served, real_browser, "bob")
    ann.goto(f"{served.origin}/cases/{names[0]}")
    ann.keyboard.press("c")
    decide(ann, "b", "words.DOUBT")
    expect(ann.locator(".undo")).to_contain_text("Decided: 4 cases.")
    at_ms = time.time_ns() // 1_000_000
    appeals = [AppealFact(f"a{n}", at_ms, "u-0", "it was a joke") for n in (1, 3)]
    store.book.add([About("chat", f"m-{fact.id[1:]}", fact) for fact in appeals])

    bob.goto(f"{served.origin}/cases/{names[1]}")
    bob.keyboard.press("c")
    expect(bob.get_by_text("3 others were decided along")).to_be_visible()
    expect(bob.get_by_label("This one alone, not the 3 decided along")).to_be_visible()
    for scheme, width in (("light", 320), ("dark", 1280)):
        bob.set_viewport_size({"width": width, "height": 800})
        bob.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture(bob, f"overturn-{scheme}-{width}")
        assert barriers(bob) == []
        assert bob.evaluate("document.documentElement.scrollWidth") <= width
    sent: list[str] = []
    bob.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    # The answer takes a while, and somebody presses once more.
    context.route("**/decide", _slowly)
    bob.evaluate(
        "addEventListener('submit', () => setTimeout(() => document.querySelector"
        "('#decide button.main').click(), 50), { once: true })"
    )
    decide(bob, "a")
    expect(bob.get_by_role("heading", name="3 cases settled")).to_be_visible()
    expect(bob.get_by_text("an appeal is judged by itself")).to_be_visible()
    assert [url.rpartition("/")[2] for url in sent].count("decide") == 1
    bob.set_viewport_size({"width": 320, "height": 800})
    picture(bob, "overturn-left-out-320")
    assert barriers(bob) == []
    assert [store.people(name) for name in names[2:]] == [[("ann",), ("bob",)], [("ann",)]]
    bob.keyboard.press("u")
    expect(bob.get_by_role("heading", name="Taken back")).to_be_visible()
    assert [store.people(name) for name in names] == [[("ann",)]] * 4


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_lead_takes_over_under_a_reviewers_eyes(
    store: Store, served: ServedConsole, real_browser: Chromium
) -> None:
    """The board says who has it and for how long; whoever had it is told without asking."""
    (name,) = [store.flag(0, TEXTS[1])]
    _, ann = signed_in(served, real_browser, "ann")
    _, eve = signed_in(served, real_browser, "eve", "lead")
    ann.keyboard.press("n")
    expect(ann.locator("#case")).to_have_attribute("data-case", name)
    expect(ann.locator("#taken")).to_be_hidden()
    taken = eve.get_by_role("button", name=f"Take over case {name} from ann")
    expect(taken).to_be_visible(timeout=15_000)
    expect(eve.locator("#board")).to_contain_text("ann, for ")
    taken.click()
    expect(eve.locator("#decide")).to_be_visible()
    expect(ann.locator("#taken")).to_be_visible(timeout=15_000)
    decide(ann, "b", "words.DOUBT")
    expect(ann.get_by_role("alert")).to_contain_text("was taken from you by eve")
    decide(eve, "a")
    expect(eve.locator(".undo")).to_be_visible()
    assert store.people(name) == [("eve",)]


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_no_page_shuts_anybody_out(
    store: Store, served: ServedConsole, real_browser: Chromium
) -> None:
    """axe finds nothing, in light and in dark, and nothing is wider than a small telephone."""
    assert is_axe_as_it_was()
    names = [store.flag(number, text) for number, text in enumerate(TEXTS)]
    roles = ("reviewer", "lead", "policy-author", "auditor")
    context, page = signed_in(served, real_browser, "ann", *roles)
    page.keyboard.press("n")
    page.wait_for_selector("#case")
    _, bob = signed_in(served, real_browser, "bob")
    bob.keyboard.press("n")
    bob.wait_for_selector("#case")
    dark = real_browser.new_context(
        viewport={"width": 320, "height": 640},
        color_scheme="dark",
        storage_state=context.storage_state(),
    ).new_page()
    outside = real_browser.new_context().new_page()
    found = {}
    paths = {
        "board": "/",
        "case": f"/cases/{names[0]}",
        "closed": f"/cases/{names[2]}",
        "search": "/search?author=u-0",
        "bulk": "/bulk?author=u-1",
        "policies": "/policies",
        "version": "/policies/set/1",
        "figures": "/figures",
        "log": "/audit",
        "own": "/own",
        "taken": f"/cases/{names[1]}",
        "appeal": appeal_path(),
    }
    for name, path in paths.items():
        for look, each in (("", page), ("-dark-320", dark)):
            each.goto(served.origin + path)
            picture(each, name + look)
            found[name + look] = barriers(each)
        assert dark.evaluate("document.documentElement.scrollWidth") <= 320, name
    outside.goto(f"{served.origin}/")
    picture(outside, "sign-in")
    found["sign-in"] = barriers(outside)
    assert {name: each for name, each in found.items() if each} == {}
