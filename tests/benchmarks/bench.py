"""
The benchmarks: every figure in one run, on one real broker, with nothing asserted about time.

    python -m tests.benchmarks.bench [--only NAME] [--quick] [--out build/bench.json]

Everything runs on the loopback of one machine: broker, server, worker and what they are compared
with share its cores, so ratios mean more than rates. Exit code 0 when all was measured, 1 when
something could not be; what it was is in the table and in the file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import (
    by_rate,
    call_cost,
    in_flight,
    killed,
    latency,
    machine,
    memory,
    model_path,
    recovery,
    settled_path,
)
from tests.benchmarks.children import ROOT
from tests.benchmarks.environment import peers_python
from tests.benchmarks.report import Figures
from tests.benchmarks.scene import FULL, QUICK, Scene
from tests.benchmarks.workload import Workload, fill, topics
from tests.brokers.kafka import RealKafka

MEASUREMENTS: dict[str, Callable[[Scene], None]] = {
    "model_path": model_path.measure,
    "settled_path": settled_path.measure,
    "one_kill": killed.measure,
    "in_flight": in_flight.measure,
    "by_rate": by_rate.measure,
    "latency": latency.measure,
    "memory": memory.measure_in_flight,
    "growth": memory.measure_growth,
    "calls": call_cost.measure,
    "recovery": recovery.measure,
}


def main() -> int:
    """Measure what was asked for, show it, write it down."""
    options = _options()
    console = Console()
    scale = QUICK if options.quick else FULL
    wanted = options.only or list(MEASUREMENTS)
    figures = Figures(machine=machine.describe())
    started_s = time.monotonic()

    def say(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - started_s:5.0f} s[/dim]  {what}")

    for name, value in figures.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    python = None
    if {"model_path", "one_kill"} & set(wanted):
        say("the peers' environment")
        python = peers_python(ROOT / "build" / "bench-venv")
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        say("starting Kafka")
        with RealKafka(folder / "kafka") as kafka:
            kafka.create_topics(topics())
            say(f"writing {scale.backlog:,} messages")
            fill(kafka.bootstrap_servers, scale.backlog)
            workload = Workload(folder, kafka.bootstrap_servers)
            scene = Scene(workload, scale, python, figures, say)
            for name in wanted:
                try:
                    MEASUREMENTS[name](scene)
                except Exception as error:
                    figures.failures[name] = f"{type(error).__name__}: {error}"
                    console.print(f"{name} could not be measured: {error}", style="red")
    figures.details["seconds"] = round(time.monotonic() - started_s)
    figures.details["quick"] = options.quick
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(figures.as_json())
    console.print(figures.table())
    for name, content in figures.details.items():
        console.print(f"{name}: {content}", highlight=False, style="dim")
    if options.quick:
        console.print(
            f"quick: coarse figures; memory growth over {scale.growth_messages:,} messages, not "
            "200,000"
        )
    console.print(f"written to {options.out}")
    return 1 if figures.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bench",
        description="Measure the worker beside its peers; ratios in one run, nothing asserted.",
    )
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), help="one measurement; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="coarse figures in under 2 minutes")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
