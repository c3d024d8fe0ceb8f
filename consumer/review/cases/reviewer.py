"""Reviewer: by what name somebody may stand in the record of a decision."""

from __future__ import annotations

NAME_CHARS_MAX = 100
"""Of a reviewer's name: it stands in the record of every decision."""


def is_name(name: str) -> bool:
    """Whether it says something, is not long, and can be printed."""
    return bool(name.strip()) and len(name) <= NAME_CHARS_MAX and name.isprintable()
