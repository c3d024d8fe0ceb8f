"""`[budget]`: what a topic may cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumer.domain.binding import BudgetTerms
from consumer.registry.topic.table import ClosedTable


class BudgetTable(ClosedTable):
    """`[budget]`: what each input may cost in any hour, and what follows once that is spent."""

    calls_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Calls in any hour, over all workers."""
    tokens_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Tokens in any hour, over all workers."""
    on_budget: Literal["wait", "flag", "allow"] = "wait"
    """Once it is spent: take nothing more, or end messages unjudged with that outcome."""

    @model_validator(mode="after")
    def _any_of(self) -> BudgetTable:
        if self.calls_per_hour is None and self.tokens_per_hour is None:
            raise ValueError("give calls_per_hour, tokens_per_hour or both")
        return self

    def terms(self) -> BudgetTerms:
        return BudgetTerms(self.calls_per_hour, self.tokens_per_hour, self.on_budget)
