"""`[review]`: where reviewers' cases are kept, and who may see which."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from consumer.settings.console import ConsoleSettings
from consumer.settings.section import Section

SCHEMES = ("sqlite", "postgresql")


def _store_address(text: str) -> str:
    """
    An address of a kind of database that we know.

    Raises:
        ValueError: its scheme is another one, or it has none.
    """
    if text.partition(":")[0] not in SCHEMES:
        raise ValueError(
            'write "sqlite:///review.sqlite" for a file, or "postgresql://user@host/database"'
        )
    return text


class ReviewSettings(Section):
    """Reviewers' cases."""

    store: Annotated[str, AfterValidator(_store_address)] = "sqlite:///review.sqlite"
    """Where cases are kept: a file, or `postgresql://user@host/database`."""
    store_password_file: Path | None = None
    """File that holds the database user's password."""
    lease_s: Annotated[float, Field(ge=10, le=86_400)] = 600.0
    """How long a case is kept for whoever claimed it; `show` by them begins it anew."""
    hold_max_s: Annotated[float, Field(ge=60, le=31_536_000)] = 604_800.0
    """A case may be held back for so long at most."""
    undo_s: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    """A decision is published after so long; until then whoever made it can take it back."""
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Cases that ask for nothing are deleted so long after the last word of them; 0 is never."""
    rights: dict[str, list[str]] = {}
    """Who may decide in a queue; a queue that is not named here is open to all reviewers."""
    console: ConsoleSettings = ConsoleSettings()
    """The reviewers' pages, a table of its own."""
