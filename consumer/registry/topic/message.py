"""`[message]` and `[[skip_when]]`: how a record is read, and whose are not judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from consumer.domain.binding import MessageFormat
from consumer.domain.messages.language import LanguageTerms, problem
from consumer.domain.messages.rules import SkipRule
from consumer.registry.topic.event import EventTable
from consumer.registry.topic.table import ClosedTable, PointerText, optional_pointer


class LanguageGuessTable(ClosedTable):
    """`[message.language_guess]`: the language by the text, where the record does not say."""

    certainty: Annotated[float, Field(ge=0.5, le=0.999)] = 0.8
    """How probable the language must be; else nothing is said."""
    letters_min: Annotated[int, Field(ge=4, le=200)] = 10
    """Texts of fewer letters are not guessed: a word may be of many languages."""
    chars_max: Annotated[int, Field(ge=50, le=10_000)] = 200
    """How much of a text's beginning is looked at."""

    @model_validator(mode="after")
    def _can_guess(self) -> LanguageGuessTable:
        found = problem()
        if found is not None:
            raise ValueError(found)
        return self

    def terms(self) -> LanguageTerms:
        return LanguageTerms(self.certainty, self.letters_min, self.chars_max)


class MessageTable(ClosedTable):
    """`[message]`: how a record is read."""

    format: MessageFormat = "json"
    """`json`, `text` (the whole value is the text) or `cloudevents`."""
    framing: Literal["none", "schema-registry-json"] = "none"
    """What stands before the JSON: nothing, or a schema registry's five bytes."""
    text: Annotated[
        list[PointerText],
        Field(min_length=1),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    ] = ["/text"]
    """JSON Pointers to the text; several are judged together, in this order."""
    first_of: Annotated[list[PointerText], Field(min_length=1)] | None = None
    """Instead of text: the first of these pointers that says something."""
    unescape: Literal["none", "html"] = "none"
    """`html` reads entities such as `&lt;` as readers see them."""
    id: PointerText | None = None
    """Where the message's id is; else its position is its id."""
    author: PointerText | None = None
    """Where the author is."""
    conversation: PointerText | None = None
    """Where the room, thread or channel is."""
    language: PointerText | None = None
    """Where the language is."""
    language_guess: LanguageGuessTable | None = None
    """How the language is guessed where the record does not say; else it is not."""
    event: EventTable | None = None
    """How edits and deletions look; without the table every record is a message of its own."""

    @model_validator(mode="after")
    def _one_of(self) -> MessageTable:
        if self.first_of is not None and "text" in self.model_fields_set:
            raise ValueError("give either text or first_of")
        return self


class SkipTable(ClosedTable):
    """`[[skip_when]]`: whose messages are allowed unjudged."""

    field: PointerText | None = None
    """JSON Pointer to what is compared; give this or header."""
    header: Annotated[str, Field(min_length=1)] | None = None
    """The record header that is compared; give this or field."""
    equals: Annotated[list[str], Field(min_length=1)]
    """The values that let a record through unjudged, with cause `skipped`."""

    @model_validator(mode="after")
    def _one_of(self) -> SkipTable:
        if (self.field is None) == (self.header is None):
            raise ValueError("give either field or header")
        return self

    def rule(self) -> SkipRule:
        return SkipRule(frozenset(self.equals), optional_pointer(self.field), self.header)
