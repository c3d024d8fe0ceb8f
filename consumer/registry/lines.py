"""YAML and TOML as people write them: what they say, and in which line each value stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

Path = tuple[str | int, ...]
Lines = Mapping[Path, int]


def line_of(lines: Lines, path: Path) -> int:
    """The line of a path, or of its nearest parent that has one; 1 where none has."""
    for length in range(len(path), -1, -1):
        found = lines.get(path[:length])
        if found is not None:
            return found
    return 1


def yaml_lines(root: yaml.Node | None, first_line: int) -> dict[Path, int]:
    """The line of every key and item of a YAML document without aliases that begins there."""
    lines: dict[Path, int] = {}
    if root is not None:
        _note(root, (), first_line, lines)
    return lines


def _note(node: yaml.Node, path: Path, first_line: int, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + first_line)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            lines[(*path, name)] = key.start_mark.line + first_line
            _note(value, (*path, name), first_line, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note(item, (*path, index), first_line, lines)


TOML_BYTES_MAX = 256_000
"""Of a file: people write these, and a hundred lines are many."""
KEY_DOTS_MAX = 1_000
"""The library's work grows with the third power of a dotted key's length."""


def toml_fields(text: str) -> dict[str, Any]:
    """
    What a TOML document says.

    Raises:
        ValueError: it is none, or none that could be read in bounded time.
    """
    if any(part.count(".") > KEY_DOTS_MAX for part in _BETWEEN_KEYS.split(text)):
        raise ValueError(f"a key of more than {KEY_DOTS_MAX:,} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("brackets within brackets without end") from None


_BETWEEN_KEYS = re.compile(r"[\n=,\[\]{}]")
_TABLE = re.compile(r"\s*\[(\[)?([^\[\]]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*=")


def toml_lines(text: str) -> dict[Path, int]:
    """The line of every table and key of a TOML document (as far as its plain layout goes)."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        header = _TABLE.match(line)
        if header:
            name = header[2].strip().strip('"')
            table = tuple(name.split("."))
            if header[1]:
                counts[name] = counts.get(name, -1) + 1
                table = (*table, counts[name])
            lines[table] = number
            continue
        key = _KEY.match(line)
        if key:
            lines[(*table, key[1].strip('"'))] = number
    return lines
