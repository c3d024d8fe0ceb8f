"""A lead sees who has what and for how long, and may take it over or put it back."""

from __future__ import annotations

from consumer.review.store import log
from tests.console import ConsoleScene

BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}


def test_a_lead_takes_a_case_over_and_its_reviewer_is_told(scene: ConsoleScene) -> None:
    """On the board, on the case, in the log; a decision that comes too late is refused in words."""
    case = scene.flag(1)
    ann, eve = scene.signed_in("ann"), scene.signed_in("eve", "lead")
    page = ann.follow(ann.post("/next"))
    assert 'data-mine="yes" ' in page.text.replace(">", " ")
    scene.clock.at_ms += 5 * 60_000
    board = eve.get("/").text
    assert "<bdi>ann</bdi>, for 5 min, until" in board
    assert f'action="/cases/{case}/take-over"' in board
    assert "is at work on it for 5 min now" in eve.get(f"/cases/{case}").text

    mine = eve.follow(eve.post(f"/cases/{case}/take-over"))
    assert "Your decision" in mine.text
    refused = ann.post(f"/cases/{case}/decide", BLOCK)
    assert (refused.status_code, "was taken from you by eve, a lead" in refused.text) == (409, True)
    told = ann.get(f"/cases/{case}").text
    assert "<bdi>eve</bdi>, a lead, has taken this case from you." in told
    assert "Your decision" not in told
    assert "has taken this case from you" not in eve.get(f"/cases/{case}").text
    acts = [(each.who, each.act) for each in log.entries(scene.console.room.database)]
    assert ("eve", "take over") in acts


def test_a_lead_puts_a_case_back(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann, eve = scene.signed_in("ann"), scene.signed_in("eve", "lead")
    ann.post("/next")
    eve.get("/")
    assert "Claim this case" in eve.follow(eve.post(f"/cases/{case}/put-back")).text
    told = ann.get(f"/cases/{case}").text
    assert "has taken this case from you" in told
    assert "Claim this case" in told
    ann.post(f"/cases/{case}/claim")
    assert "has taken this case from you" not in ann.get(f"/cases/{case}").text
    assert eve.post(f"/cases/{case}/put-back").status_code == 303
    assert eve.post(f"/cases/{case}/put-back").status_code == 409


def test_reviewers_take_nothing_from_each_other(scene: ConsoleScene) -> None:
    """They see who has it, and no button."""
    case = scene.flag(1)
    ann, bob = scene.signed_in("ann"), scene.signed_in("bob")
    ann.post("/next")
    for path in ("/", f"/cases/{case}"):
        page = bob.get(path).text
        assert "<bdi>ann</bdi>" in page
        assert "take-over" not in page
    for act in ("take-over", "put-back"):
        assert bob.post(f"/cases/{case}/{act}").status_code == 403
