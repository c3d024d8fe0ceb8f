"""`[review.console.appeals]`: the form by which people ask for another decision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from consumer.settings.address import web_address
from consumer.settings.section import Section


class AppealSettings(Section):
    """The appeal form; without `secret_file` there is none."""

    secret_file: Path | None = None
    """File with the secret that signs links to the appeal form; without it there is no form."""
    url: Annotated[str, AfterValidator(web_address)] | None = None
    """Where people reach the form, and nothing else of the console; its own address by default."""
    days: Annotated[int, Field(ge=1, le=3_650)] = 184
    """A link is good for so long; Article 20 of the DSA asks for six months."""
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 60
    """So many appeals are taken in a minute; more are asked to come again."""
