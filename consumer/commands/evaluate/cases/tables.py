"""
CSV rows, as RFC 4180 has them: a cell in quotes may hold line feeds.

The library's reader takes everything after a quote that nobody closed for one cell. Here such a row
is named by its line and reading goes on with the next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from consumer.commands.evaluate.cases.labelled import TEXT_BYTES_MAX, BadRow, CaseRow
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings

LINES_MAX = 1_000
"""A cell of more lines is a quote that was not closed."""

Lines = Iterator[tuple[int, str] | BadRow]


def table_rows(lines: Lines, delimiter: str, shown: str) -> Iterator[CaseRow | BadRow]:
    """
    The rows below the header.

    Raises:
        InvalidSettings: there is no header, or it names a column twice.
    """
    header: list[str] | None = None
    for found in cell_rows(lines, delimiter):
        if header is None:
            header = _header(found, shown)
            continue
        if isinstance(found, BadRow):
            yield found
            continue
        line, cells = found
        if len(cells) != len(header):
            yield BadRow(
                line,
                f"has {counted(len(cells), 'cell')}, the header {len(header)}: quote cells that "
                f'hold a "{delimiter}" or a line feed',
            )
        else:
            yield CaseRow(line, dict(zip(header, cells, strict=True)))
    if header is None:
        raise InvalidSettings(f"{shown} is empty: it needs a header and rows")


def cell_rows(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    """The cells of every row that is not blank, headers too, each with its first line."""
    csv.field_size_limit(TEXT_BYTES_MAX)
    for found in _records(lines):
        if isinstance(found, BadRow):
            yield found
            continue
        cells = _cells(found[1], delimiter)
        yield BadRow(found[0], cells) if isinstance(cells, str) else (found[0], cells)


def _header(found: tuple[int, list[str]] | BadRow, shown: str) -> list[str]:
    if isinstance(found, BadRow):
        raise InvalidSettings(f"{shown}: the header cannot be read: {found}")
    names = [cell.strip() for cell in found[1]]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidSettings(f"{shown}: the header names {', '.join(sorted(twice))} twice")
    return names


def _records(lines: Lines) -> Iterator[tuple[int, str] | BadRow]:
    """Lines joined until their quotes are closed; blank ones between records are left out."""
    waiting: deque[tuple[int, str] | BadRow] = deque()

    def following() -> Iterator[tuple[int, str] | BadRow]:
        while True:
            if waiting:
                yield waiting.popleft()
                continue
            line = next(lines, None)
            if line is None:
                return
            yield line

    for first in following():
        if isinstance(first, BadRow) or not first[1].strip():
            if isinstance(first, BadRow):
                yield first
            continue
        parts = [first]
        taken: list[tuple[int, str] | BadRow] = []
        is_open, size = _turns(first[1]), len(first[1])
        while is_open and len(parts) < LINES_MAX and size <= TEXT_BYTES_MAX:
            more = next(following(), None)
            if more is None:
                break
            taken.append(more)
            if isinstance(more, BadRow):
                break
            parts.append(more)
            is_open ^= _turns(more[1])
            size += len(more[1])
        if is_open:
            waiting.extendleft(reversed(taken))
            is_long = size > TEXT_BYTES_MAX
            what = f"a cell has more than {TEXT_BYTES_MAX:,} bytes or " if is_long else ""
            yield BadRow(
                first[0], f'{what}a quote is opened and not closed: write a quote in a cell as ""'
            )
        else:
            yield first[0], "".join(text for _, text in parts)


def _turns(line: str) -> bool:
    """Whether a line opens a cell that it does not close, or closes one that it did not open."""
    return line.count('"') % 2 == 1


def _cells(record: str, delimiter: str) -> list[str] | str:
    """The cells of a record, or what is wrong with it."""
    try:
        return next(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return f'is no CSV: {error}: write a quote inside a cell as ""'
