"""Rows of CSV: a cell may hold lines, so many of them and so long, and nothing else is lost."""

from __future__ import annotations

import pytest

from consumer.commands.evaluate.cases import tables
from consumer.commands.evaluate.cases.labelled import BadRow, CaseRow
from consumer.commands.evaluate.cases.tables import table_rows
from consumer.errors import InvalidSettings


def rows(*lines: str | BadRow) -> list[CaseRow | BadRow]:
    """Of a file with a header and these lines."""
    numbered = [
        line if isinstance(line, BadRow) else (number, line + "\n")
        for number, line in enumerate(("a,b", *lines), 1)
    ]
    return list(table_rows(iter(numbered), ",", "cases.csv"))


def lines_of(found: list[CaseRow | BadRow]) -> list[int]:
    """Those of rows that were read; of the others with a minus."""
    return [-each.line if isinstance(each, BadRow) else each.line for each in found]


def test_a_line_that_cannot_be_read_ends_the_cell_that_it_stands_in() -> None:
    """Both are named, and reading goes on behind them."""
    broken = BadRow(3, "no UTF-8")
    assert rows('1,"open', broken, "2,fine")[1] is broken
    assert lines_of(rows('1,"open', broken, "2,fine")) == [-2, -3, 4]
    assert lines_of(rows("1,fine", broken, '2,"two', 'lines"')) == [2, -3, 4]


def test_a_row_that_is_no_csv_is_named_by_its_first_line() -> None:
    assert lines_of(rows("1,fine", '2,"two', 'lines" and more', "3,fine")) == [2, -3, 5]


def test_a_cell_has_so_many_lines_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LINES_MAX", 3)
    assert lines_of(rows('1,"one', "two", 'three"', "2,fine")) == [2, 5]
    assert lines_of(rows('1,"one', "two,", "three,", 'four,"')) == [-2, 3, 4, -5]


def test_a_row_is_read_as_far_as_a_cell_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is open at that length may still be closed by the next line; not beyond it."""
    monkeypatch.setattr(tables, "TEXT_BYTES_MAX", 10)
    assert lines_of(rows('1,"345678', '"', "2,fine")) == [2, 4]
    (bad,) = rows('1,"345678')
    assert isinstance(bad, BadRow)
    assert "more than" not in bad.problem
    (bad, after, good) = rows('1,"3456789', '"', "2,fine")
    assert lines_of([bad, after, good]) == [-2, -3, 4]
    assert isinstance(bad, BadRow)
    assert "a cell has more than 10 bytes or a quote is opened" in bad.problem


@pytest.mark.parametrize(("size", "is_read"), [(1_000_000, True), (1_000_001, False)])
def test_a_cell_may_be_as_long_as_a_text(size: int, is_read: bool) -> None:
    """The library's own bound is far lower."""
    (found,) = rows("1," + "x" * size)
    assert isinstance(found, CaseRow) == is_read


def test_without_a_header_nothing_can_be_read() -> None:
    with pytest.raises(InvalidSettings, match=r"cases\.csv is empty: it needs a header"):
        list(table_rows(iter([]), ",", "cases.csv"))
    broken = BadRow(1, "no UTF-8")
    with pytest.raises(InvalidSettings, match="the header cannot be read: line 1: no UTF-8"):
        list(table_rows(iter([broken, (2, "a,b\n")]), ",", "cases.csv"))
    with pytest.raises(InvalidSettings, match="names b, c twice"):
        list(table_rows(iter([(1, "a, c,b,c,b\n")]), ",", "cases.csv"))
