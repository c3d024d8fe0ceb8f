"""The page's commands are ones that there are, with options that they have."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from tests.first.hours import commands


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_of_the_page_is_known(line: str) -> None:
    """`make first-hours` runs them all, on a real broker; this looks at their words."""
    words = [word for word in shlex.split(line)[1:] if word != "&"]
    names = [word for word in words if not word.startswith("-")]
    depth = 2 if names[0] in ("policy", "topics") else 1
    found = subprocess.run(
        [sys.executable, "-m", "consumer", *names[:depth], "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    for word in words:
        if word.startswith("--"):
            assert word in found.stdout, f"{line}: {word}"
