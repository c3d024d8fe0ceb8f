"""Many cases by one word, in one process: shown, counted, asked about and taken back."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from consumer.commands.review import acts, together
from consumer.commands.review.room import opened
from consumer.errors import InvalidSettings
from consumer.review.cases.facts import About, case_id
from consumer.review.cases.ruling import ActRefused
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.cases import a_verdict_fact, an_appeal
from tests.journeys.worker import make_policies

ANN, BOB = acts.Reviewer("ann", as_json=True), acts.Reviewer("bob", as_json=True)
RULING = acts.ruling_of("allow", None, None, "quoted")
FIRST = case_id("chat", "m-0")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policies = make_policies(tmp_path / "policies", '["chat"]', more="[review]")
    store = f"sqlite:///{tmp_path / 'review.sqlite'}"
    found = load_settings(
        None, {"policies.folder": str(policies), "review.store": store, "review.undo_s": "60"}, {}
    )
    with opened(found) as room:
        for number, text in enumerate(("a doubtful\x1b[2J thing", "A doubtful [2J thing!", "no")):
            message = {"id": f"m-{number}", "text": text, "author": "u-1"}
            envelope = {"policy_version": "set@v1", "message": message, "judgements": []}
            fact = a_verdict_fact(f"v{number}", position=f"chat/0/{number}", envelope=envelope)
            room.book.add([About("chat", f"m-{number}", fact)])
    return found


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def wanted(number: int | None = None, like: str | None = None, **query: str) -> together.Wanted:
    return together.Wanted(RULING, like=like, number=number, **query)


def test_a_group_is_shown_decided_with_its_first_and_taken_back(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    acts.next_case(settings, acts.Reviewer("ann"), None, FIRST)
    shown = capsys.readouterr().out
    assert "alike     1 open case, decided with it" in shown
    assert '"A doubtful [2J thing!"' in shown
    assert "\x1b" not in shown
    acts.decide_case(settings, ANN, FIRST, RULING)
    batch = said(capsys)["decisions"][0]["batch"]
    assert batch.startswith("b-")
    assert acts.undo_case(settings, ANN, batch) == 0
    assert len(said(capsys)["taken_back"]) == 2
    acts.next_case(settings, ANN, None, FIRST)
    capsys.readouterr()
    acts.decide_case(settings, ANN, FIRST, RULING, alone=True)
    assert said(capsys)["decisions"][0]["batch"] is None
    with opened(settings) as room:
        other = room.book.look(case_id("chat", "m-1"))
    assert other is not None
    assert other.case.decisions == ()


def test_an_overturn_says_who_followed_and_is_taken_back_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also by the case alone: a consequence does not outlive its cause."""
    acts.next_case(settings, ANN, None, FIRST)
    acts.decide_case(settings, ANN, FIRST, acts.ruling_of("block", "words.BANNED", None, "it is"))
    with opened(settings) as room:
        room.book.add([About("chat", "m-0", an_appeal())])
    capsys.readouterr()
    acts.next_case(settings, acts.Reviewer("bob"), None, FIRST)
    assert "with      1 other case: the other way they go with it" in capsys.readouterr().out
    acts.decide_case(settings, BOB, FIRST, RULING)
    found = said(capsys)
    assert found["decided_with"] == [case_id("chat", "m-1")]
    assert acts.undo_case(settings, BOB, FIRST) == 0
    taken = said(capsys)
    assert sorted(taken["taken_back"]) == sorted([FIRST, case_id("chat", "m-1")])
    acts.next_case(settings, BOB, None, FIRST)
    acts.decide_case(settings, BOB, FIRST, RULING, alone=True)
    assert f"left out: {case_id('chat', 'm-1')}" in capsys.readouterr().err


def test_a_query_is_decided_when_its_number_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody can be asked; another number by then decides nothing."""
    with pytest.raises(InvalidSettings, match="say which cases"):
        together.decide_many(settings, "ann", wanted(3), as_json=True)
    with pytest.raises(InvalidSettings, match="--count 3 says that all of them"):
        together.decide_many(settings, "ann", wanted(author="u-1"), as_json=True)
    with pytest.raises(InvalidSettings, match="--count 2: 3 open cases by now"):
        together.decide_many(settings, "ann", wanted(2, author="u-1"), as_json=True)
    assert together.decide_many(settings, "ann", wanted(author="u-9"), as_json=True) == 1
    assert said(capsys) == {"found": 0, "batch": None}
    assert together.decide_many(settings, "ann", wanted(2, like=FIRST), as_json=True) == 0
    found = said(capsys)
    assert sorted(found["settled"]) == sorted([FIRST, case_id("chat", "m-1")])
    assert acts.undo_case(settings, BOB, found["batch"]) == 1
    assert "no decision of bob" in said(capsys)["left_out"][FIRST]
    with pytest.raises(ActRefused, match="no batch b-none"):
        acts.undo_case(settings, BOB, "b-none")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1), ("", 1), ("no\n", 1)])
def test_somebody_at_a_terminal_is_asked(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    asked = Terminal()
    monkeypatch.setattr("sys.stderr", asked)
    assert together.decide_many(settings, "ann", wanted(topic="chat"), as_json=False) == code
    assert "Decide 3 open cases by this one ruling? [y/N]" in asked.getvalue()
    assert "\x1b" not in asked.getvalue()
    assert ("3 cases settled" in capsys.readouterr().out) is (code == 0)
