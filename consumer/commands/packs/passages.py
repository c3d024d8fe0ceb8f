"""A Markdown document as sections of passages that know their lines. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_BOLD = re.compile(r"\*\*([^*]{1,120}?):?\*\*[ \t]*$")
"""A line that is bold as a whole: what people write who do not know headings."""
_BEGINS = re.compile(r"[ \t]*(?:[-*+][ \t]|\d+[.)][ \t]|\||\*\*|Output[ \t]*:)")
"""What begins a passage of its own without a blank line before it."""
_FENCE = re.compile(r"[ \t]*(```|~~~)")
BOLD_LEVEL = 2
"""Where a bold line stands among headings."""
TITLE_CHARS_MAX = 500
"""Of a heading's line; a longer one is a paragraph, whatever it begins with."""


class Passage(NamedTuple):
    """Lines that belong together: a paragraph, a point of a list, a table's row or a fence."""

    line: int
    text: str


@dataclass
class Chapter:
    """A heading and what stands below it, up to the next heading."""

    line: int
    level: int
    """0 for what stands above the first heading."""
    title: str
    passages: list[Passage] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The heading and its passages, as they will stand in a policy."""
        parts = [f"{'#' * self.level} {self.title}\n\n"] if self.level else []
        for at, passage in enumerate(self.passages):
            together = _is_item(self.passages[at - 1]) and _is_item(passage)
            parts.append("" if at == 0 else "\n" if together else "\n\n")
            parts.append(passage.text.rstrip())
        return "".join(parts).strip()


def chapters_of(text: str) -> list[Chapter]:
    """The chapters of a document in their order; empty ones too, for a heading says something."""
    chapters = [Chapter(1, 0, "")]
    lines: list[str] = []
    start = 0
    open_fence: str | None = None

    def close() -> None:
        """What was gathered is a passage."""
        if lines:
            chapters[-1].passages.append(Passage(start, "\n".join(lines)))
            lines.clear()

    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.match(line)
        if open_fence is not None:
            lines.append(line)
            if fence and fence[1] == open_fence:
                open_fence = None
                close()
            continue
        heading = _heading(line, is_apart=not lines)
        if heading:
            close()
            chapters.append(Chapter(number, *heading))
            continue
        if not line.strip():
            close()
            continue
        if fence or _BEGINS.match(line):
            close()
        if not lines:
            start = number
            open_fence = fence[1] if fence else None
        lines.append(line.rstrip())
    close()
    return chapters


def _heading(line: str, *, is_apart: bool) -> tuple[int, str] | None:
    """The level and the title of a heading; a bold line is one where it stands apart."""
    if len(line) > TITLE_CHARS_MAX:
        return None
    marked = _HEADING.fullmatch(line)
    if marked:
        return len(marked[1]), marked[2].strip()
    bold = _BOLD.fullmatch(line) if is_apart else None
    return (BOLD_LEVEL, bold[1].strip()) if bold else None


def sentences_of(passage: Passage) -> list[Passage]:
    """The sentences of a passage, each with its line; put together they are the passage again."""
    found: list[Passage] = []
    start, line = 0, passage.line
    for end in [each.end() for each in _SENTENCE.finditer(passage.text)] + [len(passage.text)]:
        words = passage.text[start:end]
        if words:
            found.append(Passage(line, words))
        line += words.count("\n")
        start = end
    return found


_SENTENCE = re.compile(r"[.!?][\"”’)`*]*\s+(?=[A-Z“\"`*(\[])")


def _is_item(passage: Passage) -> bool:
    return bool(_BEGINS.match(passage.text)) and not passage.text.startswith("**")
