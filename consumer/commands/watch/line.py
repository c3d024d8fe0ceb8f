"""Line: a sighting as one or two lines, cut to a terminal's cells, or whole for a pipe."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from consumer.commands.dead_letters.letter import printable
from consumer.commands.watch.sighting import DEAD_LETTER, Sighting

STYLES = {"allow": "green", "flag": "yellow", "block": "red", DEAD_LETTER: "magenta"}
INDENT = " " * 9
"""Below the outcome: what was said, and why it is flagged."""


def plain(sighting: Sighting) -> str:
    """One line, whatever its length: columns that `cut` and `grep` know again."""
    about = [_head(sighting), *sighting.labels]
    if sighting.text:
        about.append(_quoted(sighting.text))
    if sighting.rationale:
        about.append(_clean(sighting.rationale))
    return "  ".join(about).rstrip()


def shown(sighting: Sighting, width: int) -> list[Text]:
    """Lines of at most `width` cells; wide characters take two."""
    head = f"{_head(sighting)}  {', '.join(sighting.labels)}"
    line = Text(cut(head.rstrip(), width), no_wrap=True)
    line.stylize(STYLES.get(sighting.outcome, ""), 9, 9 + len(sighting.outcome))
    lines = [line]
    if sighting.text:
        lines.append(Text(cut(INDENT + _quoted(sighting.text), width), no_wrap=True))
    if sighting.rationale:
        why = Text(cut(INDENT + _clean(sighting.rationale), width), style="dim", no_wrap=True)
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


def _head(sighting: Sighting) -> str:
    moment = datetime.fromtimestamp(max(0, sighting.at_ms) / 1_000).strftime("%H:%M:%S")
    where = f"{sighting.position.partition}/{sighting.position.offset}"
    why = sighting.unjudged_reason
    if sighting.cause not in ("", "model"):
        why = f"{sighting.cause}: {why}" if why else sighting.cause
    columns = f"{moment} {sighting.outcome:<11} {sighting.position.topic} {where:<9}"
    return f"{columns} {why}"


def _quoted(text: str) -> str:
    return f'"{_clean(text)}"'


def _clean(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return printable(" ".join(text.split()).encode("utf-8", "backslashreplace"))
