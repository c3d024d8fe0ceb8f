"""Parts of a page of HTML that asks for nothing from outside: its frame, its tables, figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.report.sheet import SCRIPT, STYLE


def frame(title: str, body: str) -> str:
    """The whole page; a browser is told to fetch nothing for it."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        f'content="light dark"><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def table_part(
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    hidden: Sequence[str] | None = None,
) -> str:
    """A table whose columns sort on a click; long ones have a filter. `hidden` texts fold away."""
    top = "".join(f'<th scope="col"><button>{escape(head)}</button></th>' for head in heads)
    top += "<th>text</th>" if hidden is not None else ""
    lines = []
    for number, row in enumerate(rows):
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        if hidden is not None:
            text = escape(hidden[number])
            cells += f"<td><details><summary>show</summary><pre>{text}</pre></details></td>"
        lines.append(f"<tr>{cells}</tr>")
    search = (
        '<input type="search" placeholder="filter" aria-label="filter rows">'
        if len(rows) > 8
        else ""
    )
    return (
        f"<section><h3>{escape(title)}</h3>{search}<table><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></section>"
    )


def figure_of(figure: Interval | None, digits: int = 3) -> str:
    """A share with its range; a dash where there is none."""
    if figure is None:
        return "–"
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def number_of(value: float | None) -> str:
    """A number in four digits; a dash where there is none."""
    return "–" if value is None else f"{value:,.4g}"
