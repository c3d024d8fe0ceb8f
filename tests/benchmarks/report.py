"""The figures of one run: percentiles, the table on the screen, and `bench.json`. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

KEYS = (
    "machine",
    "model_path_vs_faststream",
    "model_path_vs_aiokafka",
    "screened_vs_bare",
    "screened_vs_model_path",
    "screen_us",
    "peers_lost",
    "share_of_bare_200ms_256",
    "cpu_ms_by_rate",
    "switches_by_rate",
    "hand_over_us",
    "own_latency_ms",
    "bare_latency_ms",
    "rss_mb_1024",
    "rss_growth_mb_200k",
    "call_cpu_ms",
    "call_vs_bare_aiohttp",
    "call_vs_asyncopenai",
    "metadata_cpu_share",
    "first_verdict_s",
)
"""What `bench.json` always holds; a figure that was not measured is null."""

AIMS = {
    "model_path_vs_faststream": "at least 8",
    "screened_vs_bare": "at least 0.1, better 0.25",
    "screened_vs_model_path": "at least 8",
    "screen_us": "under 8 messages of the bare loop",
    "peers_lost": "worker 0",
    "share_of_bare_200ms_256": "at least 0.95",
    "own_latency_ms": "p99 at most 10 above the bare loop's",
    "rss_mb_1024": "under 200",
    "rss_growth_mb_200k": "flat",
    "call_vs_bare_aiohttp": "at most 2, with prompt, parse and verdict",
    "first_verdict_s": "with a tail of 10,000 under 1 s",
}


@dataclass
class Figures:
    """What was measured so far, how, and what could not be."""

    machine: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Under the names of `KEYS`."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the figures were made from, for whoever doubts them."""
    failures: dict[str, str] = field(default_factory=dict)
    """Measurement -> why there is no figure."""

    def document(self) -> dict[str, Any]:
        """The content of `bench.json`: every one of `KEYS`, then details and failures."""
        values = {key: self.values.get(key) for key in KEYS}
        values["machine"] = self.machine
        return values | {"details": self.details, "failures": self.failures}

    def as_json(self) -> str:
        return json.dumps(self.document(), indent=2) + "\n"

    def table(self) -> Table:
        """One row for each figure, with its aim where there is one."""
        machine = self.machine
        title = ", ".join(str(value) for value in machine.values()) if machine else ""
        table = Table(title="Benchmarks", caption=title)
        table.add_column("figure")
        table.add_column("measured", justify="right")
        table.add_column("aim")
        for key, value in self.document().items():
            if key in KEYS and key != "machine":
                table.add_row(key, shown(value), AIMS.get(key, ""))
        return table


def shown(value: object) -> str:
    """A figure as the table shows it."""
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {shown(each)}" for name, each in value.items())
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
    return "not measured" if value is None else str(value)


def percentile(values: Sequence[float], share: float) -> float:
    """
    The nearest-rank percentile: the smallest value that `share` of all values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, rounded to hundredths."""
    ordered = sorted(values)
    return {
        name: round(percentile(ordered, share), 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
