"""A reviewer's way through the pages: claim, look, decide, take back, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.review.cases.handling import CaseState
from consumer.review.store import log
from tests.cases import HOUR_MS, a_report, a_superseding, an_appeal
from tests.console import CASE, ConsoleScene, console_scene
from tests.databases import RealPostgres

BLOCK = {"label": "words.BANNED", "rule": "R2", "reason": "says it"}


def state(scene: ConsoleScene, case: str) -> CaseState:
    docket = scene.console.room.book.look(case)
    assert docket is not None
    return docket.state(scene.clock.wall_ms())


def test_the_board_shows_the_queues_and_the_next_case_opens(scene: ConsoleScene) -> None:
    scene.flag(1)
    scene.flag(2, "another doubtful thing entirely", severity="low")
    ann = scene.signed_in("ann")
    board = ann.get("/")
    assert "2 <span>open" in board.text
    page = ann.follow(ann.post("/next"))
    assert page.status_code == 200
    assert "a doubtful thing" in page.text
    assert 'data-mine="yes"' in page.text
    assert "R1" in page.text
    assert "71% sure" in page.text
    assert "<mark>- R1: says &#34;doubtful thing&#34;.</mark>" in page.text


def test_a_decision_leads_on_to_the_next_case_and_can_be_taken_back(scene: ConsoleScene) -> None:
    first, second = sorted([scene.flag(1), scene.flag(2, "wholly other words here")])
    ann = scene.signed_in("ann")
    ann.post("/next")
    page = ann.follow(ann.post(f"/cases/{first}/decide", BLOCK))
    assert f'data-case="{second}"' in page.text
    assert f'action="/undo/{first}"' in page.text
    assert state(scene, first) is CaseState.DECIDED

    back = ann.post(f"/undo/{first}")
    assert back.headers["location"] == f"/cases/{first}"
    assert state(scene, first) is CaseState.CLAIMED
    last = ann.follow(ann.post(f"/cases/{first}/decide", BLOCK))
    scene.clock.at_ms += 30_001
    assert "has been published" in ann.post(f"/undo/{first}").text
    assert last.status_code == 200


def test_where_nothing_waits_the_board_says_so(scene: ConsoleScene) -> None:
    only = scene.flag(1)
    ann = scene.signed_in("ann")
    ann.post("/next")
    board = ann.follow(ann.post(f"/cases/{only}/decide", BLOCK))
    assert "Nothing waits for you" in board.text
    assert f'action="/undo/{only}"' in board.text


def test_the_server_refuses_what_decides_nothing(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann = scene.signed_in("ann")
    ann.post("/next")
    for form, why in (
        ({"outcome": "block", "reason": "x"}, "needs the label or the rule"),
        ({"outcome": "allow"}, "needs a reason"),
        ({"outcome": "perhaps", "reason": "x"}, "is allow or block"),
        ({"label": "words.NONE", "reason": "x"}, "there is no label"),
        ({"outcome": "allow", "label": "words.BANNED", "reason": "x"}, "means block"),
    ):
        answer = ann.post(f"/cases/{case}/decide", form)
        assert answer.status_code == 409
        assert why in answer.text
    assert state(scene, case) is CaseState.CLAIMED


def test_a_case_is_one_persons_until_the_lease_has_run_out(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann, bob = scene.signed_in("ann"), scene.signed_in("bob")
    ann.post("/next")
    assert "empty=1" in bob.post("/next").headers["location"]
    assert bob.post(f"/cases/{case}/decide", BLOCK).status_code == 409
    assert "claimed by ann" in bob.post(f"/cases/{case}/claim").text

    scene.clock.at_ms += 500_000
    assert "Yours for" in ann.post(f"/cases/{case}/extend").text
    scene.clock.at_ms += 500_000
    assert "empty=1" in bob.post("/next").headers["location"], "it was extended"
    scene.clock.at_ms += 101_000
    assert bob.post("/next").headers["location"] == f"/cases/{case}"
    late = ann.post(f"/cases/{case}/decide", BLOCK)
    assert "claimed by bob" in late.text
    assert ann.post(f"/cases/{case}/extend").status_code == 409


def test_what_changed_meanwhile_is_told_and_a_look_accepts_it(scene: ConsoleScene) -> None:
    """To extend a claim is not to look: what came since is still unseen."""
    case = scene.flag(1)
    ann = scene.signed_in("ann")
    ann.post("/next")
    scene.add(a_superseding("v9", "v1", position="chat/0/9", outcome="flag"), "m-1")
    ann.post(f"/cases/{case}/extend")
    refused = ann.post(f"/cases/{case}/decide", BLOCK)
    assert refused.status_code == 409
    assert "has changed since you saw it: verdict flag" in refused.text
    assert f'href="/cases/{case}"' in refused.text
    again = ann.get(f"/cases/{case}")
    assert "says it</textarea>" in again.text, "what she wrote is not lost with the refusal"
    assert ann.post(f"/cases/{case}/decide", BLOCK).status_code == 303


def test_a_draft_is_kept_for_whoever_wrote_it(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann, bob = scene.signed_in("ann"), scene.signed_in("bob")
    ann.post("/next")
    kept = ann.post(f"/cases/{case}/draft", {"outcome": "allow", "reason": "it is <quoted>"})
    assert "Draft kept" in kept.text
    scene.clock.at_ms += 700_000
    assert "it is" not in bob.follow(bob.post("/next")).text
    scene.clock.at_ms += 700_000
    again = ann.follow(ann.post(f"/cases/{case}/claim"))
    assert "it is &lt;quoted&gt;</textarea>" in again.text
    assert ann.post(f"/cases/{case}/decide").status_code == 303, "without a word the draft counts"


def test_skipped_held_moved_and_assigned_cases_go_on_their_way(scene: ConsoleScene) -> None:
    cases = [scene.flag(n, f"{n} {n + 100} {n + 200} doubtful") for n in range(1, 5)]
    ann, eve = scene.signed_in("ann"), scene.signed_in("eve")
    acts: tuple[tuple[str, dict[str, str]], ...] = (
        ("skip", {}),
        ("hold", {"wait": "2h", "note": "asked"}),
        ("move", {"queue": "legal", "note": "a threat"}),
        ("assign", {"to": "eve", "note": "Dutch"}),
    )
    for act, form in acts:
        found = ann.post("/next").headers["location"]
        assert ann.post(f"{found}/{act}", form).status_code == 303
    states = {state(scene, case) for case in cases}
    assert states == {CaseState.OPEN, CaseState.HELD, CaseState.ESCALATED}
    assert "empty=1" in ann.post("/next").headers["location"], "what was moved is not for ann"
    assert "ann: Dutch" in eve.follow(eve.post("/next")).text
    path, _, only = eve.post("/next", {"only": "legal"}).headers["location"].partition("?")
    assert only == "queue=legal"
    assert eve.post(f"{path}/hold", {"wait": "for ever"}).status_code == 409
    assert eve.post(f"{path}/move", {"queue": " "}).status_code == 409
    assert eve.post(f"{path}/assign", {"to": "\0"}).status_code == 409


def test_a_second_person_has_to_agree(tmp_path: Path) -> None:
    with console_scene(tmp_path, 'approve_labels = ["words.BANNED"]\n') as two:
        case = two.flag(1)
        ann, bob = two.signed_in("ann"), two.signed_in("bob")
        ann.post("/next")
        waits = ann.follow(ann.post(f"/cases/{case}/decide", BLOCK))
        assert "Nothing waits" in waits.text
        assert "must be another one" in ann.post(f"/cases/{case}/claim").text
        page = bob.follow(bob.post("/next"))
        assert "ann</bdi> proposes <strong>block" in page.text
        bob.post(f"/cases/{case}/decide", BLOCK)
        docket = two.console.room.book.look(case)
        assert docket is not None
        assert docket.case.decisions[0].people == ("ann", "bob")


def test_an_appeal_never_goes_to_whom_it_questions(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann, bob = scene.signed_in("ann"), scene.signed_in("bob")
    ann.post("/next")
    ann.post(f"/cases/{case}/decide", BLOCK)
    scene.clock.at_ms += HOUR_MS // 2
    scene.add(an_appeal(at_ms=scene.clock.at_ms), "m-1")
    assert "empty=1" in ann.post("/next").headers["location"]
    assert "does not question" in ann.post(f"/cases/{case}/claim").text
    page = bob.follow(bob.post("/next"))
    assert "it was a joke" in page.text
    assert "says it" in page.text, "earlier decisions are shown"


def test_cases_that_say_the_same_are_shown_and_decided_together(scene: ConsoleScene) -> None:
    words = "buy the doubtful thing now at example dot com"
    cases = sorted(scene.flag(n, words) for n in range(1, 4))
    ann = scene.signed_in("ann")
    page = ann.follow(ann.post("/next"))
    assert "2 more that say nearly the same" in page.text
    done = ann.post(f"/cases/{cases[0]}/decide", BLOCK).headers["location"]
    assert [state(scene, case) for case in cases] == [CaseState.DECIDED] * 3
    batch = done.partition("done=")[2].partition("&")[0]
    board = ann.get(done)
    assert "Decided: 3 cases." in board.text
    assert "3 cases of batch" in ann.post(f"/undo/{batch}").text
    assert [state(scene, case) for case in cases] == [CaseState.OPEN] * 3
    ann.post("/next")
    ann.post(f"/cases/{cases[0]}/decide", BLOCK | {"alone": "1"})
    assert [state(scene, case) for case in cases].count(CaseState.DECIDED) == 1


def test_the_rationale_is_shown_when_asked_for_and_the_log_says_so(scene: ConsoleScene) -> None:
    case = scene.flag(1)
    ann = scene.signed_in("ann")
    page = ann.follow(ann.post("/next"))
    assert "it says so" not in page.text
    assert "long thoughts" not in page.text
    shown = ann.post(f"/cases/{case}/rationale")
    assert "it says so" in shown.text
    seen = [e for e in log.entries(scene.console.room.database) if e.act == "reveal"]
    assert [(e.who, e.case_id, e.detail) for e in seen] == [("ann", case, '{"what":"rationale"}')]


def test_reports_are_shown_and_a_text_that_no_flag_brought_is_read_on_demand(
    scene: ConsoleScene,
) -> None:
    case = scene.add(a_report(note="look <here>", position=None), "m-7")
    ann = scene.signed_in("ann")
    page = ann.follow(ann.post("/next"))
    assert "look &lt;here&gt;" in page.text
    assert "Read it where it lies" in page.text
    assert "nobody said where its record lies" in ann.post(f"/cases/{case}/record").text


@pytest.mark.postgres
def test_what_a_database_cannot_keep_is_no_fault_of_the_console(
    tmp_path: Path, real_postgres: RealPostgres
) -> None:
    """PostgreSQL holds no NUL: another sign stands for it, in names none either."""
    with console_scene(tmp_path, **{"review.store": real_postgres.database()}) as scene:
        case = scene.flag(1)
        ann = scene.signed_in("ann")
        ann.post("/next")
        for path in ("/cases/%00", "/search?message=%00", "/bulk?queue=%00"):
            assert ann.get(path).status_code in (200, 409)
        assert ann.post("/cases/a%00b/claim").status_code == 409
        held = ann.post(f"/cases/{case}/hold", {"wait": "2h", "note": "a\0b"})
        assert held.status_code == 303
        docket = scene.console.room.book.look(case)
        assert docket is not None
        assert docket.handling.note == "ann: a\x1ab"


def test_a_case_that_is_not_there_is_refused(scene: ConsoleScene) -> None:
    ann = scene.signed_in("ann")
    for path in (f"/cases/{CASE}", "/cases/x/text"):
        assert ann.get(path).status_code == 409
    assert ann.post(f"/cases/{CASE}/rationale").status_code == 409
    assert ann.post(f"/undo/{CASE}").status_code == 409
    assert ann.get("/nowhere").status_code == 404
