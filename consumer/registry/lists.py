"""
A policy set's lists: files in its folder `lists/`, an entry a line, each with its own digest.

They are no part of a version: what must act at once is not published first. Only patterns that are
searched for in linear time are taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from consumer.domain.pattern import compiled, fault_of, together
from consumer.domain.policy import Outcome, digest_of
from consumer.domain.screening import ListEntry, ListTerms
from consumer.errors import Flaw
from consumer.files import as_saved_anywhere, names_in, read_file
from consumer.registry.topic.screening import ListTable

FOLDER = "lists"
LIST_BYTES_MAX = 4_000_000
"""Of a list: it is read again at every reload."""
ENTRIES_MAX = {"words": 100_000, "anywhere": 100_000, "exact": 100_000, "patterns": 1_000}
"""Patterns are put together to one automaton, which grows with what they say."""
ENTRY_CHARS_MAX = 1_000
"""Of an entry; a longer one is no word, no link and no pattern that anybody can read."""
FLAWS_MAX = 20
"""Of one list: who takes a file for another kind would be told about every line."""

SHORT_TEXTS = ("hi", "we", "go", "a nut")
"""No letter of one is in another, so what is found in all of them is found in nearly every text."""

_BACKTRACKING = (
    ("(?=", "a look-ahead"),
    ("(?!", "a look-ahead"),
    ("(?<=", "a look-behind"),
    ("(?<!", "a look-behind"),
    ("(?>", "an atomic group"),
    ("(?(", "a condition"),
    ("(?P=", "a back-reference"),
    ("(?R", "a recursion"),
)
_BACK_REFERENCE = re.compile(r"\\[1-9]|\\[gk]\b")
_REMARK = re.compile(r"\s#\s")
_EDGE = re.compile(r"(?<!\\)(?:\\\\)*\\[bB]")
_POSSESSIVE = re.compile(r"[*+?}]\+")


def read_lists(
    set_folder: Path, tables: Sequence[ListTable], shown: Callable[[Path], str]
) -> list[ListTerms | Flaw]:
    """The lists that a topic names, in its order, or what is wrong with each."""
    found: list[ListTerms | Flaw] = []
    for table in tables:
        file = set_folder / FOLDER / table.file
        name = shown(file)
        content = read_file(file, LIST_BYTES_MAX)
        if isinstance(content, str):
            found.append(Flaw(name, 1, content))
            continue
        content = as_saved_anywhere(content)
        try:
            entries = _entries(content.decode())
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            found.append(Flaw(name, line, "not UTF-8: save the file as UTF-8"))
            continue
        flaws = _flaws(table, entries)
        found += [Flaw(name, line, problem) for line, problem in flaws]
        if not flaws:
            digest = digest_of({table.file: content})
            outcome = Outcome(table.outcome)
            found.append(ListTerms(table.file, outcome, table.match, entries, digest))
    return found


def list_files(set_folder: Path) -> Iterator[Path]:
    """Every file that may be one of the set's lists."""
    folder = set_folder / FOLDER
    names = names_in(folder) if os.path.isdir(folder) else []
    if not isinstance(names, str):
        yield from (folder / name for name in names)


def _entries(text: str) -> tuple[ListEntry, ...]:
    """What stands on the lines; nothing of an empty one, or of one that begins with `# `."""
    # An old editor's lone carriage returns end lines too: else all of them were one entry.
    written = text.replace("\r", "\n").split("\n")
    lines = ((number, line.strip()) for number, line in enumerate(written, start=1))
    return tuple(
        ListEntry(number, line)
        for number, line in lines
        if line and line != "#" and not line.startswith("# ")
    )


def _flaws(table: ListTable, entries: Sequence[ListEntry]) -> list[tuple[int, str]]:
    most = ENTRIES_MAX[table.match]
    if len(entries) > most:
        at = entries[most].line
        return [(at, f'holds more than {most:,} entries, the most for match = "{table.match}"')]
    flaws: list[tuple[int, str]] = []
    for line, text in entries:
        if len(flaws) == FLAWS_MAX:
            break
        if len(text) > ENTRY_CHARS_MAX:
            flaws.append((line, f"is longer than {ENTRY_CHARS_MAX:,} characters"))
        elif _REMARK.search(text):
            flaws.append((line, "a remark stands on its own line; a pattern may say [#]"))
        elif table.match == "anywhere" and len(text) == 1 and text.isascii() and text.isalnum():
            flaws.append((line, "is found in nearly every text: say more, or match whole words"))
        elif table.match == "patterns":
            problem = _pattern_problem(text)
            if problem is not None:
                flaws.append((line, problem))
    patterns = [entry.text for entry in entries] if table.match == "patterns" else []
    if patterns and not flaws and fault_of(together(patterns)) is not None:
        flaws.append((entries[0].line, "the patterns are too large together: part the list"))
    return flaws


def _pattern_problem(pattern: str) -> str | None:
    fault = fault_of(pattern)
    if fault is None:
        found = compiled(pattern)
        is_anywhere = found.search("") or all(found.search(text) for text in SHORT_TEXTS)
        if is_anywhere:
            return "is found in every text: say what has to be there"
        if not pattern.isascii() and _EDGE.search(pattern):
            return (
                r"\b knows the edges of ASCII words alone, so other words are not found: write "
                r"(?:^|\PL) before and (?:\PL|$) behind, or let the list match whole words"
            )
        if fault_of(together([pattern])) is not None:
            return r"goes on to the end of the line and beyond: end what \Q begins with \E"
        return None
    for sign, name in _BACKTRACKING:
        if sign in pattern:
            return f"{name} ({sign}) would have to go back in the text, which may take for ever"
    if _BACK_REFERENCE.search(pattern):
        return "a back-reference would have to go back in the text, which may take for ever"
    if _POSSESSIVE.search(pattern):
        return "a possessive repetition is for searches that go back: leave out the second sign"
    return f"no pattern that can be searched for: {fault}"
