"""What is hidden until it is asked for, how much is enough, when a break is due."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from consumer.review.console.care import (
    BREAK_MIN_MAX,
    CareTerms,
    Preferences,
    Veil,
    break_due_min,
    budget_of,
    is_spent,
    wishes_of,
)
from consumer.review.store.wellness import PAUSE_MS, Exposure, WellnessBook
from tests.cases import NOW_MS
from tests.console import ConsoleScene, console_scene

BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}


def test_texts_are_hidden_by_choice_and_counted_when_shown(scene: ConsoleScene) -> None:
    case = scene.flag(1, "an unpleasant text", severity="high")
    ann = scene.signed_in("ann")
    form = {"veil": "grave", "keys": "on", "exposures_max": "40", "break_min": "45"}
    ann.get("/own")
    assert ann.follow(ann.post("/own", form)).status_code == 200
    page = ann.follow(ann.post("/next"))
    assert "an unpleasant text" not in page.text
    assert "<strong><bdi>words</bdi></strong>, severity high" in page.text
    assert "shown 0 texts of 40" in ann.get("/own").text
    assert "an unpleasant text" in ann.post(f"/cases/{case}/unveil").text
    assert "shown 1 text of 40: 1 of <bdi>words</bdi>" in ann.get("/own").text
    mild = scene.flag(2, "a milder one", severity="low")
    assert "a milder one" in ann.get(f"/cases/{mild}").text
    assert "shown 2 texts" in ann.get("/own").text
    ann.get(f"/cases/{mild}")
    assert "shown 2 texts" in ann.get("/own").text, "once a day for each case"
    scene.clock.at_ms += 86_400_000
    assert WellnessBook(scene.console.room.database).today("ann", scene.clock.at_ms).number == 0


def test_enough_is_enough_for_a_day(tmp_path: Path) -> None:
    with console_scene(tmp_path, **{"review.console.exposures_max": "1"}) as scene:
        first = scene.flag(1)
        scene.flag(2, "wholly other words")
        ann = scene.signed_in("ann")
        ann.post(f"/cases/{first}/claim")
        ann.get(f"/cases/{first}")
        done = ann.post(f"/cases/{first}/decide", BLOCK)
        board = ann.follow(done)
        assert "enough for today" in board.text
        assert f'action="/undo/{first}"' in board.text
        assert ann.post("/next").status_code == 409
        assert scene.signed_in("bob").post("/next").status_code == 303


def test_what_the_model_found_is_hidden_in_blind_mode(tmp_path: Path) -> None:
    with console_scene(tmp_path, **{"review.console.blind": "true"}) as scene:
        case = scene.flag(1)
        ann = scene.signed_in("ann")
        page = ann.follow(ann.post("/next"))
        assert "Hidden until the case is decided" in page.text
        assert "71%" not in page.text
        assert "<mark>" not in page.text
        assert ann.post(f"/cases/{case}/rationale").status_code == 409
        ann.post(f"/cases/{case}/decide", BLOCK)
        assert "71% sure" in ann.get(f"/cases/{case}").text
        assert "it says so" in ann.post(f"/cases/{case}/rationale").text


def test_a_break_is_due_after_minutes_without_one(scene: ConsoleScene) -> None:
    book = WellnessBook(scene.console.room.database)
    for number, at_ms in enumerate((0, PAUSE_MS, 2 * PAUSE_MS - 1, 3 * PAUSE_MS - 2)):
        book.note("ann", f"c{number}", "words", NOW_MS + at_ms)
    now_ms = NOW_MS + 3 * PAUSE_MS - 2
    seen = book.today("ann", now_ms)
    assert (seen.number, seen.since_ms) == (4, NOW_MS + PAUSE_MS)
    assert break_due_min(seen, Preferences(break_min=19), now_ms) == 19
    assert break_due_min(seen, Preferences(break_min=20), now_ms) == 0
    assert break_due_min(seen, Preferences(), now_ms) == 0
    assert book.today("ann", now_ms + PAUSE_MS).since_ms is None
    book.note("ann", "late", "words", NOW_MS + 31 * 86_400_000)
    assert book.today("ann", NOW_MS).number == 0, "it is forgotten"


@pytest.mark.parametrize(
    ("own", "all_of_them", "budget"), [(0, 0, 0), (5, 0, 5), (0, 7, 7), (5, 7, 5), (9, 7, 7)]
)
def test_the_lesser_budget_counts(own: int, all_of_them: int, budget: int) -> None:
    wishes, terms = Preferences(exposures_max=own), CareTerms(exposures_max=all_of_them)
    assert budget_of(wishes, terms) == budget
    seen = Exposure(budget, Counter(), None)
    assert is_spent(seen, wishes, terms) == (budget > 0)
    assert not is_spent(seen._replace(number=budget - 1), wishes, terms)


def test_wishes_are_what_somebody_can_mean() -> None:
    assert wishes_of({}) == Preferences()
    said = {"keys": "off", "veil": "all", "exposures_max": "12", "break_min": "999"}
    assert wishes_of(said) == Preferences(False, Veil.ALL, 12, BREAK_MIN_MAX)
    odd = {"keys": "x", "veil": "x", "exposures_max": "-1", "break_min": "\u0663"}
    assert wishes_of(odd) == Preferences(keys=False)
    boxes = {"avoid.violence": "on", "avoid.hate": "on", "avoided": "on"}
    assert wishes_of(boxes).avoid == ("hate", "violence")
    kept = Preferences(True, Veil.GRAVE, 3, 4, ("hate",))
    assert wishes_of(kept._asdict()) == kept


def test_somebody_leaves_a_kind_of_message_to_others(scene: ConsoleScene) -> None:
    """They choose it on their own page; others get it, and who opens it all the same is warned."""
    case = scene.flag(1)
    ann = scene.signed_in("ann")
    assert 'name="avoid.words"' in ann.get("/own").text
    ann.post("/own", {"avoid.words": "on", "keys": "on"})
    page = ann.get("/own").text
    assert re.search(r'name="avoid\.words" value="on" checked', page)
    assert ann.post("/next").headers["location"] == "/?empty=1"
    assert "a doubtful thing" not in ann.get(f"/cases/{case}").text
    assert scene.signed_in("bob").post("/next").headers["location"] == f"/cases/{case}"
    ann.get("/own")
    ann.post("/keys", {"keys": "off", "to": "/own"})
    assert "checked" in ann.get("/own").text.partition("avoid.words")[2].partition(">")[0]
    ann.post("/own", {"keys": "on"})
    assert wishes_of(scene.console.entrance.preferences("ann")) == Preferences()
