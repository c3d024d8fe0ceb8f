"""`[context]`: what the model is shown beside the message."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from consumer.domain.messages.context import MESSAGES_MAX, ContextTerms
from consumer.registry.topic.table import ClosedTable, PointerText


class ContextTable(ClosedTable):
    """`[context]`: what the model is shown of a message's conversation and of its author."""

    messages: Annotated[int, Field(ge=0, le=MESSAGES_MAX)] = 0
    """How many of the last messages of the same conversation are shown."""
    max_age_s: Annotated[float, Field(ge=0)] = 600.0
    """Older ones are not shown; seconds."""
    tokens_max: Annotated[int, Field(ge=20, le=4_000)] = 300
    """What all of it may take of the prompt, in tokens."""
    author: Annotated[list[PointerText], Field(max_length=16)] = []
    """JSON Pointers to facts about the author, such as `/author/age_days`."""
    conversations_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """How many conversations a worker keeps in memory; the oldest go first."""

    @model_validator(mode="after")
    def _any_of(self) -> ContextTable:
        if not self.messages and not self.author:
            raise ValueError("give messages, author or both, or leave [context] out")
        return self

    def terms(self) -> ContextTerms:
        return ContextTerms(self.messages, self.max_age_s, self.tokens_max, self.conversations_max)
