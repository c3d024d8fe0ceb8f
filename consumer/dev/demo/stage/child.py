"""Child: a command of ours in a process beside the demo, which ends with it however that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from consumer.worker.stops import PARENT_PIPE

LOOK_S = 0.05
"""How often it is looked whether one has ended."""


class Lifeline:
    """A pipe whose reading end the children hold: it ends with this process, and so do they."""

    def __init__(self) -> None:
        # The writing end is never written to and never handed on.
        self.reading, self._writing = os.pipe()

    def __repr__(self) -> str:
        return f"<Lifeline {self.reading}>"

    def cut(self) -> None:
        """Whoever still holds it ends."""
        for end in (self._writing, self.reading):
            os.close(end)


class StageChild:
    """One command, over the processes that it has been."""

    def __init__(
        self, words: Sequence[str], settings: Mapping[str, str], log: Path, lifeline: Lifeline
    ) -> None:
        """`words` are those after `safeguard`, `settings` what follows as `--set`."""
        # A file that is named is the only one that is read.
        empty = log.parent / "safeguard.toml"
        empty.touch()
        self._command = [sys.executable, "-m", "consumer", *words, "--config", str(empty)]
        self._command += [w for pair in settings.items() for w in ("--set", "=".join(pair))]
        self._log, self._lifeline = log, lifeline
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<child {self._log.stem} pid {self.pid}>"

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        # What is set for a service of this machine is none of the demo's.
        told = {k: v for k, v in os.environ.items() if not k.startswith("SAFEGUARD_")}
        reading = self._lifeline.reading
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the demo, which stops its children in its own time.
                start_new_session=True,
                pass_fds=(reading,),
                env={**told, PARENT_PIPE: str(reading)},
            )

    def send(self, number: int) -> None:
        """A signal, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """At once, and gone when this returns: it writes no more to what is tidied up after it."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    async def ended(self, seconds: float) -> bool:
        """Whether it has ended within so long."""
        until_s = time.monotonic() + seconds
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def said(self) -> bytes:
        """All that it wrote, results and log."""
        return self._log.read_bytes()

    def last_words(self) -> str:
        """The error, or the last thing, that it spoke of."""
        lines = self.said().decode(errors="replace").strip().splitlines()
        try:
            last = orjson.loads(lines[-1])
            return str(last.get("error") or last["event"])
        except (IndexError, ValueError, KeyError):
            return lines[-1] if lines else "without a word"
