"""Line: what was watched as one or two lines, cut to a terminal's cells, or whole for a pipe."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from consumer.commands.dead_letters.letter import printable
from consumer.commands.watch.watched import DEAD_LETTER, Watched

STYLES = {"allow": "green", "flag": "yellow", "block": "red", DEAD_LETTER: "magenta"}
INDENT = " " * 9
"""Below the outcome: what was said, and why it is flagged."""


def plain(watched: Watched) -> str:
    """One line, whatever its length: columns that `cut` and `grep` know again."""
    about = [_head(watched), *watched.labels]
    if watched.text:
        about.append(_quoted(watched.text))
    if watched.rationale:
        about.append(_clean(watched.rationale))
    return "  ".join(about).rstrip()


def shown(watched: Watched, width: int) -> list[Text]:
    """Lines of at most `width` cells; wide characters take two."""
    head = f"{_head(watched)}  {', '.join(watched.labels)}"
    line = Text(cut(head.rstrip(), width), no_wrap=True)
    line.stylize(STYLES.get(watched.outcome, ""), 9, 9 + len(watched.outcome))
    lines = [line]
    if watched.text:
        lines.append(Text(cut(INDENT + _quoted(watched.text), width), no_wrap=True))
    if watched.rationale:
        why = Text(cut(INDENT + _clean(watched.rationale), width), style="dim", no_wrap=True)
        lines.append(why)
    return lines


def cut(line: str, width: int) -> str:
    """The line, ended by an ellipsis where it does not fit so many cells."""
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, width - 1).rstrip() + "…"


def totals(counts: Counter[str]) -> str:
    """What was seen, added up."""
    verdicts = sum(counts.values()) - counts[DEAD_LETTER]
    parts = ", ".join(f"{name} {counts[name]:,}" for name in ("allow", "flag", "block"))
    noun = "verdict" if verdicts == 1 else "verdicts"
    letters = counts[DEAD_LETTER]
    more = f"; {letters:,} dead letter{'s' * (letters != 1)}" if letters else ""
    return f"{verdicts:,} {noun}: {parts}{more}"


def _head(watched: Watched) -> str:
    moment = datetime.fromtimestamp(max(0, watched.at_ms) / 1_000).strftime("%H:%M:%S")
    where = f"{watched.position.partition}/{watched.position.offset}"
    why = watched.unjudged_reason
    if watched.cause not in ("", "model"):
        why = f"{watched.cause}: {why}" if why else watched.cause
    columns = f"{moment} {watched.outcome:<11} {watched.position.topic} {where:<9}"
    return f"{columns} {why}"


def _quoted(text: str) -> str:
    return f'"{_clean(text)}"'


def _clean(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return printable(" ".join(text.split()).encode("utf-8", "backslashreplace"))
