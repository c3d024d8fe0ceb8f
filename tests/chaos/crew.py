"""Crew: worker processes, one to a seat, and a supervisor that fills a seat that fell empty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.settings.environment import ENV_PREFIX
from consumer.worker.serve import GRACE_S
from tests.chaos import journal
from tests.chaos.scene import DRAIN_S, GROUP
from tests.servers.child import Child, ChildFailed, free_ports

ROOT = Path(__file__).parent.parent.parent
WATCH_S = 0.2
STOP_S = DRAIN_S + GRACE_S + 3.0
"""After so long the service ends itself; a worker that takes longer hangs."""
STATIC_SEAT = 1
"""Whoever sits there is a static member of the group, under one name."""
SUPERVISED_SEAT = 4
"""Mostly empty: a supervisor with two workers sits there for a while."""
SEATS_IN_ALL = 5

Tell = Callable[[str], None]


class Exit(NamedTuple):
    """A worker that ended as it should not."""

    worker: str
    code: int | None
    """None where it hung and was killed."""
    was_asked: bool
    """Whether it had been told to stop."""
    wall_s: float
    log: str


class Death(NamedTuple):
    """A worker that was cut off from its partitions."""

    worker: str
    kind: str
    wall_ms: int
    held: dict[int, int]
    """Partition -> term."""


class Seat:
    """One wanted worker; whoever sits there is one process after another."""

    def __init__(self, number: int, crew: Crew) -> None:
        self.number = number
        self._crew = crew
        self.turn = threading.Lock()
        """Held by the fault that is under way here."""
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._is_wanted = False
        self._starts = 0
        self._words = _words_for(number)

    @property
    def name(self) -> str:
        return f"worker-{self.number}-{self._starts:03d}"

    @property
    def holds_something(self) -> bool:
        """Whether the worker there has recovered a partition and still has it."""
        with self._lock:
            return self._child is not None and bool(journal.terms_held(self._child.log))

    @property
    def is_alive(self) -> bool:
        """Whether somebody sits there and runs."""
        with self._lock:
            return self._child is not None and self._child.is_running

    @property
    def log(self) -> Path | None:
        """Of whoever sits there, or sat there last."""
        with self._lock:
            return self._child.log if self._child is not None else None

    @property
    def children(self) -> list[int]:
        """The processes of the workers of a supervisor that sits there."""
        log = self.log
        return [] if log is None else journal.children(log)

    def start(self) -> None:
        """Put a new process there."""
        with self._lock:
            self._starts += 1
            self._child = self._crew.launch(self.name, self._words)
            self._is_wanted = True

    def kill(self, kind: str | None = "kill") -> None:
        """Cut it off at once; without a kind its partitions are not, such as a supervisor's."""
        with self._lock:
            self._is_wanted = False
            if self._child is not None and self._child.is_running:
                if kind is not None:
                    self._note_death(self._child, kind)
                self._child.kill()

    def stop(self) -> None:
        """Tell it to stop, and wait until it has."""
        with self._lock:
            was_wanted, self._is_wanted = self._is_wanted, False
            child = self._child
        if child is None or not was_wanted:
            return
        child.stop(STOP_S)
        # Told to before it could listen, it has done nothing yet.
        if child.exit_code not in (0, -signal.SIGTERM):
            code = None if child.exit_code == -signal.SIGKILL else child.exit_code
            self._crew.note_exit(Exit(self.name, code, True, time.time(), str(child.log)))

    def freeze(self, is_long: bool) -> bool:
        """Stop it in its tracks; False where there is nobody."""
        with self._lock:
            child = self._child
            if child is None or not child.is_running:
                return False
            try:
                child.pause()
            except ChildFailed:
                return False
            if is_long:
                self._note_death(child, "freeze")
            return True

    def thaw(self) -> None:
        with self._lock:
            if self._child is not None:
                self._child.resume()

    def watch(self) -> None:
        """Where the worker ended by itself, note it and put another one there."""
        with self._lock:
            child = self._child
            if not self._is_wanted or child is None or child.is_running:
                return
            self._crew.note_exit(
                Exit(self.name, child.exit_code, False, time.time(), str(child.log))
            )
            self.start()

    def end(self) -> None:
        """Whatever happens: nobody is left."""
        with self._lock:
            self._is_wanted = False
            if self._child is not None:
                self._child.kill()

    def _note_death(self, child: Child, kind: str) -> None:
        held = journal.terms_held(child.log)
        self._crew.deaths.append(Death(self.name, kind, int(time.time() * 1_000), held))


class Crew:
    """All seats. `with` supervises them and leaves no process behind."""

    def __init__(self, folder: Path, tell: Tell, without: str | None) -> None:
        self.config = folder / "safeguard.toml"
        self.logs: list[Path] = []
        self.exits: list[Exit] = []
        self.deaths: list[Death] = []
        self.orphans: list[int] = []
        """Workers that outlived their supervisor for longer than a stop may take."""
        self._folder = folder
        self._tell = tell
        self._without = without
        self.seats = [Seat(number, self) for number in range(SEATS_IN_ALL)]
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Crew:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()
        for seat in self.seats:
            seat.end()

    def launch(self, name: str, words: Sequence[str]) -> Child:
        log = self._folder / f"{name}.log"
        self.logs.append(log)
        module = ["consumer"]
        if self._without is not None:
            module = ["tests.chaos.without", self._without]
        command = [sys.executable, "-m", *module, "run", "--config", str(self.config), *words]
        outside = {n: v for n, v in os.environ.items() if not n.startswith(ENV_PREFIX)}
        return Child(command, log=log, folder=ROOT, environment=outside)

    def note_exit(self, found: Exit) -> None:
        self.exits.append(found)
        asked = "told to stop" if found.was_asked else "by itself"
        self._tell(f"EXIT {found.worker} {asked}: code {found.code}, see {found.log}")

    def note_orphans(self, pids: Iterable[int]) -> None:
        """Wait until these have ended by themselves; who has not is noted, and ended."""
        until_s = time.monotonic() + STOP_S
        left = set(pids)
        while left and time.monotonic() < until_s:
            left = set(filter(_is_alive, left))
            self._ended.wait(WATCH_S)
        for pid in left:
            self.orphans.append(pid)
            self._tell(f"ORPHAN {pid} lives on without its supervisor")
            os.kill(pid, signal.SIGKILL)

    def stop_all(self) -> None:
        """Tell all to stop at once, and wait until they have."""
        stopping = [threading.Thread(target=seat.stop) for seat in self.seats]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_S):
            for seat in self.seats:
                seat.watch()


def _words_for(number: int) -> tuple[str, ...]:
    """What is told to whoever sits there, beside the settings that all share."""
    if number == STATIC_SEAT:
        return ("--set", f"kafka.static_member={GROUP}-static")
    if number == SUPERVISED_SEAT:
        # Ports of its own: whoever comes next must find them free.
        (port,) = free_ports(1)
        return ("--processes", "2", "--set", f"telemetry.health_port={port}")
    return ()


def _is_alive(pid: int) -> bool:
    """Whether there is such a process, and not only its entry that nobody has taken away yet."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
