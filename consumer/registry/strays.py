"""What lies among the policies and is not read: named, since somebody may think that it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from consumer.errors import Flaw
from consumer.files import names_in, printable
from consumer.registry.load import TOPIC_FILE, is_policy, version_folders

STRAYS_MAX = 50
"""Nobody reads more; what is mended makes room for the next."""
CASES = "cases.jsonl"
_NEARLY_A_VERSION = re.compile(r"[vV]\s*\d+")


def strays_in(folder: Path) -> list[Flaw]:
    """The files and folders that are passed over, but for hidden ones and an editor's."""
    found: list[Flaw] = []
    for path, problem in _strays(folder):
        if len(found) == STRAYS_MAX:
            break
        found.append(Flaw(printable(path.relative_to(folder)), 1, problem))
    return found


def _strays(folder: Path) -> Iterator[tuple[Path, str]]:
    for set_folder in _folders_in(folder):
        versions = version_folders(set_folder)
        if not os.path.lexists(set_folder / TOPIC_FILE):
            if versions:
                yield set_folder, f"holds versions and no {TOPIC_FILE}: no topic is judged by them"
            continue
        for path in _folders_in(set_folder):
            if path not in versions.values() and _NEARLY_A_VERSION.fullmatch(path.name):
                yield path, "is no version: its name must be v and a number, as in v2"
        for version_folder in versions.values():
            for name in _names(version_folder):
                problem = _problem(version_folder / name)
                if problem:
                    yield version_folder / name, problem


def _problem(path: Path) -> str | None:
    name = path.name.lower()
    if is_policy(path.name) or name == CASES or name.startswith("readme"):
        return None
    if os.path.isdir(path):
        return "is a folder: policies and cases lie directly in the version's folder"
    if name.endswith((".md", ".markdown", ".mdx")):
        return "is no policy by its name: rename it to end in .md"
    return f"is neither a policy (*.md) nor {CASES}"


def _folders_in(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder) if os.path.isdir(folder / name)]


def _names(folder: Path) -> list[str]:
    found = names_in(folder)
    return [] if isinstance(found, str) else found
