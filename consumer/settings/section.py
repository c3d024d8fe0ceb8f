"""Section: what the tables of `safeguard.toml` have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Closed and frozen; the text below a field is its meaning, in the README too."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
