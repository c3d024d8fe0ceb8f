"""`[message.event]`: how the edit and the deletion of a message look, and what becomes of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumer.domain.messages.rules import EventRule, EventTerms
from consumer.domain.policy import Outcome
from consumer.registry.topic.table import ClosedTable, PointerText, optional_pointer

SETTLE_S_MAX = 60.0
"""Longer than somebody corrects a slip; what has the same key waits as long, and is in memory."""


class EventRuleTable(ClosedTable):
    """What tells an edit, or a deletion, and which message it is about."""

    field: PointerText | None = None
    """JSON Pointer to what is compared; give this or header."""
    header: Annotated[str, Field(min_length=1)] | None = None
    """The record header that is compared; give this or field."""
    equals: Annotated[list[str], Field(min_length=1)]
    """The values that tell it."""
    target: PointerText | None = None
    """JSON Pointer to the id of the message that it is about; else where `id` says."""

    @model_validator(mode="after")
    def _one_of(self) -> EventRuleTable:
        if (self.field is None) == (self.header is None):
            raise ValueError("give either field or header")
        return self

    def rule(self) -> EventRule:
        return EventRule(
            frozenset(self.equals),
            optional_pointer(self.field),
            self.header,
            optional_pointer(self.target),
        )


class EventTable(ClosedTable):
    """`[message.event]`: later records about a message; without it each is one of its own."""

    edit: EventRuleTable | None = None
    """A record that gives a message another text; it is judged anew, under its own position."""
    delete: EventRuleTable | None = None
    """One that takes a message away; it is passed on in order, unjudged, with cause `deleted`."""
    settle_s: Annotated[float, Field(ge=0, le=SETTLE_S_MAX)] = 0.0
    """So long an edit waits for a later one, and only the last is judged; its key waits with it."""
    on_delete: Literal["allow", "flag", "block"] = "allow"
    """Which output deletions go to, those told by `tombstones` too."""

    @model_validator(mode="after")
    def _settles_edits(self) -> EventTable:
        if self.settle_s and self.edit is None:
            raise ValueError("settle_s needs edit, to know what an edit is")
        return self

    @property
    def rules(self) -> dict[str, EventRuleTable]:
        """Those that are given, by their key."""
        found = {"edit": self.edit, "delete": self.delete}
        return {name: rule for name, rule in found.items() if rule is not None}

    def terms(self, *, tombstones: bool) -> EventTerms:
        return EventTerms(
            edit=self.edit.rule() if self.edit else None,
            delete=self.delete.rule() if self.delete else None,
            tombstones=tombstones,
            settle_s=self.settle_s,
            on_delete=Outcome(self.on_delete),
        )
