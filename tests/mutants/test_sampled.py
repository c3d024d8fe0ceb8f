"""The rules make the bugs that they are meant to make, and what is listed about them is so."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.pure import MODULES, ROOT, files_of
from tests.mutants.rules import changes
from tests.mutants.sampled import all_samples, drawn, equivalents


def bugs(source: str) -> set[tuple[str, str]]:
    return {(change.rule, change.becomes) for change in changes(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {("compare", "(a <= b)")}),
        ("a <= b < c", {("compare", "(a < b < c)"), ("compare", "(a <= b <= c)")}),
        ("a is not None", {("compare", "(a is None)")}),
        ("a not in b", {("compare", "(a in b)")}),
        ("a + b", {("arithmetic", "(a - b)")}),
        ("'a' + b", set()),
        ("a / b", {("arithmetic", "(a * b)")}),
        ("a += b", {("arithmetic", "a -= b"), ("remove", "pass")}),
        ("a and b", {("boolean", "(a or b)")}),
        ("not a", {("not", "(a)")}),
        ("f(0)", {("constant", "1"), ("remove", "pass")}),
        ("def f():\n    g = 1, 7", {("constant", "0"), ("constant", "8")}),
        ("A_S = 60.0", {("constant", "120.0")}),
        ("a = True", {("constant", "False")}),
        ("a = min(b, c)", {("function", "(max(b, c))")}),
        ("def f():\n    return a", {("return", "return None")}),
        ("def f():\n    return None", set()),
        ("def f():\n    return False", {("constant", "True")}),
        ("a.b = c", {("remove", "pass")}),
        ("class A:\n    def __init__(self):\n        self.b = c", set()),
        ("if a:\n    pass", {("condition", "(not a)")}),
        ("class A:\n    b: int = 7", set()),
        ("class A:\n    b: bool = True", {("constant", "False")}),
        ("def f(a: X | None = 0) -> Y[1]:\n    '''Text 1.'''", {("constant", "1")}),
        ("log.info('a', b=1)", set()),
        ("assert a == 1", set()),
        ("a = zip(b, c, strict=True)", set()),
        ("f'{a + 1}'", set()),
        ("def __repr__(self):\n    return a + b", set()),
    ],
)
def test_each_rule_makes_its_bug(source: str, expected: set[tuple[str, str]]) -> None:
    """And nothing is made of texts, annotations, decorators, reprs, asserts and logging."""
    assert bugs(source) == expected


def test_a_bug_is_one_part_of_the_source_and_the_rest_stays() -> None:
    """Also behind characters of several bytes, and over several lines."""
    source = "class A:\n    def f(self):\n        é = '→'; b = (é\n            < d)\n"
    (change,) = changes(source)
    assert (change.where, change.number) == ("A.f", 3)
    assert change.line == "é = '→'; b = (é"
    assert change.source == source.replace("é\n            < d", "(é <= d)")


def test_the_bugs_of_the_modules_can_be_compiled_and_differ() -> None:
    """A bug that is no Python would be seen by the compiler, and prove nothing of the tests."""
    for module, change in drawn(all_samples(list(MODULES)[::6]), 40, "1"):
        source = (ROOT / "consumer" / module).read_text()
        assert ast.dump(ast.parse(change.source)) != ast.dump(ast.parse(source))


def test_every_module_is_there_and_has_tests() -> None:
    """A file that moves takes its line in the table with it."""
    for module in MODULES:
        assert (ROOT / "consumer" / module).is_file(), module
        files = files_of(module)
        assert files, module
        assert all((ROOT / file).is_file() for file in files), files


def test_what_changes_nothing_is_still_what_was_looked_at() -> None:
    """An entry whose line was changed since would hide a bug that nobody has looked at."""
    listed = equivalents()
    keys = {sample.key for sample in all_samples(sorted({entry[0] for entry in listed}))}
    assert [entry for entry in listed if entry not in keys] == []
    assert all(len(why) > 20 for why in listed.values())


def test_a_sample_is_a_function_of_its_seed_and_leaves_out_what_changes_nothing() -> None:
    """The same seed draws the same; a longer sample begins with the shorter one."""
    samples = all_samples(["domain/lane.py", "classifier/asking/asker.py"])
    assert drawn(samples, 20, "1") == drawn(samples[::-1], 30, "1")[:20]
    assert drawn(samples, 20, "1") != drawn(samples, 20, "2")
    known = equivalents()
    assert all(sample.key not in known for sample in drawn(samples, len(samples), "1"))
