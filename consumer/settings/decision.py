"""`[inference.decision]`: the optional endpoint that says how likely a text breaks a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumer.settings.address import Address
from consumer.settings.section import Section


class DecisionSettings(Section):
    """One endpoint for all topics with `[screening.decision]`; without an address there is none."""

    address: Address | None = None
    """Base address of a server with `/decisions` or `/systemone`; it ends in the version."""
    wire: Literal["auto", "decisions", "systemone"] = "auto"
    """The shape in which it is asked; `auto` takes the first that it answers."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """The decision model's name as the server knows it; needed with an address."""
    api_key_file: Path | None = None
    """File that holds its key; without one, `none` is sent, which local servers accept."""
    timeout_s: Annotated[float, Field(ge=0.05, le=30)] = 1.0
    """One call; then the safeguard is asked, so a message waits so much longer at most."""
    in_flight_max: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Calls at once, at most; messages beyond that go to the safeguard at once."""
    questions_max: Annotated[int, Field(ge=1, le=400)] = 26
    """Policies asked about in one call; versions with more are not asked about."""
    body_bytes_max: Annotated[int, Field(ge=1_000, le=10_000_000)] = 65_536
    """A request that would be larger goes to the safeguard; Ollama takes 64 KiB."""
    failures_max: Annotated[int, Field(ge=1, le=1_000)] = 3
    """So many failed calls in a row and it is left alone until a probe is answered."""
    probe_every_s: Annotated[float, Field(ge=0.05, le=3_600)] = 30.0
    """How often it is tried again while it is not there."""

    @model_validator(mode="after")
    def _knows_its_model(self) -> DecisionSettings:
        if self.address is not None and self.model is None:
            raise ValueError("inference.decision.model: thresholds hold for one model, so name it")
        return self
