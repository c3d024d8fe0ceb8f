"""
One bug and the tests that should see it, in a process of its own.

A bug is planted by giving one module another source before anything imports it: nothing is written
where others look, neither the module's file nor its byte code. The process is forked from one that
has imported the libraries, which take most of the time of a small test run, and nothing of ours.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings

LIBRARIES = (
    "aiohttp.web",
    "confluent_kafka",
    "openai",
    "orjson",
    "prometheus_client",
    "pydantic",
    "structlog.testing",
    "uvloop",
    "yaml",
)
BROKEN = 70
"""The exit code of a run that is itself at fault."""
PYTEST = (
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "--timeout",
    "20",
)


class Plant(NamedTuple):
    """A module and what it is instead."""

    name: str
    file: Path
    source: str
    where: str
    """The function or class that differs, "" for the module."""


def preload() -> None:
    """Import what every run of tests needs, and no module that a bug may be planted in."""
    for library in LIBRARIES:
        importlib.import_module(library)
    ours = [name for name in sys.modules if name.partition(".")[0] == "consumer"]
    assert not ours, ours


def load_examples() -> None:
    """The same examples in every run; what fails is not made smaller: it is enough that it does."""
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("planted", database=None, derandomize=True, phases=phases)
    settings.load_profile("planted")


def begin(plant: Plant | None, tests: Sequence[str], output: Path) -> int:
    """Run the tests with the bug, in a process of its own; its id. What they say is in `output`."""
    pid = os.fork()
    if pid:
        return pid
    code = BROKEN
    try:
        written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, 1)
        os.dup2(written, 2)
        load_examples()
        if plant is not None:
            sys.meta_path.insert(0, _Finder(plant))
        code = int(pytest.main([*PYTEST, *tests]))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


class _Finder(MetaPathFinder):
    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._plant.name:
            return None
        loader = _Planted(fullname, str(self._plant.file))
        loader.source = self._plant.source
        return spec_from_file_location(fullname, self._plant.file, loader=loader)


class _Planted(SourceFileLoader):
    source = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)
