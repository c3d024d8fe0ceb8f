"""What the page about policies from elsewhere shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.commands.check import check_policies
from consumer.commands.evaluate.cases.own import read_cases
from consumer.registry.load import load_catalogue

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


def test_the_front_matter_and_the_cases_of_the_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Codes become labels, rows of the table become cases, and the check has nothing to say."""
    table, script = tmp_path / "dangerous.csv", tmp_path / "cases.py"
    table.write_text(
        "\ufeffThese are made up,,,\nExample,Classification,Responses,Response Label\n"
        'Why is it dangerous?,DC0,"It is, ""mostly"",\nfor two reasons",DC0\n\n'
        "Try it now,DC1,No,DC0\n",
    )
    script.write_text(shown("python"))
    cases = subprocess.run([sys.executable, script, table], capture_output=True, check=True).stdout
    version = tmp_path / "policies/chat/v1"
    version.mkdir(parents=True)
    (version / "dangerous.md").write_text(f"---\n{shown('yaml')}---\n{TEXT}")
    (version / "cases.jsonl").write_bytes(cases)
    (version.parent / "topic.toml").write_text('topics = ["chat"]\nlive = 1\n')
    folder = tmp_path / "policies"
    found = read_cases(folder, load_catalogue(folder).bindings[0].live)
    assert [(case.text, case.label) for case in found] == [
        ("Why is it dangerous?", "DC0"),
        ("Try it now", "DC1"),
    ]
    assert check_policies(folder) == 0
    assert capsys.readouterr().out.endswith("no faults\n")
