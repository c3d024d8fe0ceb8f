"""The controls still find the rules that they switch off."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chaos.crew import ROOT
from tests.chaos.without import RULES


@pytest.mark.parametrize("rule", RULES)
def test_the_command_line_runs_without_a_rule(rule: str) -> None:
    """In a process of its own, for the rule is gone there for good."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.chaos.without", rule, "run", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert "safeguard run" in found.stdout
