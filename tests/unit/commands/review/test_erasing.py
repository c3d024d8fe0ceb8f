"""Erasing, as somebody types it: what is said of it, and what becomes of exported files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.commands.review import acts, figures
from consumer.commands.review.erasing import Erasing, erase, whom
from consumer.commands.review.following import expire
from consumer.commands.review.room import opened
from consumer.errors import InvalidSettings
from consumer.review.cases.facts import About, case_id
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.cases import a_superseding, a_verdict_fact
from tests.journeys.worker import make_policies

CASE = case_id("chat", "m-1")
ANN = acts.Reviewer("ann", as_json=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policies = make_policies(tmp_path / "policies", '["chat"]', more="[review]")
    store = f"sqlite:///{tmp_path / 'review.sqlite'}"
    changes = {"policies.folder": str(policies), "review.store": store, "review.keep_days": "30"}
    found = load_settings(None, changes, {})
    envelope = {
        "policy_version": "set@v1",
        "message": {"id": "m-1", "text": "a doubtful thing", "author": "u-1"},
        "judgements": [],
    }
    with opened(found) as room:
        room.book.add(
            [About("chat", "m-1", a_verdict_fact(position="chat/0/0", envelope=envelope))]
        )
    return found


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_an_author_is_erased_from_the_store_and_from_exports(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """First what is not published goes out; a dry run changes nothing."""
    acts.next_case(settings, ANN, None, None)
    acts.decide_case(settings, ANN, CASE, acts.ruling_of(None, "words.BANNED", None, "it is"))
    file = tmp_path / "decided.jsonl"
    figures.export_cases(settings, file, "chat", as_json=True)
    capsys.readouterr()
    wanted = Erasing(whom("u-1", None), (file,))
    assert erase(settings, "ann", wanted._replace(is_dry=True), as_json=True) == 0
    found = said(capsys)
    assert (found["cases"], found["dry_run"]) == (1, True)
    assert "doubtful" in file.read_text()
    assert erase(settings, "ann", wanted, as_json=False) == 1
    assert f"{CASE}: not yet, for what was decided is not published" in capsys.readouterr().out
    with opened(settings) as room:
        decision = room.book.look(CASE).case.decisions[0]  # type: ignore[union-attr]
        room.outbox.sent([f"{decision.id}:decision", f"{decision.id}:verdict"])
    assert erase(settings, "ann", wanted, as_json=False) == 0
    assert "erased 1 case, 0 reports and appeals in others" in capsys.readouterr().out
    assert file.read_text() == ""
    assert sorted(path.name for path in tmp_path.glob("decided*")) == ["decided.jsonl"]


def test_what_cannot_be_erased_is_said_before_anything_is(
    settings: Settings, tmp_path: Path
) -> None:
    for wrong in (whom(None, None), whom("u-1", "m-1")):
        with pytest.raises(InvalidSettings, match="say whose traces"):
            erase(settings, "ann", Erasing(wrong), as_json=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{\n")
    for file, words in (
        (tmp_path / "cases.yaml", "write it anew"),
        (tmp_path / "none.jsonl", "No such file"),
        (broken, "a line is not JSON; nothing was erased"),
    ):
        with pytest.raises(InvalidSettings, match=words):
            erase(settings, "ann", Erasing(whom("u-1", None), (file,)), as_json=True)
    with opened(settings) as room:
        assert room.book.look(CASE) is not None


def test_what_is_old_goes_by_itself_where_a_setting_says_so(settings: Settings) -> None:
    gone = a_superseding("v2", "v1", position="chat/0/0")
    with opened(settings) as room:
        room.book.add([About("chat", "m-1", gone)])
        for_ever = settings.model_copy(
            update={"review": settings.review.model_copy(update={"keep_days": 0})}
        )
        expire(for_ever, room)
        assert room.book.look(CASE) is not None
        expire(settings, room)
        assert room.book.look(CASE) is None
