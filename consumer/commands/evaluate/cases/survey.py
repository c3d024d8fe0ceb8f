"""Survey: what a file of cases holds, before anything is judged. One pass, counts and no texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b

from consumer.commands.dead_letters.letter import printable
from consumer.commands.evaluate.cases.columns import Columns, Reader
from consumer.commands.evaluate.cases.formats import CasesFile
from consumer.commands.evaluate.cases.index import DiskIndex
from consumer.commands.evaluate.cases.labelled import BadRow, CaseRow, LabelledText, text_digest
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings

NAMED_MAX = 20
"""Bad rows, duplicates and contradictions that are named; all are counted."""
NAMED_CHARS_MAX = 300
"""Of a row's own words where it is named as bad."""
SHOWN_MAX = 5
"""Of those, shown before the run; a report has them all."""
FIRST = 3
"""Rows shown, so that a person sees what the columns were taken for."""
COLUMNS_MAX = 100
"""Columns shown; a file with more is read all the same."""


@dataclass(frozen=True, slots=True)
class Named:
    """How many there are, and the first of them in words."""

    count: int = 0
    first: tuple[str, ...] = ()

    def plus(self, word: str) -> Named:
        # A file's words are in it, which a terminal must not obey.
        shown = printable(word[:NAMED_CHARS_MAX].encode("utf-8", "replace"))
        more = (shown,) if len(self.first) < NAMED_MAX else ()
        return Named(self.count + 1, self.first + more)


@dataclass
class Survey:
    """What is in the file."""

    digest: str = ""
    """BLAKE2b-128 over the texts in their order, whatever they were labelled."""
    rows: int = 0
    texts: int = 0
    """Rows that can be judged: with a text and a known label."""
    judgements: int = 0
    """Known labels, each of which is one question to the model in each run."""
    unlabelled: int = 0
    """Rows no label of which is known: passed over."""
    bad: Named = Named()
    duplicates: Named = Named()
    contradictions: Named = Named()
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By policy and label."""
    with_context: int = 0
    """Texts whose row says what stood around them."""
    first: list[LabelledText] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    """The names that rows have, in the order in which they come."""

    def lines(self) -> Iterator[str]:
        """For a person, before the run."""
        labels = counted(self.judgements, "label")
        yield f"{counted(self.rows, 'row')}, {self.texts:,} to judge, {labels}"
        for (policy, label), count in sorted(self.labels.items()):
            yield f"  {policy} {label}: {count}"
        if self.unlabelled:
            yield f"{counted(self.unlabelled, 'row')} without a known label, passed over"
        for found, noun, what in (
            (self.bad, "row", "unreadable and passed over"),
            (self.duplicates, "label", "given twice: judged once, counted each time"),
            (self.contradictions, "label", "against an earlier row with the same text"),
        ):
            if found.count:
                yield f"{counted(found.count, noun)} {what}"
                yield from (f"  {word}" for word in found.first[:SHOWN_MAX])
                if found.count > SHOWN_MAX:
                    yield f"  and {found.count - SHOWN_MAX} more"


def survey(file: CasesFile, columns: Columns, reader: Reader) -> Survey:
    """
    Read the file once.

    Raises:
        InvalidSettings: it cannot be read, a column that was named is in no row, or no row can be
            judged.
    """
    found = Survey()
    digest = blake2b(digest_size=16)
    with closing(DiskIndex()) as seen:
        for row in file.rows():
            found.rows += 1
            text = _counted(found, row, reader)
            if text is None:
                continue
            _compare(found, text, seen)
            digest.update(text_digest(text.text).encode())
    found.digest = digest.hexdigest()
    _check(found, file, columns)
    return found


def _counted(found: Survey, row: CaseRow | BadRow, reader: Reader) -> LabelledText | None:
    """The text of a row that can be judged; the others are counted as what they are."""
    if isinstance(row, CaseRow) and len(found.columns) < COLUMNS_MAX:
        names = (name for name in map(str, row.fields) if len(name) <= NAMED_CHARS_MAX)
        found.columns.update(dict.fromkeys(names))
    text = row if isinstance(row, BadRow) else reader.read(row)
    if isinstance(text, BadRow):
        found.bad = found.bad.plus(str(text))
        return None
    if not text.known:
        found.unlabelled += 1
        return None
    found.texts += 1
    found.with_context += text.setting is not None
    if len(found.first) < FIRST:
        found.first.append(text)
    return text


def _compare(found: Survey, text: LabelledText, seen: DiskIndex) -> None:
    same = text_digest(" ".join(text.text.split()) + f"\0{text.setting or ''}")
    for policy, label in text.known.items():
        found.judgements += 1
        found.labels[policy, label] += 1
        key = f"{same}{policy}"
        earlier = seen.get(key)
        if earlier is None:
            seen.put(key, f"{text.line} {label}")
            continue
        line, _, before = earlier.partition(" ")
        if before == label:
            found.duplicates = found.duplicates.plus(f"line {text.line}: as line {line}, {label}")
        else:
            word = f"line {text.line}: {label}, line {line} says {before} under {policy}"
            found.contradictions = found.contradictions.plus(word)


def _check(found: Survey, file: CasesFile, columns: Columns) -> None:
    if found.rows == 0:
        raise InvalidSettings(f"{file.shown} holds no row")
    names = printable(", ".join(found.columns).encode("utf-8", "replace"))
    has = f"{file.shown} has {names or 'no readable row'}"
    for name in columns.asked:
        if name not in found.columns and len(found.columns) < COLUMNS_MAX:
            raise InvalidSettings(f"--map: no row has a column {name}; {has}")
    if found.texts == 0:
        said = "\n".join(f"  {word}" for word in found.bad.first[:5])
        why = f"\n{said}" if said else ": no label is known"
        raise InvalidSettings(
            f"no row of {file.shown} can be judged{why}\n{has}: --map and --labels say what is what"
        )
