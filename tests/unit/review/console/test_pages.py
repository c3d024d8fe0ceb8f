"""Search, bulk, policies, the log and the figures."""

from __future__ import annotations

import asyncio

from consumer.errors import StoreUnavailable
from consumer.review.console.live import Listener, Live
from consumer.review.store import log
from consumer.review.store.survey import CaseStanding
from tests.cases import NOW_MS
from tests.console import ConsoleScene

BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}


def test_cases_are_found_by_what_people_were_told(scene: ConsoleScene) -> None:
    first = scene.flag(1, message={"author": "eve"})
    second = scene.flag(2, "quite other words", at_ms=NOW_MS - 86_400_000)
    ann = scene.signed_in("ann")
    ann.post("/next", {})
    ann.post(f"/cases/{first}/claim")
    ann.post(f"/cases/{first}/decide", BLOCK)
    for query, found in (
        (f"id={first}", {first}),
        ("id=m-2", {second}),
        ("author=eve", {first}),
        ("author=nobody", set()),
        ("position=chat/0/2", {second}),
        ("since=2025-12-31T12:00&until=2026-01-02T00:00", {first}),
        ("until=2025-12-31T12:00", {second}),
        ("author=eve&position=chat/0/2", set()),
    ):
        page = ann.get(f"/search?{query}").text
        assert {case for case in (first, second) if f'href="/cases/{case}"' in page} == found, query
    assert ann.get("/search?since=soon").status_code == 409
    searched = [e for e in log.entries(scene.console.room.database) if e.act == "search"]
    assert searched[0].detail == '{"by":["names"]}'
    assert all("eve" not in entry.detail for entry in searched), "the log forgets nothing"


def test_an_authors_record_is_shown_beside_the_case(scene: ConsoleScene) -> None:
    first = scene.flag(1, message={"author": "eve"})
    second = scene.flag(2, "quite other words", message={"author": "eve"})
    ann = scene.signed_in("ann")
    page = ann.get(f"/cases/{second}")
    assert "1 under review before; 1 open." in page.text
    ann.post(f"/cases/{first}/claim")
    ann.post(f"/cases/{first}/decide", BLOCK)
    page = ann.get(f"/cases/{second}")
    assert '1 under review before: 1 <span class="tag block">block</span>; 0 open.' in page.text


def test_many_are_decided_once_and_taken_back(scene: ConsoleScene) -> None:
    for number in range(1, 8):
        scene.flag(number, f"{number} {number + 50} words {number + 90}", message={"author": "eve"})
    ann = scene.signed_in("ann")
    assert "No open case is meant" in ann.get("/bulk?author=nobody").text
    page = ann.get("/bulk?author=eve").text
    assert "7 open cases" in page
    fields = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("members", "batch")
    }
    assert ann.post("/bulk", fields).status_code == 409, "without a ruling nothing is decided"
    done = ann.post("/bulk", fields | BLOCK)
    assert "7 cases settled" in done.text
    again = ann.post("/bulk", fields | BLOCK)
    assert "0 cases settled" in again.text
    assert "is decided" in again.text
    assert "7 cases of batch" in ann.post(f"/undo/{fields['batch']}").text
    for wrong in ({"members": "x"}, {"members": "x:y"}, {"members": ""}, {"batch": "../b"}):
        assert ann.post("/bulk", fields | BLOCK | wrong).status_code == 409


def test_policies_are_read_by_everybody(scene: ConsoleScene) -> None:
    for role in ("auditor", "policy-author"):
        reader = scene.signed_in("ann", role)
        assert 'href="/policies/set/1"' in reader.get("/policies").text
        page = reader.get("/policies/set/1").text
        assert "says the second word" in page
        assert "# Criteria" in page
        assert reader.get("/policies/set/2").status_code == 409


def test_the_log_is_read_and_verified(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    scene.signed_in("ann").get(f"/cases/{case}")
    auditor = scene.signed_in("olga", "auditor")
    for query, shown, hidden in (
        ("", ("show", "sign-in"), ()),
        (f"?case={case}", ("show",), (">sign-in<",)),
        ("?who=olga", (">sign-in<",), (">show<",)),
        ("?before=2", (">sign-in<",), (">show<",)),
        ("?before=x", (">sign-in<",), ()),
    ):
        page = auditor.get(f"/audit{query}").text
        assert all(words in page for words in shown), query
        assert not any(words in page for words in hidden), query
    assert "which is all of it" in auditor.post("/audit").text


def test_the_figures_are_those_of_the_command(scene: ConsoleScene) -> None:
    case = scene.flag(1, certainty=0.95)
    ann = scene.signed_in("ann", "reviewer", "lead")
    ann.post("/next")
    ann.post(f"/cases/{case}/decide", BLOCK)
    page = ann.get("/figures?days=30").text
    assert "1 in all, 1 <span" in page
    assert "words.R1" in page
    assert "95%" in page
    assert "the last 7 days" in ann.get("/figures?days=9").text


def test_single_keys_can_be_turned_off(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    assert 'data-keys="on"' in ann.get("/").text
    assert ann.post("/keys", {"keys": "off", "to": "/policies"}).headers["location"] == "/policies"
    assert 'data-keys="off"' in ann.get("/").text
    assert ann.post("/keys", {"keys": "on", "to": "//x"}).headers["location"] == "/"
    assert 'data-keys="on"' in scene.signed_in("bob").get("/").text


async def test_pages_are_told_what_changes_and_nothing_else() -> None:
    """The store is asked for all together; a case that stays as it is is told once."""
    standing = {"c1": CaseStanding(1, "flag", "ann", 5)}
    asked: list[list[str]] = []
    answers: asyncio.Queue[str] = asyncio.Queue()

    async def ask(names: list[str]) -> tuple[str, dict[str, CaseStanding]]:
        asked.append(names)
        return await answers.get(), standing

    async def always() -> bool:
        return True

    live = Live(ask, every_s=0.0)
    events = live.events(Listener("ann", "c1"), always)
    assert (await anext(events)).startswith("retry:")
    answers.put_nowait("1")
    assert await anext(events) == "event: queues\ndata: {}\n\n"
    told = await anext(events)
    assert told.startswith('event: case\ndata: {"revision":1,"status":"flag"')
    answers.put_nowait("1")
    answers.put_nowait("2")
    assert await anext(events) == "event: queues\ndata: {}\n\n", "and the case is as it was"
    assert asked[0] == ["c1"]
    more = [live.events(Listener("ann", None), always) for _ in range(7)]
    for each in more:
        assert live.has_room("ann")
        await anext(each)
    assert not live.has_room("ann")
    assert live.has_room("bob")
    for each in (events, *more):
        await each.aclose()
    assert live.has_room("ann")
    answers.put_nowait("3")
    await asyncio.wait_for(live.rest(), 5)


async def test_who_is_signed_out_hears_that_it_is_over() -> None:
    """And the store is not asked any more."""

    async def ask(names: list[str]) -> tuple[str, dict[str, CaseStanding]]:
        raise StoreUnavailable("away")

    async def never() -> bool:
        return False

    live = Live(ask, every_s=0.0, beat_s=0.0)
    told = [each async for each in live.events(Listener("ann", None), never)]
    assert told[-1] == "event: over\ndata: {}\n\n"
    await asyncio.wait_for(live.rest(), 5)
