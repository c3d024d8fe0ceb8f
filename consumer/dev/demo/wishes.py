"""Wishes: what was asked of the demo on the command line."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import NamedTuple

from consumer.errors import InvalidSettings


class Wishes(NamedTuple):
    """How long, how fast, and what judges."""

    seconds: float
    """How long traffic flows, at speed 1."""
    rate: float
    """Messages a second, at speed 1."""
    speed: float
    seed: int
    endpoint: str | None
    model: str | None
    policies: Path | None
    is_plain: bool
    picture: Path | None
    """Where the panes are to be drawn, when there is most to see."""

    def check(self) -> None:
        """
        Whether they go together.

        Raises:
            InvalidSettings: naming the options.
        """
        if (self.endpoint is None) != (self.model is None):
            raise InvalidSettings("give --endpoint and --model together")
        if not all(isfinite(n) and n > 0 for n in (self.seconds, self.rate, self.speed)):
            raise InvalidSettings("--seconds, --rate and --speed must be numbers above 0")
        if self.picture is not None and not self.picture.parent.is_dir():
            raise InvalidSettings(f"--svg {self.picture}: there is no folder {self.picture.parent}")

    @property
    def who_judges(self) -> str:
        return "a STAND-IN judges, no model" if self.model is None else f"{self.model} judges"
