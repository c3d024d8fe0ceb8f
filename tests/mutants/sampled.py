"""
Bugs sampled from the pure modules, each held against that module's unit tests alone.

Which ones is a function of the seed and of the bug: an edit moves no bug but those in its own
lines. What lives is written out with its file, line and text, for a person to act on: either a test
is missing, or the bug changes nothing, and then `equivalent.toml` says why.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.mutants.planted import BROKEN, Plant, begin, preload
from tests.mutants.pure import MODULES, ROOT, files_of, name_of
from tests.mutants.rules import Change, changes
from tests.mutants.swapped import ELSEWHERE, Begin, collected

AIM = 0.97
"""The share of the sampled bugs that some test must see."""
LIMIT_S = 300
"""Tests that take longer, where a loop no longer ends, have seen the bug."""
NO_END = "no end"


class Sample(NamedTuple):
    """One bug of one module."""

    module: str
    change: Change

    @property
    def key(self) -> tuple[str, ...]:
        return (self.module, *self.change.key)

    def __str__(self) -> str:
        change = self.change
        bug = f"{' '.join(change.part.split())}  ->  {change.becomes}"
        return f"consumer/{self.module}:{change.number}  {bug}  in: {change.line}"


def all_samples(modules: Sequence[str] = tuple(MODULES)) -> list[Sample]:
    """Every bug that the rules make of these modules."""
    return [
        Sample(module, change)
        for module in modules
        for change in changes((ROOT / "consumer" / module).read_text())
    ]


def equivalents() -> dict[tuple[str, ...], str]:
    """Those that change nothing -> why."""
    file = Path(__file__).with_name("equivalent.toml")
    names = ("module", "where", "line", "rule", "becomes")
    entries = tomllib.loads(file.read_text()).get("equivalent", [])
    return {tuple(entry[name] for name in names): entry["why"] for entry in entries}


def drawn(samples: Sequence[Sample], count: int, seed: str) -> list[Sample]:
    """So many of them, by the seed; those that change nothing are left out."""
    known = equivalents()
    found = [sample for sample in samples if sample.key not in known]
    return sorted(found, key=partial(_lot, seed))[:count]


def _lot(seed: str, sample: Sample) -> bytes:
    return blake2b("\0".join((seed, *sample.key)).encode(), digest_size=16).digest()


class Job(NamedTuple):
    """A bug, or none, and who is to see it."""

    plant: Plant | None
    tests: Sequence[str]
    title: str = ""


def run(chosen: Sequence[Sample]) -> list[str | None]:
    """
    Who sees each of these bugs, or None.

    Raises:
        RuntimeError: tests that saw one fail without any as well, so that they prove nothing.
    """
    jobs = [job_of(sample) for sample in chosen]
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        seen_by = pool.submit(_swapped, jobs).result()
    preload()
    left = [number for number, by in enumerate(seen_by) if by is None]
    for number, by in zip(left, outcomes([jobs[number] for number in left]), strict=True):
        seen_by[number] = by
    witnesses = sorted({by.partition("[")[0] for by in seen_by if by and "::" in by})
    # Twice, since a busy machine fails a test now and then.
    for _ in range(2):
        (failed,) = outcomes([Job(None, witnesses)]) if witnesses else (None,)
        if failed is None:
            return seen_by
    raise RuntimeError(f"it fails without any bug: {failed}")


def _swapped(jobs: Sequence[Job]) -> list[str | None]:
    """
    As `outcomes`, and some thirty times as fast; None also where only planting can tell.

    Its own process: it imports what bugs are planted in.
    """
    untitled = [job._replace(title="") for job in jobs]
    found: list[str | None] = []
    files = sorted({file for job in jobs for file in job.tests})
    collected(files, lambda begin: found.extend(outcomes(untitled, begin)))
    return found


def job_of(sample: Sample) -> Job:
    file = ROOT / "consumer" / sample.module
    plant = Plant(name_of(sample.module), file, sample.change.source, sample.change.where)
    return Job(plant, files_of(sample.module), str(sample))


def outcomes(jobs: Sequence[Job], begin: Begin = begin) -> list[str | None]:
    """Which test fails in each, or None; as many run at a time as there are processors."""
    found: dict[int, str | None] = {}
    running: dict[int, tuple[int, float]] = {}
    left = list(reversed(range(len(jobs))))
    with tempfile.TemporaryDirectory() as folder:
        while left or running:
            while left and len(running) < (os.cpu_count() or 1):
                number = left.pop()
                plant, tests, _ = jobs[number]
                pid = begin(plant, tests, Path(folder, str(number)))
                running[pid] = (number, time.monotonic() + LIMIT_S)
            time.sleep(0.05)
            for pid, (number, until_s) in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if not ended and time.monotonic() < until_s:
                    continue
                if ended:
                    code = os.waitstatus_to_exitcode(status)
                    found[number] = _outcome(code, Path(folder, str(number)))
                else:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    found[number] = NO_END
                del running[pid]
                if found[number] is None and jobs[number].title:
                    print(f"LIVED  {jobs[number].title}", flush=True)
    return [found[number] for number in range(len(jobs))]


def _outcome(code: int, output: Path) -> str | None:
    """Which test fails, or another sign that something is wrong; None where all is well."""
    if code in (0, ELSEWHERE):
        return None
    if code == BROKEN:
        raise RuntimeError(output.read_text(errors="replace")[-4_000:])
    lines = output.read_text(errors="replace").splitlines()
    failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return failed[0].partition(" ")[2].split(" - ")[0] if failed else f"exit {code}"


def summary(
    chosen: Sequence[Sample], seen_by: Sequence[str | None], seed: str
) -> dict[str, object]:
    """For `build/mutants.json`."""
    lived = [sample for sample, by in zip(chosen, seen_by, strict=True) if by is None]
    return {
        "sampled": len(chosen),
        "killed_share": round(1 - len(lived) / max(1, len(chosen)), 4),
        "seed": seed,
        "without_end": seen_by.count(NO_END),
        "survivors": [
            {
                "module": f"consumer/{module}",
                "number": change.number,
                "where": change.where,
                "line": change.line,
                "rule": change.rule,
                "part": change.part,
                "becomes": change.becomes,
                "tests": files_of(module),
            }
            for module, change in lived
        ],
    }


def main() -> int:
    """Draw, try, tell. Its own process: in it none of our modules may be imported before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="how many")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--modules", nargs="+", default=list(MODULES), help="these alone")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sampled.json")
    options = parser.parse_args()
    chosen = drawn(all_samples(options.modules), options.sample, options.seed)
    found = summary(chosen, run(chosen), options.seed)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    share = float(str(found["killed_share"]))
    print(
        f"{share:.1%} of {len(chosen)} sampled bugs were seen (seed {options.seed}; aim {AIM:.0%})"
    )
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
