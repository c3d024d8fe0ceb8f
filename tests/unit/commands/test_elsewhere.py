"""What the page about policies from elsewhere shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.commands.check import check_policies
from consumer.registry.load import load_catalogue
from tests.unit.commands.packs.packs import GUIDE, NAGGING, teen_pack

PAGE = Path(__file__).parents[3] / "policies" / "ELSEWHERE.md"
TEXT = """
# Criteria

## DC0: Safe

## DC1: Praise

- DC1.a: praise

## DC2: Instructions

- DC2.a: instructions

## DC3: At home
"""


def shown(language: str) -> str:
    """The block of the page in that language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_the_front_matter_of_the_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Codes become labels, and the check has nothing to say."""
    version = tmp_path / "policies/chat/v1"
    version.mkdir(parents=True)
    (version / "dangerous.md").write_text(f"---\n{shown('yaml')}---\n{TEXT}")
    (version.parent / "topic.toml").write_text('topics = ["chat"]\nlive = 1\n')
    assert check_policies(tmp_path / "policies") == 0
    assert capsys.readouterr().out.endswith("no faults\n")


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """Each of them, in their order, on packs of that layout."""
    teen_pack(tmp_path / "teen-safety")
    for name, text in (("labelers", NAGGING), ("drafts", GUIDE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.md").write_text(text)
    commands = shown("").splitlines()
    assert len(commands) == 4
    for command in commands:
        words = command.partition("#")[0].split()
        assert words[0] == "safeguard"
        # In a process of its own, as people do: a command sets up the logs of its process.
        done = subprocess.run([sys.executable, "-m", "consumer", *words[1:]], cwd=tmp_path)
        assert done.returncode == 0
    sets = {binding.set_name for binding in load_catalogue(tmp_path / "policies").bindings}
    assert sets == {"chat.messages", "labelers", "forum.titles"}
    assert (tmp_path / "pack/datasets/river-stunts.csv").exists()
