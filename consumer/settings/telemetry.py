"""`[telemetry]`: logs, health and metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from consumer.settings.section import Section


class TelemetrySettings(Section):
    """Logs, health and metrics."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least grave of what is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is colours on a terminal and JSON lines otherwise."""
    health_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Where /livez, /readyz and /metrics listen."""
    health_port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """Port of the first process; with `--processes N` the next ones follow. 0 picks a free one."""
    stuck_s: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    """Not live when the loop or the Kafka thread stands still for so long."""
