"""`policy cost` at a terminal: the table says what the plain lines say."""

from __future__ import annotations

import pytest
from rich.console import Console

from consumer.commands.costs.costs import _short, show_report
from tests.unit.commands.costs.test_report import HOSTED, VERSION, report


def test_the_table_has_a_row_for_each_version_and_policy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And fits a terminal of 80 columns, where nothing of it is cut or wrapped."""
    show_report(report(HOSTED), Console(width=80, highlight=False))
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines()]
    counts = ["4", "1600", "1280", "240", "320", "80%", "85%", "1.9"]
    assert [VERSION, *counts] in rows
    assert ["harassment", *counts] in rows
    assert f"{VERSION}  messages 4, unjudged 0, a thousand messages 0.0420" in said
    assert "…" not in said


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (9_999, "9999"), (10_000, "10.0k"), (21_000_000, "21.0M"), (0.25, "0.2")],
)
def test_large_counts_are_short(count: float, shown: str) -> None:
    """A month of live chat has more digits than a column has room for."""
    assert _short(count) == shown
