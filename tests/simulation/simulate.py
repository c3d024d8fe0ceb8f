"""
`make simulate SEEDS=10000`: many seeds on all cores, a summary, and build/simulate.json.

A seed that fails is printed with what was found; `--seed N` runs it again, step for step the same,
with the worker's own log.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import structlog
from rich.console import Console
from rich.progress import track

from tests.simulation.world import Finding, simulate

ROOT = Path(__file__).parents[2]
CHUNK = 25
SAID_EVERY = 500
"""Seeds, where no bar can be drawn."""


def set_log_level(level: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))


def run_some(seeds: Iterable[int]) -> list[Finding]:
    """Run seeds one after the other, in silence."""
    set_log_level(logging.CRITICAL)
    # A process that is killed never comes to what it was about to begin.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    found = [simulate(seed) for seed in seeds]
    # The dead processes of a simulation are cycles of tasks; they are let go of in one go.
    gc.collect()
    return found


def run_many(first: int, count: int) -> Iterator[list[Finding]]:
    """Run seeds on all cores; yields them in chunks, as they come."""
    chunks = [
        range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)
    ]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from pool.map(run_some, chunks)


def main() -> int:
    """Run as asked; 1 where any seed failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone, with its log")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "simulate.json")
    options = parser.parse_args()
    if options.seed is not None:
        set_log_level(logging.INFO)
        finding = simulate(options.seed)
        print(finding)
        return 0 if finding.is_fine else 1

    console = Console(stderr=True)
    began_s = time.monotonic()
    failed: list[Finding] = []
    events: Counter[str] = Counter()
    messages = duplicated = 0
    chunks = run_many(options.first, options.seeds)
    total = -(-options.seeds // CHUNK)
    done = 0
    for chunk in track(chunks, "seeds", total, console=console, disable=not sys.stderr.isatty()):
        done += len(chunk)
        if not sys.stderr.isatty() and done % SAID_EVERY == 0:
            print(f"{done} of {options.seeds} seeds, {len(failed)} failed", file=sys.stderr)
        for finding in chunk:
            events += finding.events
            messages += finding.messages
            duplicated += finding.duplicated
            if not finding.is_fine:
                failed.append(finding)
                print(finding)
    summary = {
        "seeds": options.seeds,
        "failed": len(failed),
        "first_seed": options.first,
        "failed_seeds": [finding.seed for finding in failed],
        "messages": messages,
        "stored_twice": duplicated,
        "events": dict(events),
        "seconds": round(time.monotonic() - began_s, 1),
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
