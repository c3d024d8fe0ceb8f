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
    names = [*heads, *(["text"] if hidden is not None else [])]
    # A browser prints no button where it repeats the heads on the next sheet: it has the attribute.
    top = "".join(
        f'<th scope="col" data-head="{name}"><button>{name}</button></th>'
        for name in (escape(head, quote=True) for head in names)
    )
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
    # A range stays on one line; where a column is narrow it stands below its share.
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f},\u00a0{figure.high:.{digits}f}]"


def number_of(value: float | None) -> str:
    """A number in four digits or more; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
