"""Where in a file a value stands: pydantic's path to a fault -> the line a person must look at."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


def yaml_lines(text: str, first_line: int) -> dict[Path, int]:
    """The line of every key and item of a YAML document that begins at `first_line`."""
    lines: dict[Path, int] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
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


_TABLE = re.compile(r"\s*\[(\[)?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*=")


def toml_lines(text: str) -> dict[Path, int]:
    """The line of every table and key of a TOML document (as far as its plain layout goes)."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _TABLE.match(line)
        if header:
            name = header[2].strip('"')
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
