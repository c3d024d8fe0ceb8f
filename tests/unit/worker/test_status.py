"""The line at the foot of a terminal: what it says, that it fits, and what it leaves to logs."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from structlog import DropEvent

from consumer.worker.status import AboveStatus, StatusLine, WorkerFigures, gathered


def line(figures: WorkerFigures, *, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True)
    return StatusLine(lambda: figures, lambda: 0.0, console).line().plain


def test_it_says_how_the_worker_does() -> None:
    """In words a person reads, and in whole numbers."""
    figures = WorkerFigures(
        "ready", 1_204, {"allow": 1_000, "flag": 200, "dead letters": 4}, 3, 6, 2
    )
    said = line(figures)
    assert said.startswith("ready · 0/s · taken 1,204 · allow 1,000 · flag 200 · block 0")
    assert said.endswith("dead letters 4 · in flight 3 · partitions 6, 2 not yet")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_never_wraps(width: int) -> None:
    """Whatever is wrong, in whatever script."""
    assert cell_len(line(WorkerFigures("不" * 100, 10**9), width=width)) <= width


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """A burst an hour ago is no rate."""
    consumed = [0]
    now = [0.0]
    console = Console(file=io.StringIO(), width=200)
    status = StatusLine(lambda: WorkerFigures("ready", consumed[0]), lambda: now[0], console)
    rates = []
    for second, total in ((0, 0), (1, 100), (2, 100), (20, 100), (21, 150)):
        now[0], consumed[0] = float(second), total
        rates.append(status.line().plain.split(" · ")[1])
    assert rates == ["0/s", "100/s", "50/s", "0/s", "50/s"]


def test_no_line_for_each_partition() -> None:
    """Unless something is wrong with it."""
    with pytest.raises(DropEvent):
        gathered(None, "info", {"level": "info", "event": "recovered", "partition": "a/1"})
    warned = {"level": "warning", "event": "lost", "partition": "a/1"}
    assert gathered(None, "warning", dict(warned)) == warned
    many = {"level": "info", "event": "assigned", "partitions": [f"chat/{n}" for n in range(40)]}
    assert gathered(None, "info", many)["partitions"] == "40 of chat"


def test_logs_stand_above() -> None:
    """A line stays a line, in its colours."""
    sheet = io.StringIO()
    above = AboveStatus(Console(file=sheet, width=20, force_terminal=True))
    above.write("\x1b[31m" + "a" * 50 + "\x1b[0m\n")
    assert "a" * 50 in sheet.getvalue()
    assert above.isatty()
