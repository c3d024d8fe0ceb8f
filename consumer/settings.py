"""
Every knob of the service, typed, limited, and with its unit in the name.

Read by `cli` and `app` only; everything else gets plain values. A value comes from, in this order:
a flag (`--set kafka.group=mine`), the environment (`SAFEGUARD_KAFKA__GROUP=mine`), the file given
by `--config`, the default. Secrets are named by file and read once at the start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from consumer.errors import InvalidSettings

ENV_PREFIX = "SAFEGUARD_"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class KafkaSettings(_Section):
    """The brokers and the group."""

    bootstrap_servers: str = "127.0.0.1:9092"
    """Comma-separated `host:port` of some brokers."""
    group: str = "safeguard"
    """The consumer group. Verdict ids are made from it: two groups judge independently."""
    group_protocol: Literal["classic", "consumer"] = "classic"
    """`classic` (cooperative rebalancing) or `consumer` (KIP-848, brokers from 4.0)."""
    static_member: str | None = None
    """A name for this member that survives restarts (group.instance.id), such as the pod's."""
    session_timeout_s: Annotated[float, Field(ge=1, le=1_800)] = 45.0
    """How long a silent member keeps its partitions (classic protocol; else the broker's)."""
    max_poll_interval_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    """A worker that does not poll for so long leaves the group; must exceed pipeline.drain_s."""
    message_timeout_s: Annotated[float, Field(ge=1, le=600)] = 15.0
    """How long the client tries to store a verdict before it is looked for and sent again."""
    request_timeout_s: Annotated[float, Field(ge=1.5, le=300)] = 10.0
    """The longest that one request to a broker may take; part of the lease (socket.timeout.ms)."""
    lease_margin_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """A process that stands still for longer counts as stalled; part of the lease."""
    clock_skew_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """How far the clocks of two workers may differ; waited beyond a last owner's lease."""
    when_unknown: Literal["scan", "refuse"] = "scan"
    """A commit that is not ours (an operator's reset): read the outputs by time, or stop."""
    scan_skew_s: Annotated[float, Field(ge=0, le=604_800)] = 3_600.0
    """How much earlier than its record a verdict may seem written when outputs are read by time."""
    linger_ms: Annotated[float, Field(ge=0, le=1_000)] = 3.0
    """How long a verdict waits for company in a batch."""
    message_bytes_max: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    """Largest record we try to store; larger verdicts are cut or become dead letters."""
    topic_ids: bool = True
    """Make verdict ids from the broker's topic ids, so that a topic made again is another one."""
    create_topics: bool = False
    """Create missing output topics at the start instead of stopping with the command to do so."""
    replication: Annotated[int, Field(ge=1, le=10)] = 3
    """Replication factor of topics that we create."""
    retention_min_s: Annotated[float, Field(ge=0, le=31_536_000)] = 86_400.0
    """Outputs must keep verdicts for so long: a worker that was away looks for its own there."""
    topics_refresh_s: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """How often the broker's topics are compared with the policies' patterns."""
    controls_refresh_s: Annotated[float, Field(ge=0.2, le=3_600)] = 5.0
    """How often workers look whether `safeguard topics pause` or `resume` was said."""
    client: dict[str, str | int | float | bool] = {}
    """Any other librdkafka property, such as security.protocol; those we own are refused."""
    client_files: dict[str, Path] = {}
    """librdkafka properties whose value is read from a file, such as sasl.password."""


class EndpointSettings(_Section):
    """One of several inference servers: `[inference.endpoints.NAME]`."""

    address: str
    """Base address; it ends in the version, as `inference.endpoint` does."""
    model: str | None = None
    """The model's name as this server knows it; else `inference.model`."""
    api_key_file: Path | None = None
    """File that holds this server's key; else `inference.api_key_file`."""
    calls_max: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """Calls to this server at once, at most; else `inference.calls_max`."""
    role: Literal["first", "second"] = "first"
    """`first` judges; `second` is asked only where a policy wants a second look there."""


EndpointName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class InferenceSettings(_Section):
    """The safeguard inference servers."""

    endpoint: str = "http://127.0.0.1:8000/v1"
    """Base address of an OpenAI-compatible server; it ends in the version."""
    endpoints: dict[EndpointName, EndpointSettings] = {}
    """Several servers by name, instead of `endpoint`; each is a table of its own."""
    model: str = "openai/gpt-oss-safeguard-20b"
    """The model's name as the server knows it."""
    api_key_file: Path | None = None
    """File that holds the key; without one, `none` is sent, which local servers accept."""
    transport: Literal["direct", "sdk"] = "direct"
    """`direct` posts with aiohttp, `sdk` goes through the openai package; same bytes."""
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

    @model_validator(mode="after")
    def _judges(self) -> InferenceSettings:
        if self.endpoints and all(each.role != "first" for each in self.endpoints.values()):
            raise ValueError('one of inference.endpoints must have role = "first"')
        return self


class PipelineSettings(_Section):
    """Bounds of the worker."""

    in_flight_max: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Records being judged at once; keep it somewhat above inference.calls_max."""
    pending_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """
    Records of one partition not yet committed past, before it is paused: how far the others may go
    ahead of one that takes long.
    """
    pending_total_max: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Records taken and not yet stored on an output, over all partitions."""
    commit_every_s: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    """How often finished offsets are committed."""
    pinned_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """A record that alone holds up a partition for so long ends as unjudged, stuck (0 = never)."""
    careful_after: Annotated[int, Field(ge=1, le=100)] = 3
    """Deaths at one offset, the model well and at work there, before records go one at a time."""
    careful_offsets: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """How many offsets are then taken one at a time, to find the one that ends its worker."""
    drain_s: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    """Budget to finish what is in flight on revocation and at the stop."""


class PolicySettings(_Section):
    """Where the policies are."""

    folder: Path = Path("policies")
    """The folder that holds one folder for each policy set."""
    watch: bool = True
    """Pick up changed files by themselves; SIGHUP does so in any case."""
    watch_every_s: Annotated[float, Field(ge=0.2, le=3_600)] = 5.0
    """How often the files are looked at."""


class TelemetrySettings(_Section):
    """Logs, health and metrics."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is colours on a terminal and JSON lines otherwise."""
    health_host: str = "127.0.0.1"
    """Where /livez, /readyz and /metrics listen."""
    health_port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """Port of the first process; with `--processes N` the next ones follow. 0 picks a free one."""
    stuck_s: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    """Not live when the loop or the Kafka thread stands still for so long."""


class DeadLetterSettings(_Section):
    """Dead letters."""

    spring_names: bool = False
    """Also write the `kafka_dlt-*` headers that Spring's tools read."""


class Settings(_Section):
    """The whole configuration."""

    kafka: KafkaSettings = KafkaSettings()
    inference: InferenceSettings = InferenceSettings()
    pipeline: PipelineSettings = PipelineSettings()
    policies: PolicySettings = PolicySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()


def load_settings(
    file: Path | None,
    flags: Mapping[str, str] = {},
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """
    Read the settings once.

    Args:
        file: TOML, with one table for each section; None reads none.
        flags: dotted names to values, as given by `--set`; they win.
        environment: `SAFEGUARD_<SECTION>__<NAME>`; the process's own by default.

    Raises:
        InvalidSettings: listing every fault with the place it came from.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if file is not None:
        _merge(merged, origins, _file_values(file), lambda name: f"{file}: {name}")
    _merge(
        merged,
        origins,
        _environment_values(os.environ if environment is None else environment),
        lambda name: f"environment {ENV_PREFIX}{name.upper().replace('.', '__')}",
    )
    _merge(merged, origins, dict(flags), lambda name: f"--set {name}")
    try:
        return Settings.model_validate(_nested(merged))
    except ValidationError as error:
        raise InvalidSettings(_faults(error, origins)) from None


def _file_values(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file} is not TOML: {error}") from None
    values: dict[str, Any] = {}
    for section, table in document.items():
        if not isinstance(table, dict):
            values[section] = table
            continue
        for name, value in table.items():
            is_free = f"{section}.{name}" in _FREE_TABLES and isinstance(value, dict)
            values[f"{section}.{name}"] = _flat(value) if is_free else value
    return values


_FREE_TABLES = ("kafka.client", "kafka.client_files")
"""Tables whose keys are librdkafka's own dotted names."""


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """TOML reads `sasl.username = …` as a table in a table; librdkafka's names are flat."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(ENV_PREFIX).lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith(ENV_PREFIX) and "__" in name
    }


def _merge(
    merged: dict[str, Any], origins: dict[str, str], values: Mapping[str, Any], origin: Any
) -> None:
    for name, value in values.items():
        section, _, rest = name.partition(".")
        field, _, inner = rest.partition(".")
        if inner and f"{section}.{field}" in _FREE_TABLES:
            # kafka.client.sasl.username: the name of the property itself holds dots, which the
            # environment writes as underscores.
            inner = inner.replace("_", ".")
            table = merged.get(f"{section}.{field}", {})
            if isinstance(table, dict):
                merged[f"{section}.{field}"] = {**table, inner: value}
            origins[f"{section}.{field}.{inner}"] = origin(name)
        else:
            merged[name] = value
            origins[name] = origin(name)


def _nested(merged: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in sorted(merged.items(), key=lambda item: item[0].count(".")):
        section, _, field = name.partition(".")
        if not field:
            nested[section] = value
        elif isinstance(table := nested.setdefault(section, {}), dict):
            if name.startswith(f"{_TABLE_OF_TABLES}."):
                _put(table, field.split("."), value)
            else:
                table[field] = value
    return nested


_TABLE_OF_TABLES = "inference.endpoints"
"""A table whose keys are names that the operator gives, each with a table of its own."""


def _put(table: dict[str, Any], path: list[str], value: object) -> None:
    """Set what lies at a path, without changing the tables that were read from a file."""
    for step in path[:-1]:
        inner = table.get(step)
        table[step] = table = dict(inner) if isinstance(inner, dict) else {}
    table[path[-1]] = value


def _faults(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        name = ".".join(str(step) for step in fault["loc"])
        place = origins.get(name) or origins.get(".".join(name.split(".")[:2]))
        place = place or next((origins[n] for n in origins if n.startswith(name + ".")), name)
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            message = "unknown setting; `safeguard settings` lists them all"
        lines.append(f"  {place}: {message}")
    noun = "fault" if len(lines) == 1 else "faults"
    return f"{len(lines)} {noun} in the settings:\n" + "\n".join(lines)


def describe_settings() -> list[tuple[str, str, str]]:
    """Every setting as (dotted name, default, meaning), for the README and `safeguard settings`."""
    rows: list[tuple[str, str, str]] = []
    for section, holder in Settings.model_fields.items():
        for name, field in type(holder.default).model_fields.items():
            default = field.default
            shown = "" if default is None else str(default)
            rows.append((f"{section}.{name}", shown, (field.description or "").replace("\n", " ")))
    for name, field in EndpointSettings.model_fields.items():
        shown = "" if field.is_required() or field.default is None else str(field.default)
        meaning = (field.description or "").replace("\n", " ")
        rows.append((f"{_TABLE_OF_TABLES}.NAME.{name}", shown, meaning))
    return rows
