"""
The picture of the rooms: which folders there are, and which knows which. Read from the imports.

`make picture` writes `deploy/rooms.svg`; a test fails when it is stale. Rows are the layers that
the import contract names, so that every arrow points down. What nearly everything knows (errors,
domain, seams, settings) has a row of its own without arrows: they would hide the rest.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "consumer"
PICTURE = ROOT / "deploy" / "rooms.svg"
KNOWN_TO_ALL = ("interfaces", "domain", "errors", "telemetry", "settings")
NOTE = "known to the rooms above without an arrow; a number is how many files a room has"
WIDTH, ROW, BOX_HEIGHT, LETTER, GAP = 900, 92, 44, 8, 26


def layers() -> list[list[str]]:
    """The rooms, a list for each layer, highest first, as `pyproject.toml` has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (found,) = (each for each in contracts["contracts"] if each["type"] == "layers")
    return [[room.strip() for room in re.split(r"[|:]", layer)] for layer in found["layers"]]


def arrows() -> Counter[tuple[str, str]]:
    """How many imports lead from one room to another."""
    found: Counter[tuple[str, str]] = Counter()
    for file in PACKAGE.rglob("*.py"):
        here = file.relative_to(PACKAGE).with_suffix("").parts[0]
        for there in re.findall(r"^\s*from consumer\.(\w+)", file.read_text(), re.MULTILINE):
            if there != here:
                found[here, there] += 1
    return found


def files_in(room: str) -> int:
    """How many modules a room has, those of its inner rooms with them."""
    folder = PACKAGE / room
    if not folder.is_dir():
        return 1
    return sum(1 for file in folder.rglob("*.py") if file.name != "__init__.py")


def picture() -> str:
    """The SVG, readable on light and dark ground."""
    rows = [[room for room in row if room not in KNOWN_TO_ALL] for row in layers()]
    rows = [*filter(None, rows), list(KNOWN_TO_ALL)]
    places = {room: place for at, row in enumerate(rows) for room, place in _placed(row, at)}
    heights = len(rows) * ROW + 4
    drawn = [
        _arrow(places[here], places[there], number)
        for (here, there), number in sorted(arrows().items())
        if here in places and there in places and there not in KNOWN_TO_ALL
    ]
    boxes = [_box(room, *place) for room, place in places.items()]
    note = f'<text x="{WIDTH / 2:.0f}" y="{heights - 16}" text-anchor="middle">{NOTE}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {heights}" '
        f'font-family="sans-serif" font-size="14" role="img">\n'
        "<title>The rooms of the service, and which imports which</title>\n"
        f"<style>{_STYLE}</style>\n" + "\n".join([*drawn, *boxes, note]) + "\n</svg>\n"
    )


def _placed(row: list[str], at: int) -> list[tuple[str, tuple[float, float, float]]]:
    """Where each room of a row stands: left edge, top and width."""
    widths = [LETTER * len(_label(room)) + GAP for room in row]
    space = (WIDTH - sum(widths)) / (len(row) + 1)
    lefts = [space]
    for before, _ in pairwise(widths):
        lefts.append(lefts[-1] + before + space)
    return [
        (room, (left, at * ROW + 8.0, width))
        for room, left, width in zip(row, lefts, widths, strict=True)
    ]


def _label(room: str) -> str:
    number = files_in(room)
    return f"{room} {number}" if (PACKAGE / room).is_dir() else room


def _box(room: str, left: float, top: float, width: float) -> str:
    label = escape(_label(room))
    middle = left + width / 2
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{middle:.0f}" y="{top + BOX_HEIGHT / 2 + 5:.0f}" '
        f'text-anchor="middle">{label}</text>'
    )


def _arrow(start: tuple[float, float, float], end: tuple[float, float, float], number: int) -> str:
    x1, y1 = start[0] + start[2] / 2, start[1] + BOX_HEIGHT
    x2, y2 = end[0] + end[2] / 2, end[1]
    bend = (y2 - y1) / 2
    thick = min(4.0, 0.8 + number / 8)
    return (
        f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} '
        f'{x2:.0f},{y2:.0f}" stroke-width="{thick:.1f}"/>'
    )


_STYLE = (
    "rect{fill:#f4f6f8;stroke:#57606a}text{fill:#1f2328}"
    "path{fill:none;stroke:#0969da;stroke-opacity:.45}"
    "@media(prefers-color-scheme:dark){rect{fill:#21262d;stroke:#8b949e}text{fill:#e6edf3}"
    "path{stroke:#58a6ff}}"
)


def main() -> None:
    PICTURE.write_text(picture())
    print(f"written: {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
