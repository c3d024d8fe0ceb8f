"""What a person at a terminal is shown of an audit."""

from __future__ import annotations

import io

from rich.console import Console

from consumer.commands.audit.auditor import _since_ms, show_report
from consumer.commands.audit.report import COUNTS, AuditReport


def shown(**changes: int) -> str:
    counts = dict.fromkeys(COUNTS, 0) | changes
    report = AuditReport(
        topic="in",
        group="g",
        partitions=(),
        examples={"missing": ("in/0/3",)},
        looked_at="2026-01-31T08:00:00.000Z",
        **counts,
    )
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system="standard")
    show_report(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_names_every_count_and_the_examples() -> None:
    """Every count has its row, with positions beside it."""
    text = shown(missing=41)

    assert all(name in text for name in COUNTS)
    (row,) = [line for line in text.splitlines() if "missing" in line]
    assert "41" in row
    assert "in/0/3" in row
    assert "there are faults" in text
    assert text.startswith("in, group g, 0 partitions, as of 2026-01-31T08:00:00.000Z\n")


def test_since_when_as_every_other_command_takes_it() -> None:
    """A time, or how long ago."""
    assert _since_ms(None) is None
    assert _since_ms("1970-01-01T00:00:01Z") == 1_000
    assert (_since_ms("2h") or 0) > 1_700_000_000_000


def test_only_faults_are_red() -> None:
    """Superseded verdicts are none, nor are those of an earlier topic, nor what still waits."""
    red = "\x1b[31m"

    assert red in shown(contradicting=1)
    assert red in shown(duplicated_same_verdict=1)
    clean = shown(superseded=3, foreign=9, earlier=4, waiting=7)
    assert red not in clean
    assert "all is accounted for" in clean
