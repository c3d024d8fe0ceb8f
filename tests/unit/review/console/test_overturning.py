"""One of a group is decided the other way: the page says before what follows, and after."""

from __future__ import annotations

import re

from consumer.review.cases.facts import case_id
from tests.cases import an_appeal
from tests.console import CASE, TOPIC, Browser, ConsoleScene

TEXT = "a doubtful thing, said by many in nearly the same words"
BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}
ALLOW = {"outcome": "allow", "reason": "it was a quote"}


def overturning(scene: ConsoleScene) -> Browser:
    """Three were blocked by one decision; somebody else has the appeal against the first."""
    for number in (1, 2, 3):
        scene.flag(number, TEXT + "!" * number)
    ann, bob = scene.signed_in("ann"), scene.signed_in("bob")
    ann.post(f"/cases/{CASE}/claim")
    ann.get("/")
    ann.post(f"/cases/{CASE}/decide", BLOCK)
    scene.clock.at_ms += 60_000
    scene.add(an_appeal(at_ms=scene.clock.at_ms))
    bob.get("/")
    bob.post(f"/cases/{CASE}/claim")
    return bob


def outcomes(scene: ConsoleScene) -> list[str]:
    found = []
    for number in (1, 2, 3):
        docket = scene.console.room.book.look(case_id(TOPIC, f"m-{number}"))
        assert docket is not None
        assert docket.case.decided is not None
        found.append(docket.case.decided.outcome)
    return found


def test_the_page_says_who_follows_and_all_of_it_can_be_taken_back(scene: ConsoleScene) -> None:
    bob = overturning(scene)
    page = bob.get(f"/cases/{CASE}").text
    assert "2 others were decided along with the last one, and follow" in page
    assert "This one alone, not the 2 decided along with it before" in page
    done = bob.follow(bob.post(f"/cases/{CASE}/decide", ALLOW)).text
    assert "Decided: 3 cases." in done
    assert outcomes(scene) == ["allow"] * 3

    batch = re.search(r'action="/undo/(b-[0-9a-f]+)"', done)
    assert batch is not None
    assert "3 cases of batch" in bob.post(f"/undo/{CASE}").text, "no consequence without its cause"
    assert outcomes(scene) == ["block"] * 3


def test_what_keeps_its_decision_is_named_before_the_next_case_opens(scene: ConsoleScene) -> None:
    bob = overturning(scene)
    scene.add(an_appeal("a-2", at_ms=scene.clock.at_ms), "m-2")
    page = bob.post(f"/cases/{CASE}/decide", ALLOW).text
    assert "2 cases settled" in page
    assert "an appeal is judged by itself" in page
    assert "/undo/b-" in page
    assert outcomes(scene) == ["allow", "block", "allow"]


def test_one_alone_leaves_the_others(scene: ConsoleScene) -> None:
    bob = overturning(scene)
    done = bob.follow(bob.post(f"/cases/{CASE}/decide", ALLOW | {"alone": "1"})).text
    assert "Decided." in done
    assert outcomes(scene) == ["allow", "block", "block"]
