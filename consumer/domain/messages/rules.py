"""
Rules: what a topic tells records from one another by, a field or a header and its values. Pure.

Those that skip spare a message from judgement; those of events say that a record is no new message
but the edit or the deletion of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from consumer.domain.messages.message import Headers, MessageEvent
from consumer.domain.policy import Outcome

Pointer = tuple[str, ...]
"""A JSON Pointer (RFC 6901), split into its unescaped steps."""


@dataclass(frozen=True, slots=True)
class SkipRule:
    """Spares a message from judgement: a field or a header that equals one of the values."""

    values: frozenset[str]
    field: Pointer | None = None
    header: str | None = None

    def __str__(self) -> str:
        return f"header {self.header}" if self.header else "/" + "/".join(self.field or ())


@dataclass(frozen=True, slots=True)
class EventRule:
    """Tells an edit, or a deletion, by a field or a header that equals one of the values."""

    values: frozenset[str]
    field: Pointer | None = None
    header: str | None = None
    target: Pointer | None = None
    """Where the id of the message is that it is about; None where that is the message's own."""


@dataclass(frozen=True, slots=True)
class EventTerms:
    """How later records about a message look, and what becomes of them."""

    edit: EventRule | None = None
    delete: EventRule | None = None
    tombstones: bool = False
    """Whether a record without a value deletes the message that its key names."""
    settle_s: float = 0.0
    """An edit is judged so long after it was taken; one that comes meanwhile overtakes it."""
    on_delete: Outcome = Outcome.ALLOW
    """Where a deletion goes; the model is not asked about it."""

    def found_in(self, headers: Headers, document: object) -> MessageEvent | None:
        """What a record is; None where it is a message of its own. A deletion comes first."""
        if self.delete is not None and holds(self.delete, headers, document):
            return "delete"
        if self.edit is not None and holds(self.edit, headers, document):
            return "edit"
        return None

    def target_of(self, event: MessageEvent) -> Pointer | None:
        """Where such a record says which message it is about."""
        rule = self.edit if event == "edit" else self.delete
        return None if rule is None else rule.target


def at(document: object, pointer: Pointer) -> object:
    """What a JSON Pointer points at, or None where the path ends early."""
    for step in pointer:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdecimal():
            try:
                document = document[int(step)]
            except (IndexError, ValueError):
                # Past its end, or past what Python makes a number of.
                return None
        else:
            return None
    return document


def holds(rule: SkipRule | EventRule, headers: Headers, document: object) -> bool:
    """Whether a record has one of the rule's values; no document has no fields."""
    if rule.header is not None:
        value = next((value for name, value in headers if name == rule.header and value), None)
        return value is not None and value.decode("utf-8", "replace") in rule.values
    if document is None:
        return False
    found = at(document, rule.field or ())
    if isinstance(found, bool):
        return ("true" if found else "false") in rule.values
    return isinstance(found, str | int) and str(found) in rule.values


Tombstones = Literal["dead-letter", "pass-over", "delete"]
"""What becomes of records without a value."""
