"""
Bugs sampled from the pure modules, each held against that module's unit tests alone.

Which ones is a function of the seed and of the bug: an edit moves no bug but those in its own
lines. What lives is written out with its file, line and text, for a person to act on: either a test
is missing, or the bug changes nothing, and then `equivalent.toml` says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from tests.mutants.planted import FILE, MODULE, SOURCE
from tests.mutants.pure import MODULES, ROOT, files_of, name_of
from tests.mutants.rules import Change, changes

AIM = 0.97
"""The share of the sampled bugs that some test must see."""
LIMIT_S = 240
"""Tests that take longer, where a loop no longer ends, have seen the bug."""


class Sample(NamedTuple):
    """One bug of one module."""

    module: str
    change: Change

    @property
    def key(self) -> tuple[str, ...]:
        return (self.module, *self.change.key)


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


def run(count: int, seed: str, modules: Sequence[str] = tuple(MODULES)) -> dict[str, object]:
    """
    Try a sample; the summary for `build/mutants.json`.

    Raises:
        RuntimeError: the tests fail without any bug, so that they prove nothing.
    """
    chosen = drawn(all_samples(modules), count, seed)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sound = pool.submit(_outcome, {}, sorted({t for s in chosen for t in files_of(s.module)}))
        seen_by = list(pool.map(_seen_by, chosen))
    if failed := sound.result():
        raise RuntimeError(f"the tests fail without any bug: {failed}")
    survivors = [sample for sample, by in zip(chosen, seen_by, strict=True) if by is None]
    share = 1 - len(survivors) / len(chosen) if chosen else 1.0
    print(f"{share:.1%} of {len(chosen)} sampled bugs were seen (seed {seed}; aim {AIM:.0%})")
    return {
        "sampled": len(chosen),
        "killed_share": round(share, 4),
        "seed": seed,
        "survivors": [_told(sample) for sample in survivors],
    }


def _told(sample: Sample) -> dict[str, object]:
    change = sample.change
    return {
        "module": f"consumer/{sample.module}",
        "number": change.number,
        "where": change.where,
        "line": change.line,
        "rule": change.rule,
        "becomes": change.becomes,
        "tests": files_of(sample.module),
    }


def _seen_by(sample: Sample) -> str | None:
    module, change = sample
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "planted.py")
        source.write_text(change.source)
        file = str(ROOT / "consumer" / module)
        planted = {MODULE: name_of(module), FILE: file, SOURCE: str(source)}
        seen_by = _outcome(planted, files_of(module))
    if seen_by is None:
        print(
            f"LIVED  consumer/{module}:{change.number}  {change.line}  ->  {change.becomes}",
            flush=True,
        )
    return seen_by


def _outcome(planted: dict[str, str], tests: Sequence[str]) -> str | None:
    """Which test fails, or another sign that something is wrong; None where all is well."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.mutants.planted"]
    command += ["-p", "no:cacheprovider", "--timeout", "60"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=ROOT,
            env=dict(os.environ) | planted,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return "no end"
    if done.returncode == 0:
        return None
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failed[0].partition(" ")[2].split(" - ")[0] if failed else f"exit {done.returncode}"
