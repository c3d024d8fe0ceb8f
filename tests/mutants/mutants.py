"""
`make mutants`: put each deliberate bug back once, and see some test catch it.

First those of the table, each written by hand; then a sample of those that rules make of the pure
modules. Each runs in a process of its own. What no test catches is printed. The exit code is 1
where a bug of the table is missed, or too many of the sample.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from tests.mutants.table import MUTANTS, Mutant
from tests.simulation.world import simulate

ROOT = Path(__file__).parents[2]
VARIABLE = "SAFEGUARD_TEST_MUTANT"


def by_name(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def in_simulation(mutant: Mutant) -> str | None:
    """The first seed that catches it, in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    mutant.apply()
    for seed in range(mutant.seeds):
        finding = simulate(seed)
        if not finding.is_fine:
            return str(finding)
    return None


def run(mutant: Mutant) -> dict[str, object]:
    """In a process of its own; says who caught it, or null."""
    began_s = time.monotonic()
    if mutant.seeds:
        command = [sys.executable, "-W", "ignore", "-m", "tests.mutants.mutants"]
        done = subprocess.run(
            [*command, "--simulate", mutant.name], cwd=ROOT, capture_output=True, text=True
        )
        caught_by = done.stdout.strip()[:200] if done.returncode == 1 else None
        if done.returncode not in (0, 1) or (done.returncode == 1 and not caught_by):
            raise RuntimeError(f"{mutant.name}: {done.stderr[-2_000:]}")
    else:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.mutants.plugin"]
        environment = dict(os.environ) | {VARIABLE: mutant.name}
        done = subprocess.run(
            [*command, *mutant.tests], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
        caught_by = failed[0].removeprefix("FAILED ").split(" - ")[0] if failed else None
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{mutant.name}: {done.stdout[-2_000:]}")
    seconds = round(time.monotonic() - began_s, 1)
    print(f"{'caught' if caught_by else 'MISSED'}  {mutant.name}  ({seconds} s)  {caught_by or ''}")
    return {
        "name": mutant.name,
        "breaks": mutant.breaks,
        "caught_by": caught_by,
        "seconds": seconds,
    }


def sampled(count: int, seed: str) -> tuple[bool, dict[str, object]]:
    """Whether tests see enough of a sample, and what was found; see `sampled.py`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "sampled.json")
        command = [sys.executable, "-m", "tests.mutants.sampled", "--out", str(out)]
        done = subprocess.run([*command, "--sample", str(count), "--seed", seed], cwd=ROOT)
        return done.returncode == 0, json.loads(out.read_text()) if out.exists() else {}


def main() -> int:
    """Run all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="these of the table alone, and no sample")
    parser.add_argument("--sample", type=int, default=60, help="how many the rules make")
    parser.add_argument("--seed", default="1", help="of the sample")
    parser.add_argument("--simulate", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutants.json")
    options = parser.parse_args()
    if options.simulate:
        caught_by = in_simulation(by_name(options.simulate))
        print(caught_by or "")
        return 1 if caught_by else 0
    chosen = [by_name(name) for name in options.names] or list(MUTANTS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(run, chosen))
    caught = sum(result["caught_by"] is not None for result in results)
    summary: dict[str, object] = {"mutants": len(results), "caught": caught, "table": results}
    is_enough = True
    if not options.names:
        is_enough, found = sampled(options.sample, options.seed)
        summary |= found
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{caught} of {len(results)} caught")
    return 0 if caught == len(results) and is_enough else 1


if __name__ == "__main__":
    raise SystemExit(main())
