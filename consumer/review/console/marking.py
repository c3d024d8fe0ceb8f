"""Marking: a policy's text with the lines of the cited rules marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple


class PolicyLine(NamedTuple):
    """One line of a policy."""

    words: str
    is_cited: bool


def marked_lines(text: str, rules: Collection[str]) -> tuple[PolicyLine, ...]:
    """The lines, marked where one names a cited rule by its whole id: `HH2` is not in `HH2.a`."""
    wanted = [re.compile(rf"(?<![\w.]){re.escape(rule)}(?!\w|\.\w)") for rule in sorted(rules)]
    return tuple(
        PolicyLine(line, any(each.search(line) for each in wanted)) for line in text.splitlines()
    )
