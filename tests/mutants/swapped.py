"""
One bug in a process that has collected the tests already: a function is given other code.

Importing the product and collecting tests takes far longer than most tests do, so it is done once,
and every bug gets a fork of that. What is done while a module is imported is over by then: a bug
outside every function, or in a parameter's default, is planted instead (see `planted.py`), and so
is whatever no test sees here.
"""

from __future__ import annotations

import ast
import gc
import os
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutants.planted import BROKEN, PYTEST, Plant, load_examples
from tests.mutants.pure import ROOT

ELSEWHERE = 71
"""The exit code where the bug cannot be planted this way."""
Begin = Callable[[Plant | None, Sequence[str], Path], int]


def collected(tests: Sequence[str], then: Callable[[Begin], None]) -> None:
    """
    Collect these test files, and call `then` with what runs some of them with a bug.

    Raises:
        RuntimeError: not all of them could be collected, or `then` failed.
    """
    load_examples()
    plugin = _Session(then)
    code = pytest.main([*PYTEST, "--capture=no", *tests], plugins=[plugin])
    if not plugin.is_done:
        raise RuntimeError(f"the tests were not run to the end: exit {code}")


class _Session:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, then: Callable[[Begin], None]) -> None:
        self._then = then
        self._items: Mapping[str, Sequence[pytest.Item]] = {}
        self._functions: Mapping[str, Sequence[FunctionType]] = {}
        self._took_s: dict[str, float] = {}
        """Test -> how long it took where it passed, so that the quick ones can come first."""
        self._outputs: list[Path] = []
        self._failed = ""
        self.is_done = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None
        items = defaultdict(list)
        for item in session.items:
            items[str(item.path.relative_to(ROOT))].append(item)
        self._items = items
        self._functions = _functions()
        gc.freeze()
        self._then(self._begin)
        self.is_done = True
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = self._failed or report.nodeid
        elif report.when == "call":
            print(f"\nTOOK {report.duration:.4f} {report.nodeid}")

    def _begin(self, plant: Plant | None, tests: Sequence[str], output: Path) -> int:
        """As `planted.begin`, in a fork of this process."""
        self._learn()
        self._outputs.append(output)
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        code = BROKEN
        try:
            written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(written, 1)
            os.dup2(written, 2)
            is_swapped = plant is None or swap(plant, self._functions)
            code = self._run(tests) if is_swapped else ELSEWHERE
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _run(self, tests: Sequence[str]) -> int:
        items = [item for test in tests for item in self._items[test]]
        items.sort(key=lambda item: self._took_s.get(item.nodeid, 0))
        for item, following in zip(items, [*items[1:], None], strict=True):
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            except Exception:
                # The bug went past the test, and broke pytest itself.
                traceback.print_exc()
                self._failed = item.nodeid
            if self._failed:
                print(f"\nFAILED {self._failed}")
                return 1
        return 0

    def _learn(self) -> None:
        """How long tests took, from the runs that are over."""
        for output in self._outputs[:-4]:
            for line in output.read_text(errors="replace").splitlines():
                if line.startswith("TOOK "):
                    _, took_s, name = line.split(" ", 2)
                    self._took_s.setdefault(name, float(took_s))
        self._outputs = self._outputs[-4:]


def swap(plant: Plant, functions: Mapping[str, Sequence[FunctionType]]) -> bool:
    """Whether the function that the bug is in has other code now; else nothing was done."""
    if _around(plant.file.read_text(), plant.where) != _around(plant.source, plant.where):
        return False
    module = compile(plant.source, str(plant.file), "exec", dont_inherit=True)
    codes = list(_codes(module, plant.where.split(".")))
    if not codes:
        return False
    old: dict[int, list[FunctionType]] = defaultdict(list)
    for function in functions.get(str(plant.file), ()):
        if function.__code__.co_qualname == codes[0].co_qualname:
            old[function.__code__.co_firstlineno].append(function)
    if len(old) != len(codes):
        return False
    try:
        for code, (_, same) in zip(codes, sorted(old.items()), strict=True):
            for function in same:
                function.__code__ = code
    except ValueError:
        # It closes over other names than before.
        return False
    return True


def _functions() -> Mapping[str, Sequence[FunctionType]]:
    """File -> the product's functions in it."""
    found = defaultdict(list)
    inside = str(ROOT / "consumer")
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(inside):
            found[thing.__code__.co_filename].append(thing)
    return found


def _around(source: str, where: str) -> str:
    """A module but for the bodies of the outermost function that is named by `where`."""
    tree = ast.parse(source)
    nodes: list[ast.stmt] = tree.body
    for part in where.split("."):
        named = [node for node in nodes if getattr(node, "name", None) == part]
        nodes = []
        for node in named:
            if isinstance(node, ast.ClassDef):
                nodes.extend(node.body)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = []
    return ast.dump(tree)


def _codes(code: CodeType, path: Sequence[str]) -> Iterator[CodeType]:
    """Of the outermost function on this path, in the order of their lines."""
    for constant in code.co_consts:
        if path and isinstance(constant, CodeType) and constant.co_name == path[0]:
            if constant.co_flags & 0x1:  # A function's, not a class's.
                yield constant
            else:
                yield from _codes(constant, path[1:])
