"""Wording: a fault of the libraries that read files, in the words of whoever wrote the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

Words = Callable[[Mapping[str, Any]], str]

_PLAIN: Mapping[str, Words] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "must be text: put it in quotes (yes, no, on and off are no text)",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda limit: f"has at most {limit['max_length']:,} characters",
    "too_short": lambda limit: f"needs {limit['min_length']:,} or more",
    "too_long": lambda limit: f"has {limit['max_length']:,} at most",
    "greater_than_equal": lambda limit: f"must be {limit['ge']:,} or more",
    "less_than_equal": lambda limit: f"must be {limit['le']:,} or less",
    "less_than": lambda limit: f"must be below {limit['lt']:,}",
    "literal_error": lambda limit: f"must be {limit['expected']}",
    "int_type": lambda _: "must be a whole number, without quotes",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "finite_number": lambda _: "must be a finite number",
    "float_type": lambda _: "must be a number, without quotes",
    "float_parsing": lambda _: "must be a number",
    "bool_type": lambda _: "must be true or false, without quotes",
    "bool_parsing": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list, in square brackets",
    "dict_type": lambda _: "must be a table of names and values",
    "model_type": lambda _: "must be a table of names and values",
    "path_type": lambda _: "must be a path",
    "string_pattern_mismatch": lambda limit: _SHAPES.get(limit["pattern"], "is none"),
}
_SHAPES: dict[str, str] = {}
"""What a pattern asks for, in words."""

_YAML = (
    (
        re.compile(r"mapping values are not allowed"),
        "a colon in a text: put the text in quotes",
    ),
    (re.compile(r"found character '\\t'"), "begins with a tab: indent with spaces"),
    (
        re.compile(r"did not find expected|expected <block end>|could not find expected ':'"),
        "the lines do not fit together: look at the indentation, quotes and colons above",
    ),
    (
        re.compile(r"found unexpected end of stream|while scanning a quoted"),
        "a quote is opened and not closed",
    ),
    (re.compile(r"found character '(.)' that cannot start"), "put the text in quotes"),
)


def shape(pattern: str, words: str) -> str:
    """A pattern, and what to say where a text does not fit it."""
    _SHAPES[pattern] = words
    return pattern


def worded(fault: ErrorDetails) -> str:
    """What is wrong, and by that what to do."""
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    words = _PLAIN.get(fault["type"])
    return words(fault.get("ctx", {})) if words else fault["msg"]


def yaml_worded(problem: str) -> str:
    """The same of a front matter that cannot be read at all; the library's words for the rest."""
    return next((words for pattern, words in _YAML if pattern.search(problem)), problem)
