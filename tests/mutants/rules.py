"""
Rules that make small bugs out of a module's source: source -> changes, one bug each. Pure.

Left alone is what no test should hold: texts, annotations, decorators, `repr`s, asserts, logging,
and the numbers that fields have by default, which are settings. A number that somebody chose for a
whole module is doubled: one more or less of it is as good.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
PLAIN = (ast.Name, ast.Attribute, ast.Call)
"""Conditions in which no other rule finds anything."""
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Change(NamedTuple):
    """One bug; what names it holds no line number, so that it outlives edits elsewhere."""

    where: str
    """The function or class that it is in, "" for the module."""
    line: str
    """The text of the line on which the changed part begins, without its indent."""
    rule: str
    becomes: str
    """What is written in the place of the changed part."""
    part: str
    """That part as it was."""
    number: int
    """Of the line, from 1."""
    source: str
    """The whole module with the bug in it."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.where, self.line, self.rule, self.becomes)


def changes(source: str) -> list[Change]:
    """All bugs that the rules make of this module, in the order of their places."""
    return list(_Finder(source).changes())


class _Bug(NamedTuple):
    rule: str
    part: ast.expr | ast.stmt
    """What is replaced."""
    becomes: str


class _Finder:
    def __init__(self, source: str) -> None:
        self._source = source.encode()
        self._tree = ast.parse(source)
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def changes(self) -> Iterator[Change]:
        for where, node in _walk(self._tree, ""):
            for bug in _bugs(node, where):
                yield self._change(where, bug)

    def _change(self, where: str, bug: _Bug) -> Change:
        rule, node, becomes = bug
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[node.end_lineno - 1] + node.end_col_offset
        changed = self._source[:begin] + becomes.encode() + self._source[end:]
        line = self._source[self._starts[node.lineno - 1] : self._starts[node.lineno]]
        part = self._source[begin:end].decode()
        return Change(
            where, line.decode().strip(), rule, becomes, part, node.lineno, changed.decode()
        )


def _walk(node: ast.AST, where: str) -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    """Every part that may be changed, with the function it is in."""
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom) or _is_log(node):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        # An assert that what goes together is as long.
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if node.name == "__repr__":
            return
        where = f"{where}.{node.name}".lstrip(".")
        children: list[ast.AST | None] = [*node.args.defaults, *node.args.kw_defaults, *node.body]
    elif isinstance(node, ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
        children = [part for part in node.body if not _is_setting(part)]
    elif isinstance(node, ast.AnnAssign):
        children = [node.value] if node.value is not None else []
    else:
        children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.expr | ast.stmt):
        yield where, node
    for child in children:
        if child is not None:
            yield from _walk(child, where)


def _bugs(node: ast.expr | ast.stmt, where: str) -> Iterator[_Bug]:
    """The rules: each bug that can be made of one part of what is named `where`."""
    match node:
        case ast.Compare():
            for number, operator in enumerate(node.ops):
                other = COMPARISONS[type(operator)]()
                operators = [*node.ops[:number], other, *node.ops[number + 1 :]]
                compared = ast.Compare(node.left, operators, node.comparators)
                yield _Bug("compare", node, _written(compared))
        case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node.left, node.right):
            reckoned = ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
            yield _Bug("arithmetic", node, _written(reckoned))
        case ast.AugAssign() if type(node.op) in OPERATORS and not _is_text(node.value):
            added = ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)
            yield _Bug("arithmetic", node, ast.unparse(added))
        case ast.BoolOp():
            join = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield _Bug("boolean", node, _written(ast.BoolOp(join, node.values)))
        case ast.UnaryOp(op=ast.Not()):
            yield _Bug("not", node, _written(node.operand))
        case ast.Constant(value=bool() as value):
            yield _Bug("constant", node, str(not value))
        case ast.Constant(value=int() | float() as value):
            yield _Bug("constant", node, repr(_another(value, is_chosen=not where)))
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            called = ast.Call(ast.Name(FUNCTIONS[name]), node.args, node.keywords)
            yield _Bug("function", node, _written(called))
        case ast.Return(value=ast.expr() as returned) if not _is_nothing(returned):
            yield _Bug("return", node, "return None")
        case ast.If() | ast.While() | ast.IfExp() if isinstance(node.test, PLAIN):
            yield _Bug("condition", node.test, _written(ast.UnaryOp(ast.Not(), node.test)))
    if _is_removable(node) and not where.endswith("__init__"):
        yield _Bug("remove", node, "pass")


def _another(value: float, *, is_chosen: bool) -> float:
    """A number in the place of this one."""
    if is_chosen and value not in (0, 1):
        return 2 * value
    return type(value)(0) if value == 1 else value + 1


def _written(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _is_text(*nodes: ast.expr) -> bool:
    """Whether what is added is no number: then the bug would be a TypeError, and tell nothing."""
    kinds = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
    return any(
        isinstance(node, kinds) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        for node in nodes
    )


def _is_nothing(node: ast.expr) -> bool:
    """None, or what a caller takes for the same."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _is_removable(node: ast.expr | ast.stmt) -> bool:
    """A call for its effect, or an assignment to an attribute or an item."""
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Attribute | ast.Subscript)
    if isinstance(node, ast.AugAssign):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)


def _is_setting(node: ast.stmt) -> bool:
    """A field of a class whose default is a number."""
    match node:
        case ast.AnnAssign(value=ast.Constant(value=int() | float() as value)):
            return not isinstance(value, bool)
    return False


def _is_log(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
    return False
