"""How a command tells what it found: to a person at a terminal, to a pipe, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

import pytest
from rich.console import Console

from consumer.commands.terminal import bars, read, tell
from consumer.domain.messages.message import Position, Record
from consumer.kafka.reader.reader import Span, TopicReader

FIELDS = {"found": 2, "topic": "größe"}
LINES = ["2 found", "in größe"]


def shown(console: Console) -> None:
    console.print("a table")


def test_a_pipe_is_given_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tell(FIELDS, LINES, as_json=False, show=shown)

    assert capsys.readouterr().out.splitlines() == LINES


@pytest.mark.parametrize("is_terminal", [False, True])
def test_json_is_one_object_for_a_person_too(
    is_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR" if is_terminal else "NO_COLOR", "1")
    tell(FIELDS, LINES, as_json=True, show=shown)

    assert json.loads(capsys.readouterr().out) == FIELDS


def test_a_person_is_shown_the_other_form_where_there_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rich takes any output for a terminal then.
    monkeypatch.setenv("FORCE_COLOR", "1")
    tell(FIELDS, LINES, as_json=False, show=shown)
    tell(FIELDS, LINES, as_json=False)

    assert capsys.readouterr().out.splitlines() == ["a table", *LINES]


def test_a_bar_ends_full_though_offsets_are_missing() -> None:
    """Compacted records and transaction markers take up offsets and never come."""
    record = Record(Position("in", 0, 3), 0, None, b"{}", ())

    class Scan:
        def records(self, spans: Sequence[Span]) -> Iterator[list[Record]]:
            yield [record, record]
            yield [record]

    spans = [Span("in", 0, 0, 10), Span("in", 1, 4, 4), Span("in", 2, 5, 3)]
    with bars(Console(quiet=True)) as progress:
        batches = []
        for batch in read(cast("TopicReader", Scan()), spans, progress, "input"):
            batches.append(batch)
            assert progress.tasks[0].total == 10
        assert progress.tasks[0].completed == 10

    assert [len(batch) for batch in batches] == [2, 1]
    assert progress.disable


def test_what_anybody_wrote_is_shown_and_obeyed_by_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(FIELDS, ["\x1b[31mred\x07 \u202eevil", "größe\u00a0🔥\ttwo\nlines"], as_json=False)

    assert capsys.readouterr().out == ("\\x1b[31mred\\x07 \\u202eevil\ngröße\u00a0🔥\ttwo\nlines\n")
