"""What a reviewer types, in one process: the store is a file, and no broker is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.commands.review import acts, figures
from consumer.commands.review.room import opened
from consumer.commands.review.stating import list_statements
from consumer.domain.policy import Outcome
from consumer.errors import InvalidSettings
from consumer.review.cases.facts import About, case_id
from consumer.review.cases.ruling import ActRefused, Ruling
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.cases import a_report, a_verdict_fact
from tests.databases import sqlite_store
from tests.journeys.worker import make_policies

CASE = case_id("chat", "m-1")
ANN, BOB = acts.Reviewer("ann", as_json=True), acts.Reviewer("bob", as_json=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policies = make_policies(tmp_path / "policies", '["chat"]', more="[review]")
    found = load_settings(
        None,
        {
            "policies.folder": str(policies),
            "review.store": sqlite_store(tmp_path / "review.sqlite"),
        },
        {},
    )
    envelope = {
        "policy_version": "set@v1",
        "message": {"id": "m-1", "text": "a doubtful thing", "language": "en"},
        "judgements": [{"policy": "words", "label": "DOUBT", "outcome": "flag", "rules": ["R1"]}],
    }
    fact = a_verdict_fact(position="chat/0/0", envelope=envelope)
    with opened(found) as room:
        room.book.add([About("chat", "m-1", fact)])
    return found


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_case_is_taken_decided_and_taken_back(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert acts.next_case(settings, ANN, None, None) == 0
    found = said(capsys)
    assert (found["case"], found["claimed_by"], found["text"]) == (CASE, "ann", "a doubtful thing")
    assert found["judgements"][0]["rules"] == {"R1": "says the first word"}
    assert acts.next_case(settings, BOB, None, None) == 1
    assert said(capsys) == {"case": None}

    ruling = acts.ruling_of(None, "words.BANNED", "R2", "it is")
    assert acts.decide_case(settings, ANN, CASE, ruling) == 0
    assert said(capsys)["decisions"][0]["outcome"] == "block"
    assert figures.show_stats(settings, 0, as_json=True) == 0
    stats = said(capsys)
    assert stats["decisions"]["reviewers"] == {"ann": 1}
    assert stats["unpublished"] == {"pending": 2}
    file = tmp_path / "cases.jsonl"
    assert figures.export_cases(settings, file, "chat", as_json=True) == 0
    assert said(capsys) == {"written": 1, "left_out": 0}
    case = json.loads(file.read_text())
    assert (case["policy"], case["label"], case["lang"]) == ("words", "BANNED", "en")
    assert case["text"] == "a doubtful thing"

    assert acts.undo_case(settings, ANN, CASE) == 0
    assert said(capsys)["state"] == "open"
    assert figures.verify_log(settings, as_json=True) == 0
    assert said(capsys) == {"entries": 3, "fault": None}
    assert figures.print_log(settings, 0) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["act"] for line in lines] == ["claim", "decide", "undo"]
    assert [line["previous"] for line in lines[1:]] == [line["digest"] for line in lines[:2]]
    assert figures.print_log(settings, 2**50) == 0
    assert not capsys.readouterr().out


def test_skip_hold_move_and_show(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    acts.next_case(settings, ANN, None, CASE)
    assert acts.hold_case(settings, ANN, CASE, "2h", "wait") == 0
    acts.next_case(settings, ANN, None, CASE)
    assert acts.move_case(settings, ANN, CASE, "legal", "threat") == 0
    assert acts.next_case(settings, ANN, "legal", None) == 1, "whoever moves it is done with it"
    acts.next_case(settings, ANN, None, CASE)
    assert acts.skip_case(settings, ANN, CASE) == 0
    capsys.readouterr()
    assert acts.show_case(settings, acts.Reviewer("ann"), CASE) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"case {CASE}  escalated  queue legal\n")
    assert acts.next_case(settings, ANN, None, None) == 1
    figures.show_stats(settings, 0, as_json=False)
    assert "queue legal: 1 open, 0 claimed, 0 held, 1 late" in capsys.readouterr().out


def test_a_text_that_is_nowhere_is_said_to_be(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report about what no policy binds any more; no broker is asked."""
    with opened(settings) as room:
        room.book.add([About("gone", "m-2", a_report(position="gone/0/1"))])
    assert acts.show_case(settings, ANN, case_id("gone", "m-2")) == 0
    found = said(capsys)
    assert (found["text"], found["text_fault"]) == (None, "no policy binds its topic any more")


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x1b[2J"])
def test_a_name_can_stand_in_a_record(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidSettings, match="--as"):
        acts.next_case(settings, acts.Reviewer(name), None, None)
    with pytest.raises(InvalidSettings, match="--as"):
        acts.show_case(settings, acts.Reviewer(name), CASE)


@pytest.mark.parametrize(
    ("text", "ms"), [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("7d", 604_800_000)]
)
def test_how_long(text: str, ms: int) -> None:
    assert acts.duration_ms(text, "--wait") == ms


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1w", "1.5h", "9999999s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings, match="--wait"):
        acts.duration_ms(text, "--wait")


def test_an_outcome_is_one() -> None:
    assert acts.ruling_of("block", None, None, "r") == Ruling(Outcome.BLOCK, None, None, "r")
    with pytest.raises(InvalidSettings, match="--outcome maybe"):
        acts.ruling_of("maybe", None, None, "r")


def test_a_label_of_another_version_is_refused(settings: Settings) -> None:
    acts.next_case(settings, ANN, None, CASE)
    with pytest.raises(ActRefused, match=r"no label words\.NONE: there are words\.BANNED"):
        acts.decide_case(settings, ANN, CASE, acts.ruling_of(None, "words.NONE", None, "r"))


def test_a_password_file_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    review = settings.review.model_copy(update={"store_password_file": tmp_path / "none"})
    with (
        pytest.raises(InvalidSettings, match=r"review\.store_password_file"),
        opened(settings.model_copy(update={"review": review})),
    ):
        pass


def test_a_draft_is_shown_to_whoever_wrote_it_and_decides_by_itself(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    acts.next_case(settings, ANN, None, CASE)
    acts.draft_case(settings, ANN, CASE, acts.ruling_of(None, "words.BANNED", "R2", "it is"))
    capsys.readouterr()
    acts.show_case(settings, acts.Reviewer("ann"), CASE)
    assert "draft     label words.BANNED, rule R2, reason it is" in capsys.readouterr().out
    acts.show_case(settings, BOB, CASE)
    assert said(capsys)["draft"] is None
    acts.decide_case(settings, ANN, CASE, acts.ruling_of(None, None, None, ""))
    assert said(capsys)["decisions"][0]["rule"] == "R2"


def test_a_case_is_handed_to_somebody(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    acts.assign_case(settings, acts.Reviewer("ann"), CASE, "eve", "knows Dutch")
    assert "assigned to eve" in capsys.readouterr().out
    with pytest.raises(InvalidSettings, match="--to"):
        acts.assign_case(settings, ANN, CASE, "", "")


def test_blocks_are_stated_as_json_lines(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a topic wants it; no broker is asked for what people decided."""
    with pytest.raises(InvalidSettings, match=r"write a table \[review.statements\]"):
        list_statements(settings, 0, people_alone=True)
    (file,) = (tmp_path / "policies").rglob("topic.toml")
    file.write_text(file.read_text() + "\n[review.statements]\n")
    acts.next_case(settings, ANN, None, CASE)
    acts.decide_case(settings, ANN, CASE, acts.ruling_of(None, "words.BANNED", "R2", "it is"))
    capsys.readouterr()
    assert list_statements(settings, 0, people_alone=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["automated_detection"], found["automated_decision"][19:]) == (
        "Yes",
        "NOT_AUTOMATED",
    )
    assert "R2" in found["decision_facts"]
    assert list_statements(settings, 4_000_000_000_000, people_alone=True) == 0
    assert capsys.readouterr().out == ""
