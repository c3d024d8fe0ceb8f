"""
Labelled texts in a pack's table, whatever its columns are called. Pure.

A column is one of labels where its cells are labels; the texts are the longest column before it. So
a notice above the header does no harm. A prompt and its reply, each with a label, are two cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from consumer.commands.evaluate.cases.labelled import BadRow, LabelledText, Setting
from consumer.commands.packs.cut import Cut, PackCases
from consumer.commands.packs.labels import label_meant
from consumer.domain.policy import Outcome, Policy

HEADS_MAX = 5
"""Rows above the first case: notices and the header."""
FLAGS = frozenset({"0", "1", "true", "false", ""})
"""What the cells of a column of flags hold."""
KINDS = ("prompt", "reply")
"""What the first and the second text of a row are."""

Rows = Sequence[tuple[int, list[str]] | BadRow]


class Column(NamedTuple):
    """A column of labels, and the one with the texts that they are of."""

    label: int
    text: int


def hits_of(rows: Rows, policy: Policy) -> int:
    """How many cells are labels of a policy, spelled as there: whose table it is."""
    read = [row[1] for row in rows if not isinstance(row, BadRow)]
    return sum(cell.strip() in policy.outcomes for cells in read for cell in cells)


def read_table(file: str, rows: Rows, policy: Policy) -> PackCases:
    """The cases of a table under one policy, and the rows that are none, by their lines."""
    flags = _flags(rows, policy)
    if flags:
        found, lost = _flagged(file, rows, policy, flags)
    else:
        found, lost = _labelled(file, rows, policy)
    return _without_contradictions(file, policy, found, lost)


def _labelled(file: str, rows: Rows, policy: Policy) -> tuple[list[LabelledText], list[Cut]]:
    columns = _columns(rows, policy)
    found: list[LabelledText] = []
    lost: list[Cut] = []
    has_begun = False
    for number, row in enumerate(rows):
        if isinstance(row, BadRow):
            lost.append(Cut(file, row.line, "", row.problem))
            continue
        line, cells = row
        labels = [_cell(cells, column.label) for column in columns]
        meant = [label_meant(each, policy.outcomes) for each in labels]
        has_begun = has_begun or any(meant)
        if not has_begun and number < HEADS_MAX:
            continue
        for at, (column, label) in enumerate(zip(columns, meant, strict=True)):
            text = _cell(cells, column.text)
            if label is None:
                if labels[at].strip():
                    lost.append(Cut(file, line, text, _why_not(labels[at], policy)))
            elif text.strip():
                case = _case(policy, line, text, label, at)
                if at > 0:
                    said = (("user", _cell(cells, columns[0].text)),)
                    case = case._replace(setting=Setting("assistant", earlier=said))
                found.append(case)
    if not columns:
        lost.append(Cut(file, 1, "", f"no column holds labels of {policy.name}"))
    return found, lost


def _columns(rows: Rows, policy: Policy) -> list[Column]:
    """At most two columns of labels, from the left, each with the texts that stand before it."""
    filled: Counter[int] = Counter()
    meant: Counter[int] = Counter()
    size: Counter[int] = Counter()
    for row in rows:
        for at, cell in enumerate(() if isinstance(row, BadRow) else row[1]):
            filled[at] += bool(cell.strip())
            meant[at] += label_meant(cell, policy.outcomes) is not None
            size[at] += len(cell)
    labels = [at for at in sorted(meant) if meant[at] and 2 * meant[at] >= filled[at] - HEADS_MAX]
    found: list[Column] = []
    for label in labels:
        free = [at for at in size if at not in labels and at not in [each.text for each in found]]
        before = [at for at in free if at < label] or free
        if before:
            # The longest texts: numbers and ids stand beside them.
            found.append(Column(label, max(before, key=lambda at: size[at])))
    return found[: len(KINDS)]


def _case(policy: Policy, line: int, text: str, label: str, at: int) -> LabelledText:
    name = f"{policy.name}-{line:04d}"
    return LabelledText(
        line, name if at == 0 else f"{name}-{KINDS[at]}", text, "", KINDS[at], {policy.name: label}
    )


def _why_not(word: str, policy: Policy) -> str:
    if any(mark in word for mark in ",;/+"):
        return f"an answer has one label, here is {word}"
    return f"label {word}: {policy.name} has {', '.join(policy.labels)}"


def _flags(rows: Rows, policy: Policy) -> dict[str, int]:
    """The columns that are called as labels are, where each holds whether its label applies."""
    for number, row in enumerate(rows[:HEADS_MAX]):
        if not isinstance(row, BadRow):
            heads = {cell.strip(): at for at, cell in enumerate(row[1])}
            found = {label: heads[label] for label in policy.labels if label in heads}
            below = [each[1] for each in rows[number + 1 :] if not isinstance(each, BadRow)]
            words = {_cell(cells, at).strip().lower() for cells in below for at in found.values()}
            if found and words - {""} and words <= FLAGS:
                return found
    return {}


def _flagged(
    file: str, rows: Rows, policy: Policy, flags: dict[str, int]
) -> tuple[list[LabelledText], list[Cut]]:
    """
    Rows with a flag for each label: one raised is a label, none is what is allowed.

    That only where each other label has a flag: else nobody says what the text is.
    """
    found: list[LabelledText] = []
    lost: list[Cut] = []
    allowed = [label for label, outcome in policy.outcomes.items() if outcome is Outcome.ALLOW]
    is_whole = set(policy.outcomes) <= {*flags, *allowed}
    for row in rows:
        if isinstance(row, BadRow):
            lost.append(Cut(file, row.line, "", row.problem))
            continue
        line, cells = row
        words = {label: _cell(cells, at).strip().lower() for label, at in flags.items()}
        if not FLAGS.issuperset(words.values()):
            continue
        raised = [label for label, word in words.items() if word in ("1", "true")]
        text = max(
            (cell for at, cell in enumerate(cells) if at not in flags.values()), key=len, default=""
        )
        if len(raised) > 1:
            why = f"an answer has one label, here are {len(raised)} flags: {', '.join(raised)}"
            lost.append(Cut(file, line, text, why))
        elif text.strip() and not raised and not is_whole:
            lost.append(Cut(file, line, text, "no flag is raised, and not each label has one"))
        elif text.strip():
            found.append(_case(policy, line, text, (raised or allowed)[0], 0))
    return found, lost


def _without_contradictions(
    file: str, policy: Policy, found: Iterable[LabelledText], lost: list[Cut]
) -> PackCases:
    """Each text once: of a text with two labels nobody can say which is meant."""
    first: dict[str, LabelledText] = {}
    for case in found:
        words = " ".join(case.text.split())
        earlier = first.setdefault(words, case)
        if earlier.labels != case.labels:
            label = earlier.labels[policy.name]
            why = f"line {earlier.line} has the same text with {label}, here it has "
            lost.append(Cut(file, case.line, case.text, why + str(case.labels[policy.name])))
    return PackCases(
        file, policy.name, tuple(first.values()), tuple(sorted(lost, key=lambda cut: cut.line))
    )


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""
