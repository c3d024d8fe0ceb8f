"""Answers that were seen: whole bodies, in files that are named for the status they came with."""

from __future__ import annotations

from pathlib import Path

from tests.odd.row import Answer

FOLDER = Path(__file__).parents[2] / "unit" / "inference" / "blame" / "answers"
_TYPES = {".json": "application/json", ".html": "text/html", ".txt": "text/plain"}


def seen(name: str) -> Answer:
    """The answer in a file such as `403-waf.html`."""
    file = FOLDER / name
    return Answer(int(name[:3]), file.read_bytes(), _TYPES[file.suffix])
