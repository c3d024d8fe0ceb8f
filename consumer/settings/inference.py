"""`[inference]`: the safeguard inference servers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from consumer.registry.wording import shape
from consumer.settings.address import Address
from consumer.settings.decision import DecisionSettings
from consumer.settings.section import Section


class EndpointSettings(Section):
    """One of several inference servers: `[inference.endpoints.NAME]`."""

    address: Address
    """Base address; it ends in the version, as `inference.endpoint` does."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """The model's name as this server knows it; else `inference.model`."""
    api_key_file: Path | None = None
    """File that holds this server's key; else `inference.api_key_file`."""
    calls_max: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """Calls to this server at once, at most; else `inference.calls_max`."""
    role: Literal["first", "second"] = "first"
    """`first` judges; `second` is asked only where a policy wants a second look there."""


EndpointName = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^[a-z0-9][a-z0-9_-]{0,62}$", "must be small letters, digits, - and _, as in gpu-a"
        )
    ),
]


class InferenceSettings(Section):
    """The safeguard inference servers."""

    endpoint: Address = "http://127.0.0.1:8000/v1"
    """Base address of an OpenAI-compatible server; it ends in the version."""
    endpoints: dict[EndpointName, EndpointSettings] = {}
    """Several servers by name, instead of `endpoint`; each is a table of its own."""
    model: Annotated[str, Field(min_length=1)] = "openai/gpt-oss-safeguard-20b"
    """The model's name as the server knows it."""
    api_key_file: Path | None = None
    """File that holds the key; without one, `none` is sent, which local servers accept."""
    transport: Literal["direct", "sdk"] = "direct"
    """`direct` posts with aiohttp, `sdk` goes through the openai package; same bytes.
    Both go straight to the server: `HTTP_PROXY` and its like are not looked at."""
    profile: Literal[
        "auto",
        "vllm",
        "llama.cpp",
        "ollama",
        "lm-studio",
        "sglang",
        "groq",
        "openrouter",
        "generic",
    ] = "auto"
    """What the server is: its known limits. `auto` recognises it; name it behind a gateway."""
    api: Literal["auto", "chat", "responses"] = "auto"
    """Chat completions or the Responses API; `auto` takes what the profile says, chat for now."""
    calls_max: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Calls to a server at once, at most; with `adaptive` fewer where more only queue there."""
    calls_min: Annotated[int, Field(ge=1, le=10_000)] = 4
    """With `adaptive`: calls to a server at once, at least."""
    adaptive: bool = True
    """Find out how many calls a server takes at once, by its latency and its refusals."""
    reserved_share: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    """Of each server's places, what later lanes leave to earlier ones while those are in use."""
    hedge_at: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """
    Ask a second time what takes longer than this share of calls, such as 0.95; 0 is never. Where no
    place is free the second call replaces the first, after twice that time.
    """
    hedge_share_max: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Of all calls, how many may be second ones of that kind."""
    timeout_s: Annotated[float, Field(ge=0.1, le=3_600)] = 60.0
    """One call."""
    tokens_max: Annotated[int, Field(ge=64, le=200_000)] = 4_096
    """Room for reasoning and answer; too little loses verdicts."""
    tokens_max_low: Annotated[int, Field(ge=64, le=200_000)] = 1_536
    """The same for policies of low effort: what a model that finds no end costs at most, twice."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Sampling; 0 makes verdicts repeat most often."""
    seed: int = 7
    """Sampling seed; each retry uses another."""
    attempts_max: Annotated[int, Field(ge=1, le=20)] = 4
    """Attempts for one message whose answers are faulty; then it is unjudged."""
    wait_max_s: Annotated[float, Field(ge=0.1, le=300)] = 10.0
    """Longest wait between two attempts."""
    probe_every_s: Annotated[float, Field(ge=0.05, le=300)] = 1.0
    """How often a server that is out is tried again."""
    capabilities_every_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """After an outage it is probed anew for what it can do, but not more often than this."""
    segment_bytes: Annotated[int, Field(ge=400, le=1_000_000)] = 16_000
    """Longer text is judged in segments of so many bytes; must fit the model's context."""
    segment_overlap_chars: Annotated[int, Field(ge=0, le=10_000)] = 400
    """What two neighbouring segments share."""
    segments_max: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Text that needs more segments is unjudged with reason too_long."""
    decision: DecisionSettings = DecisionSettings()
    """The optional endpoint that is asked first, where a topic has `[screening.decision]`."""

    @model_validator(mode="after")
    def _judges(self) -> InferenceSettings:
        if self.endpoints and all(each.role != "first" for each in self.endpoints.values()):
            raise ValueError('one of inference.endpoints must have role = "first"')
        return self
