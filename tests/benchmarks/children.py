"""Processes of one benchmark run: started, metered, and ended by their own number."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

ROOT = Path(__file__).parents[2]
STOP_S = 30.0


class ChildFailed(Exception):
    """A process of the benchmark ended too early or never began; the message holds its output."""


class Usage(NamedTuple):
    """What a process has used so far."""

    cpu_s: float
    rss_mb: float


class Child:
    """A process from `with` to the end of its block; its output goes to a file in `folder`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] = {},
    ) -> None:
        self.name = name
        self._command = command
        self._environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"} | dict(environment)
        self._output = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __repr__(self) -> str:
        return f"<Child {self.name}>"

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """
        Make sure that it still runs.

        Raises:
            ChildFailed: it does not.
        """
        if self._process.poll() is not None:
            raise ChildFailed(f"{self.name} ended with {self._process.returncode}: {self.output()}")

    def output(self) -> str:
        """The end of what it has printed so far."""
        return self._output.read_text(errors="replace")[-2_000:].strip()

    def lines(self) -> list[str]:
        """All that it has printed so far."""
        return self._output.read_text(errors="replace").splitlines()

    def first_line(self, timeout_s: float = 20.0) -> str:
        """
        The first whole line it prints.

        Raises:
            ChildFailed: it ended, or printed nothing within the time.
        """
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            line, newline, _ = self._output.read_text(errors="replace").partition("\n")
            if newline:
                return line
            self.check()
            time.sleep(0.02)
        raise ChildFailed(f"{self.name} printed nothing within {timeout_s:.0f} s")

    def wait(self, timeout_s: float) -> str:
        """
        Wait for its end and return what it printed.

        Raises:
            ChildFailed: it failed, or has not ended within the time.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{self.name} has not ended within {timeout_s:.0f} s") from None
        if code:
            raise ChildFailed(f"{self.name} ended with {code}: {self.output()}")
        return self._output.read_text()

    def switches(self) -> int:
        """How often its threads were switched, by their own will or not; only Linux tells."""
        total = 0
        for status in Path(f"/proc/{self._process.pid}/task").glob("*/status"):
            for line in status.read_text().splitlines():
                name, _, count = line.partition(":")
                total += int(count) if name.endswith("ctxt_switches") else 0
        return total

    def usage(self) -> Usage:
        """CPU time (user and system, all threads) and resident memory of the process alone."""
        self.check()
        proc = Path("/proc") / str(self._process.pid)
        if proc.exists():
            fields = (proc / "stat").read_text().rpartition(") ")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            return Usage(
                ticks / os.sysconf("SC_CLK_TCK"),
                int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1_000_000,
            )
        return _usage_from_ps(self._process.pid)


def _usage_from_ps(pid: int) -> Usage:
    """Where there is no /proc (macOS)."""
    shown = subprocess.check_output(["ps", "-o", "time=,rss=", "-p", str(pid)], text=True)
    time_used, rss_kib = shown.split()
    cpu_s = 0.0
    for part in time_used.replace("-", ":").split(":"):
        cpu_s = cpu_s * 60 + float(part)
    return Usage(cpu_s, int(rss_kib) * 1_024 / 1_000_000)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this folder in the project's own Python."""
    return [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
