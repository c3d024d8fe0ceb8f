"""A labelled text, and a row that is none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from consumer.domain.messages.message import Fact

TEXT_BYTES_MAX = 1_000_000
"""A longer row is no message: it is named and passed over, and never held in memory."""


class CaseRow(NamedTuple):
    """The fields of one row as they stand in the file."""

    line: int
    """The first of the lines that it takes; in formats without lines the number of the row."""
    fields: Mapping[str, object]


class BadRow(NamedTuple):
    """A row that is passed over, and why."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


class Setting(NamedTuple):
    """What stood around a text: its author, facts about them, and earlier messages."""

    author: str | None = None
    facts: tuple[Fact, ...] = ()
    earlier: tuple[tuple[str | None, str], ...] = ()
    """Author, where it is known, and text; the oldest first."""


class LabelledText(NamedTuple):
    """A text and the label that it deserves under each of the policies that its row is about."""

    line: int
    id: str
    text: str
    language: str
    group: str
    labels: Mapping[str, str | None]
    """By the policy's name; None where nobody labelled it under that policy."""
    setting: Setting | None = None
    """Who wrote it and what was said before, where the row says."""

    @property
    def known(self) -> dict[str, str]:
        """The labels that are known."""
        return {policy: label for policy, label in self.labels.items() if label is not None}


def text_digest(text: str) -> str:
    """The same text has the same digest everywhere."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
