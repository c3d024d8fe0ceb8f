"""Words of a pack that stand in no policy of ours, each with its place and the reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consumer.commands.evaluate.cases.labelled import LabelledText
from consumer.domain.policy import Policy

SHOWN_CHARS_MAX = 160
"""Of the words, where they are shown; the place leads to all of them."""


class Cut(NamedTuple):
    """Something that was left out."""

    file: str
    line: int
    words: str
    why: str

    def __str__(self) -> str:
        words = " ".join(self.words.split())
        if len(words) > SHOWN_CHARS_MAX:
            words = words[: SHOWN_CHARS_MAX - 1] + "…"
        return f"{self.file}:{self.line}: {self.why}: {words}"


def in_order(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """As they stand in the document, whenever they were found."""
    return tuple(sorted(cuts, key=lambda cut: cut.line))


class PackPolicy(NamedTuple):
    """A policy that was read from a document of a pack."""

    file: str
    policy: Policy
    taken_out: tuple[Cut, ...]
    """What tells a model how to answer: the prompt does that."""
    lost: tuple[Cut, ...]
    """What has no place here: somebody has to decide what becomes of it."""


class PackCases(NamedTuple):
    """The labelled texts of a pack's table."""

    file: str
    policy: str
    cases: tuple[LabelledText, ...]
    lost: tuple[Cut, ...]
