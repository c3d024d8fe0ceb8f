"""A bare folder with the wheel installed, and nothing of the checkout or of our environment."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
STEP_S = 120.0
"""For one command; installing has more."""
INSTALL_S = 400.0


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    cpu_s: float
    wall_s: float


class Place:
    """Where a newcomer sits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bare"
        self.folder.mkdir()
        self._venv = folder / "venv"
        self.environment = {
            "PATH": f"{self._venv / 'bin'}:/usr/bin:/bin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **{name: value for name, value in os.environ.items() if "PROXY" in name.upper()},
        }

    def install(self) -> Path:
        """Build the wheel, make an environment of its own, install; returns the wheel."""
        wheels = self._venv.parent / "wheels"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels), "."]
        subprocess.run(build, cwd=ROOT, check=True, timeout=INSTALL_S)
        (wheel,) = wheels.glob("*.whl")
        subprocess.run([sys.executable, "-m", "venv", str(self._venv)], check=True, timeout=STEP_S)
        own = [str(self._venv / "bin" / "pip"), "--disable-pip-version-check", "install", "-q"]
        locked = ["--require-hashes", "-r", str(ROOT / "requirements.lock")]
        subprocess.run([*own, *locked], check=True, timeout=INSTALL_S)
        subprocess.run([*own, "--no-deps", str(wheel)], check=True, timeout=STEP_S)
        return wheel

    def run(self, *words: str) -> Done:
        """Run `safeguard` with these words to its end, with nobody at the terminal."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began_s = time.monotonic()
        found = subprocess.run(
            [str(self._venv / "bin" / "safeguard"), *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        passed_s = time.monotonic() - began_s
        return Done(found.returncode, found.stdout, found.stderr, cpu_s, passed_s)

    def start(self, *words: str, log: str) -> subprocess.Popen[str]:
        """The same in the background; stdout is a pipe, stderr goes to a file beside."""
        with (self.folder.parent / log).open("w") as errors:
            return subprocess.Popen(
                [str(self._venv / "bin" / "safeguard"), *words],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def log(self, name: str) -> str:
        """What a background command has said on stderr so far."""
        return (self.folder.parent / name).read_text()
