"""The files of a pack, below a folder: documents, tables and licences, each read in bounds."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from consumer.commands.evaluate.cases.lines import lines_of
from consumer.commands.evaluate.cases.tables import cell_rows
from consumer.commands.packs.table import Rows
from consumer.errors import Flaw, InvalidPolicy, InvalidSettings
from consumer.files import as_saved_anywhere, names_in, printable, read_file
from consumer.registry.load import POLICY_BYTES_MAX

DEPTH_MAX = 5
"""Folders below folders; packs have two or three."""
FILES_MAX = 1_000
"""Of all kinds; a folder of more is no pack."""
ROWS_MAX = 100_000
"""Of one table, each a call for every run of an evaluation."""
LICENCES = ("license", "licence", "copying", "notice", "usage_policy")


class PackDocument(NamedTuple):
    """A document that may be a policy."""

    file: str
    """Its place below the folder."""
    name: str
    """What its policy is called: the file's name, or the folder's where that is just `policy`."""
    text: str


class PackTable(NamedTuple):
    """A table that may hold cases."""

    file: str
    name: str
    rows: Rows


class PackFolder(NamedTuple):
    """Everything in a pack that is read."""

    documents: tuple[PackDocument, ...]
    tables: tuple[PackTable, ...]
    licences: tuple[tuple[str, bytes], ...]
    """Name and content: they go with the policies."""
    others: tuple[str, ...]
    """What is passed over."""


def read_folder(folder: Path) -> PackFolder:
    """
    Read a pack.

    Raises:
        InvalidSettings: there is no such folder, or it is none of a pack.
        InvalidPolicy: a file of it cannot be read.
    """
    if not folder.is_dir():
        raise InvalidSettings(f"{folder}: there is no such folder; give the one that holds a pack")
    documents: list[PackDocument] = []
    tables: list[PackTable] = []
    licences: list[tuple[str, bytes]] = []
    others: list[str] = []
    flaws: list[Flaw] = []
    for path in _files(folder, 0):
        shown = printable(path.relative_to(folder))
        suffix, stem = path.suffix.lower(), path.stem.lower()
        if stem == "readme":
            continue
        if suffix in (".csv", ".tsv"):
            tables.append(PackTable(shown, stem, _rows(path, shown)))
            continue
        is_licence = stem.startswith(LICENCES)
        if suffix not in (".md", ".markdown") and not is_licence:
            others.append(shown)
            continue
        content = read_file(path, POLICY_BYTES_MAX)
        if isinstance(content, str):
            flaws.append(Flaw(shown, 1, content))
        elif is_licence:
            licences.append((path.name, content))
        else:
            content = as_saved_anywhere(content)
            try:
                documents.append(PackDocument(shown, _name(path, folder), content.decode()))
            except UnicodeDecodeError as error:
                line = content.count(b"\n", 0, error.start) + 1
                flaws.append(Flaw(shown, line, "not UTF-8: save the file as UTF-8"))
    if flaws:
        raise InvalidPolicy(tuple(flaws))
    if not documents:
        raise InvalidSettings(f"{folder} holds no document (*.md) that could be a policy")
    return PackFolder(tuple(documents), tuple(tables), tuple(licences), tuple(others))


def _files(folder: Path, depth: int) -> list[Path]:
    names = names_in(folder)
    if isinstance(names, str):
        raise InvalidSettings(f"{folder} {names}")
    found: list[Path] = []
    for path in (folder / name for name in names):
        if os.path.isdir(path):
            if depth == DEPTH_MAX:
                raise InvalidSettings(f"{path} lies more than {DEPTH_MAX} folders deep: no pack")
            found += _files(path, depth + 1)
        else:
            found.append(path)
        if len(found) > FILES_MAX:
            raise InvalidSettings(f"{folder} holds more than {FILES_MAX:,} files: no pack")
    return found


def _name(path: Path, folder: Path) -> str:
    is_plain = path.stem.lower() in ("policy", "index") and path.parent != folder
    return (path.parent.name if is_plain else path.stem).lower()


def _rows(path: Path, shown: str) -> Rows:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open("rb") as file:
            rows = list(islice(cell_rows(lines_of(file, shown), delimiter), ROWS_MAX + 1))
    except OSError as error:
        raise InvalidSettings(f"{shown} cannot be read: {error.strerror}") from None
    if len(rows) > ROWS_MAX:
        raise InvalidSettings(
            f"{shown} has more than {ROWS_MAX:,} rows: give it to --cases instead"
        )
    return rows
