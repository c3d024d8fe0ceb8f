"""A function gets other code wherever it is held; what lies outside of functions is left alone."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from tests.mutants.planted import Plant
from tests.mutants.swapped import swap

SOURCE = """
from functools import wraps

ONE = 1

def shown(function):
    @wraps(function)
    def showing(*args):
        return function(*args)
    return showing

@shown
def wrapped(number=2):
    return number + 3

class A:
    four = 4

    @property
    def five(self):
        return 5

    @five.setter
    def five(self, six):
        self.seven = six * 7

    def eight(self):
        return super().__hash__()
"""


def module_in(folder: Path) -> ModuleType:
    file = folder / "swapped_sample.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("swapped_sample", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def swapped(module: ModuleType, where: str, old: str, new: str) -> bool:
    file = Path(str(module.__file__))
    assert SOURCE.count(old) == 1
    functions = [
        each
        for each in gc.get_objects()
        if type(each) is FunctionType and each.__code__.co_filename == str(file)
    ]
    plant = Plant("swapped_sample", file, SOURCE.replace(old, new), where)
    return swap(plant, {str(file): functions})


def test_a_function_is_another_for_whoever_holds_it_already(tmp_path: Path) -> None:
    """Behind a decorator, in a property or its setter."""
    module = module_in(tmp_path)
    held, one = module.wrapped, module.A()
    assert swapped(module, "wrapped", "number + 3", "number - 3")
    assert held(5) == 2
    assert swapped(module, "A.five", "return 5", "return None")
    assert one.five is None
    assert swapped(module, "A.five", "six * 7", "six / 7")
    one.five = 14
    assert one.seven == 2


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        ("", "ONE = 1", "ONE = 0"),
        ("A", "four = 4", "four = 5"),
        ("wrapped", "number=2", "number=3"),
        # Not at import, but it closes over nothing any more.
        ("A.eight", "return super().__hash__()", "return None"),
    ],
)
def test_what_cannot_be_swapped_is_left_as_it_was(
    tmp_path: Path, where: str, old: str, new: str
) -> None:
    module = module_in(tmp_path)
    assert not swapped(module, where, old, new)
    assert module.wrapped() == 5
