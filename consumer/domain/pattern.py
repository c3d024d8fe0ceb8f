"""Patterns: regular expressions that are searched for in time linear in the text (RE2). Pure."""

from __future__ import annotations

import re2

BYTES_MAX = 64 * 1024 * 1024
"""Of what is searched for at once; RE2 slows down before it takes more, and stays right."""


def compiled(pattern: str) -> re2._Regexp:
    """
    The pattern, for which capital letters are small ones.

    Raises:
        re2.error: it is none, or none that can be searched for without going back.
    """
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    options.max_mem = BYTES_MAX
    return re2.compile(pattern, options)


def together(patterns: list[str]) -> str:
    """One pattern that is found where any of these is."""
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def fault_of(pattern: str) -> str | None:
    """Why it cannot be searched for, in the library's words; None where it can."""
    try:
        compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return None
