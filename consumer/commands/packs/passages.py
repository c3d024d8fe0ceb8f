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
            together = at > 0 and _is_item(self.passages[at - 1]) and _is_item(passage)
            parts.append("" if at == 0 else "\n" if together else "\n\n")
            parts.append(passage.text.rstrip())
        return "".join(parts).strip()


def chapters_of(text: str) -> list[Chapter]:
    """The sections of a document in their order; empty ones too, for a heading says something."""
    sections = [Chapter(1, 0, "")]
    open_fence: str | None = None
    is_apart = True
    for number, line in enumerate(text.split("\n"), 1):
        passages = sections[-1].passages
        fence = _FENCE.match(line)
        if open_fence is not None:
            passages[-1] = passages[-1]._replace(text=f"{passages[-1].text}\n{line}")
            open_fence = None if fence and fence[1] == open_fence else open_fence
            is_apart = open_fence is None
            continue
        heading = _HEADING.fullmatch(line) or _BOLD.fullmatch(line)
        if heading and (not line.startswith("*") or is_apart):
            is_bold = line.startswith("*")
            title = heading[1] if is_bold else heading[2]
            level = BOLD_LEVEL if is_bold else len(heading[1])
            sections.append(Chapter(number, level, title.strip()))
            is_apart = True
        elif not line.strip():
            is_apart = True
        elif is_apart or fence or _BEGINS.match(line):
            passages.append(Passage(number, line.rstrip()))
            open_fence = fence[1] if fence else None
            is_apart = False
        else:
            passages[-1] = passages[-1]._replace(text=f"{passages[-1].text}\n{line.rstrip()}")
    return sections


def sentences_of(passage: Passage) -> list[Passage]:
    """The sentences of a passage, each with its line; put together they are the passage again."""
    found: list[Passage] = []
    start = 0
    for end in [each.end() for each in _SENTENCE.finditer(passage.text)] + [len(passage.text)]:
        words = passage.text[start:end]
        if words:
            at = passage.line + passage.text.count("\n", 0, start)
            found.append(Passage(at, words))
        start = end
    return found


_SENTENCE = re.compile(r"[.!?][\"”’)`*]*\s+(?=[A-Z“\"`*(\[])")


def _is_item(passage: Passage) -> bool:
    return bool(_BEGINS.match(passage.text)) and not passage.text.startswith("**")
