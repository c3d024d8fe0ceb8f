"""`safeguard policy diff`: what a new version changes, for whoever has to say yes to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands.diff import diff_policies
from consumer.errors import InvalidSettings
from tests.journeys.worker import POLICY, make_policies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_policies(tmp_path, '["chat"]', live=1)
    make_policies(tmp_path, '["chat"]', live=2)
    return tmp_path


def changed(folder: Path, old: str, new: str) -> None:
    assert old in POLICY
    (folder / "set" / "v2" / "words.md").write_text(POLICY.replace(old, new))


def test_nothing_differs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where an editor on another system saved it: line ends and a mark are no change."""
    text = POLICY.replace("\n", "\r\n").encode("utf-8-sig")
    (folder / "set" / "v2" / "words.md").write_bytes(text)
    assert diff_policies(folder, "v1", "v2", None) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "nothing differs"
    assert said[0].split()[1] == said[1].split()[1]


def test_an_outcome_and_a_line_of_the_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a label does now, and which words were changed."""
    changed(folder, "  DOUBT: flag", "  DOUBT: block")
    assert diff_policies(folder, "set@v1", "v2", "chat") == 1
    assert "  label DOUBT: flag -> block" in capsys.readouterr().out
    changed(folder, "- Everything else.", "- Whatever is left.")
    assert diff_policies(folder, "v1", "v2", "set") == 1
    said = capsys.readouterr().out
    assert "  -- Everything else." in said
    assert "  +- Whatever is left." in said


def test_policies_come_and_go(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the names of their files."""
    (folder / "set" / "v2" / "words.md").rename(folder / "set" / "v2" / "other.md")
    assert diff_policies(folder, "v1", "v2", None) == 1
    said = capsys.readouterr().out
    assert "+ other.md is new" in said
    assert "- words.md is gone" in said


@pytest.mark.parametrize("name", ["v3", "set@v3", "nobody@v1", ""])
def test_a_version_that_is_not_there(name: str, folder: Path) -> None:
    """It says which there are."""
    with pytest.raises(InvalidSettings, match=r"v1, v2|there are set"):
        diff_policies(folder, "v1", name, None)
