"""
`make deploy-check`: what `make test` finds of `deploy/`, and the tools whose files they are.

A tool that is not here is named, loudly; it is no fault. Words after the command go to the build of
the image: IMAGE_FLAGS="--network host".
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.deploy.rules import compose, configuration, images, kubernetes, queries, systemd
from tests.deploy.shipped import Shipped
from tests.generated import ROOT

Words = Sequence[str]
TAG = "safeguard-consumer:0.2.0"


class Tool(NamedTuple):
    """A program, what it is told, and where; `ready` must answer 0, or the tool is not here."""

    name: str
    words: Words
    folder: Path
    hint: str
    ready: Words = ()


class Outcome(NamedTuple):
    """How a check ended: None where it could not be made."""

    name: str
    is_well: bool | None
    said: str

    def __str__(self) -> str:
        word = {True: "ok", False: "FAULT", None: "NOT RUN"}[self.is_well]
        return f"{word:<8} {self.name}" + (f": {self.said}" if self.said else "")


def tools(deploy: Path) -> list[Tool]:
    prometheus, hint = deploy / "prometheus", "Debian's package `prometheus` has it"
    return [
        Tool("promtool rules", ("promtool", "check", "rules", "alerts.yaml"), prometheus, hint),
        Tool("promtool tests", ("promtool", "test", "rules", "alerts_test.yaml"), prometheus, hint),
        Tool(
            "promtool config", ("promtool", "check", "config", "prometheus.yaml"), prometheus, hint
        ),
        Tool(
            "kubectl kustomize", ("kubectl", "kustomize", "kubernetes"), deploy, "install kubectl"
        ),
        Tool(
            "compose config",
            ("docker", "compose", "--profile", "*", "--file", "compose.yaml", "config", "--quiet"),
            deploy,
            "install Docker's compose plugin",
            ("docker", "compose", "version"),
        ),
    ]


def run(tool: Tool) -> Outcome:
    if shutil.which(tool.words[0]) is None or (tool.ready and _run(tool.ready).returncode):
        return Outcome(tool.name, None, f"not on this machine; {tool.hint}")
    found = _run(tool.words, tool.folder)
    return Outcome(tool.name, found.returncode == 0, "" if found.returncode == 0 else _end(found))


def build(shipped: Shipped, flags: Words) -> Outcome:
    """By the first engine that is here and has, or can fetch, the base."""
    (base,) = set(re.findall(r"^FROM (\S+)", shipped.text("Dockerfile"), re.MULTILINE))
    why = "no docker, podman or buildah is here that works"
    for engine, fetch, make in (
        ("docker", ("pull", "--quiet"), ("build",)),
        ("podman", ("pull", "--quiet", "--policy=missing"), ("build",)),
        ("buildah", ("pull", "--quiet", "--policy=missing"), ("bud",)),
    ):
        if shutil.which(engine) is None or _run((engine, "info")).returncode:
            continue
        if _run((engine, *fetch, base)).returncode:
            why = f"{engine} has no {base} and cannot fetch it"
            continue
        words = (engine, *make, "--file", "deploy/Dockerfile", "--tag", TAG, *flags, ".")
        built = _run(words, shipped.root)
        said = "" if built.returncode == 0 else _end(built)
        return Outcome(f"image by {engine}", built.returncode == 0, said)
    return Outcome("image", None, why)


def outcomes(shipped: Shipped, flags: Words) -> Iterator[Outcome]:
    for rule in (compose, configuration, images, kubernetes, queries, systemd):
        found = list(rule.faults(shipped))
        yield Outcome(rule.__name__.rpartition(".")[2], not found, "\n".join(found))
    analyzed = systemd.analyzed(shipped)
    if analyzed is None:
        yield Outcome("systemd-analyze", None, "it is not here; Debian's package `systemd` has it")
    else:
        yield Outcome("systemd-analyze", not analyzed, "\n".join(analyzed))
    for tool in tools(shipped.deploy):
        yield run(tool)
    yield build(shipped, flags)


def _run(words: Words, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def _end(found: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((found.stdout + found.stderr).strip().splitlines()[-12:])


def main() -> int:
    ended = []
    for outcome in outcomes(Shipped(ROOT), sys.argv[1:]):
        print(outcome, flush=True)
        ended.append(outcome)
    missing = [each.name for each in ended if each.is_well is None]
    if missing:
        print(
            f"\n!!! {len(missing)} of {len(ended)} checks could not be made: {', '.join(missing)}"
        )
    return int(any(each.is_well is False for each in ended))


if __name__ == "__main__":
    raise SystemExit(main())
