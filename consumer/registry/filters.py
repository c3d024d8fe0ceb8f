"""
A policy set's filters: files in its folder `filters/`, each with its own digest.

What is in them is read by `screening/`; here they are only found, so that a file that is swapped
is seen as any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

from consumer.domain.screening import FilterTerms
from consumer.errors import Flaw
from consumer.files import names_in, read_file
from consumer.registry.topic.screening import PrefilterTable

FOLDER = "filters"
FILTER_BYTES_MAX = 64 * 1024 * 1024
"""Of a filter: eight times what the largest takes; a larger file is some other file."""


def read_filter(
    set_folder: Path, table: PrefilterTable, shown: Callable[[Path], str]
) -> FilterTerms | Flaw:
    """Which filter a topic names, or what is wrong with its file."""
    file = set_folder / FOLDER / table.file
    content = read_file(file, FILTER_BYTES_MAX)
    if isinstance(content, str):
        return Flaw(shown(file), 1, content)
    # The same digest that the filter has in verdicts and notes.
    digest = blake2b(content, digest_size=16).hexdigest()
    return table.terms(os.fspath(file), digest, os.fspath(set_folder / table.salt_file))


def filter_files(set_folder: Path) -> Iterator[Path]:
    """Every file that may be one of the set's filters."""
    folder = set_folder / FOLDER
    names = names_in(folder) if os.path.isdir(folder) else []
    if not isinstance(names, str):
        yield from (folder / name for name in names)
