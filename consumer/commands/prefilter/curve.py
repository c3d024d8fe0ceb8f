"""Curve: what a filter saves at each recall, as points and as inline SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from consumer.screening.prefilter.prefilter import FilterLook

WIDTH, HEIGHT = 460, 300
"""A plot as wide as a telephone's screen has letters that can be read there."""
LEFT, BOTTOM = 64, 256
RECALL_MIN = 0.8
"""Left edge: below it no filter is wanted."""
POINTS_MAX = 400
"""Of a curve: more cannot be seen."""
COLOURS = (
    "light-dark(#1d4ed8,#7db0ff)",
    "light-dark(#c2410c,#fdba74)",
    "light-dark(#15803d,#86efac)",
    "light-dark(#7e22ce,#d8b4fe)",
)
"""On paper and on a dark screen, as words beside a line are read."""


class CurvePoint(NamedTuple):
    """At one threshold."""

    threshold: float
    recall: float
    saved: float
    """Share of the harmless messages that would not reach the model."""


class SeenLook(NamedTuple):
    """What the filter said of an example, and what the model had said."""

    look: FilterLook
    is_positive: bool
    weight: float = 1.0


class NamedCurve(NamedTuple):
    """A line of the plot."""

    name: str
    points: Sequence[CurvePoint]


def curve_of(seen: Sequence[SeenLook]) -> list[CurvePoint]:
    """From the lowest threshold to the highest; what is never settled reaches the model."""
    total = sum(each.weight for each in seen if each.is_positive)
    others = sum(each.weight for each in seen if not each.is_positive)
    if not total or not others:
        return []
    can_be_settled = sorted(
        ((each.look.score, each.is_positive, each.weight) for each in seen if _could(each.look)),
    )
    points = [CurvePoint(0.0, 1.0, 0.0)]
    missed = saved = 0.0
    for at, (score, is_positive, weight) in enumerate(can_be_settled):
        missed += weight if is_positive else 0.0
        saved += 0.0 if is_positive else weight
        following = can_be_settled[at + 1][0] if at + 1 < len(can_be_settled) else 1.0
        if following > score:
            points.append(CurvePoint(following, 1.0 - missed / total, saved / others))
    step = max(1, len(points) // POINTS_MAX)
    return [*points[::step], points[-1]]


def _could(look: FilterLook) -> bool:
    """Whether some threshold would settle it."""
    return look.asked_for in (None, "score")


def plot(title: str, curves: Sequence[NamedCurve]) -> str:
    """The share of calls saved over the recall."""
    parts = [_grid()]
    for number, (name, points) in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{_x(point.recall):.1f},{_y(point.saved):.1f}"
            for point in points
            if point.recall >= RECALL_MIN
        )
        y = BOTTOM - 28 - 16 * number
        parts.append(
            f'<polyline fill="none" style="stroke:{colour}" stroke-width="2" points="{path}"/>'
            f'<text x="{LEFT + 12}" y="{y}" style="fill:{colour}">{escape(name)}</text>'
        )
    label = escape(title, quote=True)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="min-width:0;max-width:100%">'
        f"{''.join(parts)}</svg></figure>"
    )


def _grid() -> str:
    parts = []
    for step in range(5):
        recall, saved = RECALL_MIN + step * (1 - RECALL_MIN) / 4, step / 4
        x, y = _x(recall), _y(saved)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(1):.1f}" y2="{BOTTOM}"/>'
            f'<line class="grid" x1="{LEFT}" x2="{_x(1):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="dim" x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{recall:.2f}'
            f'</text><text class="dim" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{saved:.0%}</text>"
        )
    parts.append(
        f'<text class="dim" x="{_x(0.9):.1f}" y="{BOTTOM + 34}" text-anchor="middle">recall</text>'
        f'<text class="dim" transform="translate(14 {_y(0.5):.1f}) rotate(-90)" '
        'text-anchor="middle">saved</text>'
    )
    return "".join(parts)


def _x(recall: float) -> float:
    return LEFT + (recall - RECALL_MIN) / (1 - RECALL_MIN) * (WIDTH - LEFT - 30)


def _y(saved: float) -> float:
    return BOTTOM - saved * (BOTTOM - 20)
