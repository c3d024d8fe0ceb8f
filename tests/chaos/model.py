"""Model: the stand-in inference server as a process of its own, which dies and comes back."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from tests.chaos.scene import FLIPS, LATENCY_S
from tests.servers.child import Child, free_ports, is_listening

START_S = 20.0
ROOT = Path(__file__).parent.parent.parent
SPARE = 2.0
"""How much faster than the messages come it can answer."""


class Model:
    """Slow enough that bursts of messages queue, and of another mind at some calls."""

    def __init__(self, folder: Path, rate: float, seed: int) -> None:
        (self._port,) = free_ports(1)
        self._log = folder / "model.log"
        self._slots = max(2, math.ceil(rate * LATENCY_S[0] * SPARE))
        self._seed = seed
        self._starts = 0
        self._child: Child | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        self._starts += 1
        options = {
            "--port": self._port,
            "--latency": LATENCY_S[0],
            "--latency-p95": LATENCY_S[1],
            "--slots": self._slots,
            "--flip-rate": FLIPS,
            # The dice begin anew with each process; they must not fall as they fell before.
            "--seed": self._seed * 1_000 + self._starts,
        }
        words = [str(word) for option in options.items() for word in option]
        command = [sys.executable, "-m", "consumer.dev.safeguard", *words]
        self._child = Child(command, log=self._log, folder=ROOT)
        self._child.wait_until(lambda: is_listening(self._port), START_S)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
