"""`policy cost` at a terminal: the table says what the plain lines say."""

from __future__ import annotations

import pytest
from rich.console import Console

from consumer.commands.costs.costs import show_report
from tests.unit.commands.costs.test_report import HOSTED, VERSION, report


def test_the_table_has_a_row_for_each_version_and_policy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_report(report(HOSTED), Console(width=200, highlight=False))
    rows = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    counts = ["4", "1600", "1280", "240", "320", "80%,", "at", "best", "about", "85%", "1.9"]
    assert [VERSION, "4", "0", *counts, "0.0420"] in rows
    assert ["harassment", *counts] in rows
