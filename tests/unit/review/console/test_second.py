"""Second looks: by another person who does not know the decision; golden ones by everybody."""

from __future__ import annotations

from pathlib import Path

from consumer.commands.review.quality import second_look_fields, second_look_lines
from consumer.review.console.pages.acts import SECOND_CHANCE, is_drawn
from consumer.review.store.second_looks import BlindLook, is_sampled
from tests.console import ConsoleScene, console_scene

BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}
ALLOW = {"outcome": "allow", "reason": "quoted"}


def decided_by(scene: ConsoleScene, person: str, number: int) -> str:
    case = scene.flag(number, f"{number} {number + 40} other words {number + 90}")
    browser = scene.signed_in(person)
    browser.get("/policies")
    browser.post(f"/cases/{case}/claim")
    assert browser.post(f"/cases/{case}/decide", BLOCK).status_code == 303
    return case


def test_a_decision_is_looked_at_by_somebody_who_does_not_know_it(tmp_path: Path) -> None:
    with console_scene(tmp_path, **{"review.console.second_share": "1"}) as scene:
        case = decided_by(scene, "ann", 1)
        ann, bob, eve = (scene.signed_in(name) for name in ("ann", "bob", "eve"))
        assert "empty=1" in ann.post("/next").headers["location"], "not one's own"
        assert ann.get(f"/second/{case}").status_code == 409
        found = bob.post("/next").headers["location"]
        assert found.startswith(f"/second/{case}")
        page = bob.get(found)
        for hidden in ("71% sure", "says it</bdi>", ">ann<", "<mark>", "it says so", "Decisions"):
            assert hidden not in page.text, hidden
        assert f'action="/second/{case}"' in page.text
        assert bob.post(f"/second/{case}", {"outcome": "allow"}).status_code == 409
        assert bob.post(f"/second/{case}", ALLOW).status_code == 303
        assert "looked at it before" in bob.post(f"/second/{case}", ALLOW).text
        assert "empty=1" in eve.post("/next").headers["location"], "one person is enough"
        docket = scene.console.room.book.look(case)
        assert docket is not None
        assert [each.outcome for each in docket.case.decisions] == ["block"], "nothing follows"
        figures = scene.signed_in("lea", "lead").get("/figures").text
        assert "0% " in figures.split("Second looks, without")[1]


def test_a_golden_case_is_asked_of_everybody_once(scene: ConsoleScene) -> None:
    """Though no share of the decisions is."""
    case = decided_by(scene, "ann", 1)
    lead, bob, eve = scene.signed_in("lea", "lead"), scene.signed_in("bob"), scene.signed_in("eve")
    assert "empty=1" in bob.post("/next").headers["location"]
    assert "Ask everybody" in lead.get(f"/cases/{case}").text
    assert bob.post(f"/cases/{case}/golden").status_code == 403
    for _ in range(2):
        assert lead.post(f"/cases/{case}/golden").status_code == 303
    for person, said in ((bob, BLOCK), (eve, ALLOW)):
        assert person.post("/next").headers["location"].startswith(f"/second/{case}")
        person.post(f"/second/{case}", said)
        assert "empty=1" in person.post("/next").headers["location"]
    found = second_look_fields(scene.console.second_looks.all_since(0))
    assert {name: (each["golden_asked"], each["golden_right"]) for name, each in found.items()} == {
        "bob": (1, 1),
        "eve": (1, 0),
    }
    assert list(second_look_lines(found)) == [
        "second looks bob: golden 1 of 1 right",
        "second looks eve: golden 0 of 1 right",
    ]
    undecided = scene.flag(7, "not decided at all")
    assert lead.post(f"/cases/{undecided}/golden").status_code == 409


def test_the_share_is_that_of_the_decisions() -> None:
    names = [f"d{number}" for number in range(2_000)]
    assert not any(is_sampled(name, 0.0) for name in names)
    assert all(is_sampled(name, 1.0) for name in names)
    assert 300 < sum(is_sampled(name, 0.2) for name in names) < 500
    drawn = sum(is_drawn("ann", number) for number in range(2_000))
    assert abs(drawn / 2_000 - SECOND_CHANCE) < 0.05


def test_agreement_is_by_whoever_decided() -> None:
    looks = [BlindLook(f"c{n}", "ann", "block", "bob", "block", False) for n in range(3)]
    looks.append(BlindLook("c9", "ann", "allow", "bob", "block", False))
    fields = second_look_fields(looks)
    assert fields["ann"]["looked_at"] == 4
    assert fields["ann"]["agreed"][0] == 0.75
    (line,) = second_look_lines(fields)
    assert line.startswith("second looks ann: 4 looked at without knowing them, agreed 75%")
