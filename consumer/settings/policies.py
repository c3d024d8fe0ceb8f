"""`[policies]`: where the policies are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from consumer.settings.section import Section


class PolicySettings(Section):
    """Where the policies are."""

    folder: Path = Path("policies")
    """The folder that holds one folder for each policy set."""
    watch: bool = True
    """Pick up changed files by themselves; SIGHUP does so in any case."""
    watch_every_s: Annotated[float, Field(ge=0.2, le=3_600)] = 5.0
    """How often the files are looked at."""
