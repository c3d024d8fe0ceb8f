"""Plots as inline SVG: ranges of figures, and how scores came true. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from consumer.commands.evaluate.measures.calibration import CalibrationMeasures
from consumer.commands.evaluate.measures.interval import Interval

LEFT = 190
WIDTH = 640
ROW = 22


def ranges(
    title: str, rows: Sequence[tuple[str, Interval | None]], without: str = "no such text"
) -> str:
    """A dot and a bar for each figure between 0 and 1; `without` stands where there is none."""
    height = ROW * (len(rows) + 2)
    parts = [_axis(height, 0.25)]
    for at, (name, figure) in enumerate(rows, 1):
        y = ROW * at + ROW / 2
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{escape(name)}</text>')
        if figure is None:
            parts.append(f'<text x="{LEFT + 6}" y="{y + 4:g}" class="dim">{escape(without)}</text>')
            continue
        low, value, high = (_x(each) for each in (figure.low, figure.value, figure.high))
        said = f"{name}: {figure.value:.3f}, 95 % {figure.low:.3f} to {figure.high:.3f}"
        parts.append(
            f'<g><title>{escape(said)}</title><line class="bar" x1="{low:g}" x2="{high:g}" '
            f'y1="{y:g}" y2="{y:g}"/><circle class="dot" cx="{value:g}" cy="{y:g}" r="4"/></g>'
        )
    return _svg(title, height, parts)


def reliability(title: str, found: CalibrationMeasures) -> str:
    """The share that was right over the score; on the line scores come true."""
    size = 260
    parts = [f'<line class="grid" x1="{LEFT}" y1="{size}" x2="{LEFT + size - 20}" y2="20"/>']
    scale = size - 20
    for each in found.bins:
        if each.score is None or each.right is None:
            continue
        x = LEFT + each.score * scale
        low, value, high = (
            size - share * scale for share in (each.right.low, each.right.value, each.right.high)
        )
        said = f"score {each.score:.2f}: {each.right.value:.2f} right of {each.judgements}"
        parts.append(
            f'<g><title>{escape(said)}</title><line class="bar" x1="{x:g}" x2="{x:g}" '
            f'y1="{low:g}" y2="{high:g}"/><circle class="dot" cx="{x:g}" cy="{value:g}" r="4"/></g>'
        )
    for share in (0, 0.5, 1):
        y = size - share * scale
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{share:g}</text>')
        x = LEFT + share * scale
        parts.append(f'<text x="{x:g}" y="{size + 16}" text-anchor="middle">{share:g}</text>')
    parts.append(f'<text x="{LEFT + scale + 12}" y="24" class="dim">as promised</text>')
    return _svg(title, size + 24, parts)


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - 20), 1)


def _axis(height: int, step: float) -> str:
    parts = []
    for number in range(round(1 / step) + 1):
        x = _x(number * step)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{ROW}" y2="{height - ROW}"/>')
        parts.append(
            f'<text x="{x}" y="{height - 6}" text-anchor="middle" class="dim">{number * step:g}'
            "</text>"
        )
    return "".join(parts)


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    label = escape(title, quote=True)
    head = f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">'
    return f"<figure><figcaption>{escape(title)}</figcaption>{head}{''.join(parts)}</svg></figure>"
