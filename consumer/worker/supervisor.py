"""
Supervisor: several workers in processes of their own, each started again when it dies.

Signals are only noted when they come and acted upon in the loop, between two looks at the
children: so none is missed by a child that is just being started. Each child holds the reading end
of a pipe that ends with this process, however that ends: then they stop by themselves.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from consumer.settings.settings import Settings
from consumer.worker.restarts import TO_MEND, Restarts
from consumer.worker.stops import PARENT_PIPE, STOPS

log = structlog.get_logger()

LOOK_S = 0.1
"""How soon the end of a child is seen; a signal is acted upon at once."""
HEARD = (*STOPS, signal.SIGHUP)
KILLED_AT_ONCE = 1


def supervise(settings: Settings, config: Path | None, sets: list[str], count: int) -> int:
    """
    Run `count` workers, each in its own process and a member of the group.

    A worker that dies is started again after a wait; one that says that there is something to
    mend stops all. SIGTERM and SIGINT drain all, a second one ends them at once, and SIGHUP is
    handed on. Returns the exit code.
    """
    commands = [worker_command(settings, config, sets, index) for index in range(count)]
    return Supervisor(commands).run()


def worker_command(
    settings: Settings, config: Path | None, sets: Sequence[str], index: int
) -> list[str]:
    """
    How the worker of this index is started, the first time and every other.

    Port and member name go by the index, so a worker that comes back is scraped at the same port
    and, as a static member, is given the partitions that it had.
    """
    command = [sys.executable, "-m", "consumer", "run"]
    if config is not None:
        command += ["--config", str(config)]
    for pair in sets:
        command += ["--set", pair]
    base = settings.telemetry.health_port
    command += ["--set", f"telemetry.health_port={base + index if base else 0}"]
    if settings.kafka.static_member:
        command += ["--set", f"kafka.static_member={settings.kafka.static_member}-{index}"]
    return command


class Supervisor:
    """Starts the children, looks after them, and ends with them."""

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        restarts: Callable[[], Restarts] = Restarts,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        # The writing end is never written to and never handed on: it closes with this process.
        self._pipe, self._lifeline = os.pipe()
        self._children = [
            _Child(index, list(c), restarts(), self._pipe) for index, c in enumerate(commands)
        ]
        self._now_s = now_s
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stops_heard = 0
        self._is_stopping = False
        self._codes = [0]
        """What counts for our own exit code."""

    def __repr__(self) -> str:
        state = "stopping" if self._is_stopping else "running"
        return f"<Supervisor {state} {self._children!r}>"

    def run(self) -> int:
        """Returns once every child has ended for good."""
        with self._hearing():
            try:
                self._run()
            except BaseException:
                self._send(signal.SIGKILL)
                raise
            finally:
                os.close(self._lifeline)
                os.close(self._pipe)
        return max(self._codes)

    def _run(self) -> None:
        for child in self._children:
            child.start(self._now_s())
        log.info("workers started", processes=[child.pid for child in self._children])
        while not self._is_stopping or any(child.is_running for child in self._children):
            try:
                self._obey(self._heard.get(timeout=LOOK_S))
            except queue.Empty:
                pass
            for child in self._children:
                self._look_at(child)

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        before = {
            n: signal.signal(n, lambda number, _frame: self._heard.put(number)) for n in HEARD
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._send(signal.SIGHUP)
            return
        self._stops_heard += 1
        if self._stops_heard == 1:
            self._stop()
            return
        log.warning("second signal: ending the workers at once")
        self._codes.append(KILLED_AT_ONCE)
        self._send(signal.SIGKILL)

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        for child in self._children:
            child.send(number)

    def _look_at(self, child: _Child) -> None:
        now_s = self._now_s()
        if child.is_due(now_s) and not self._is_stopping:
            child.start(now_s)
            log.info("worker started again", index=child.index, pid=child.pid)
            return
        code = child.ended()
        if code is None:
            return
        if self._is_stopping:
            self._ended_for_good(child, code)
            return
        wait_s = child.restarts.ended(code, now_s)
        if wait_s is None:
            log.error("a worker ended: stopping the others", index=child.index, code=code)
            self._codes.append(code)
            self._stop()
            return
        child.start_at(now_s + wait_s)
        log.error(
            "a worker ended: it is started again",
            index=child.index,
            pid=child.pid,
            code=code,
            wait_s=wait_s,
            restarts=child.restarts.count,
        )

    def _ended_for_good(self, child: _Child, code: int) -> None:
        # A child that got the signal before it could listen for it has done nothing yet.
        if code in (0, *(-number for number in STOPS)):
            return
        log.error("a worker did not end well", index=child.index, pid=child.pid, code=code)
        if self._stops_heard < 2:
            self._codes.append(TO_MEND if code == TO_MEND else 1)


class _Child:
    """One of the workers, over all the processes that it has been."""

    def __init__(self, index: int, command: list[str], restarts: Restarts, pipe: int) -> None:
        self.index = index
        self._pipe = pipe
        self.restarts = restarts
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._due_s: float | None = None
        self.pid = 0
        """Of the process of now, or of the last one."""

    def __repr__(self) -> str:
        return f"<worker {self.index} pid {self.pid} {self.restarts!r}>"

    @property
    def is_running(self) -> bool:
        """Whether there is a process whose end has not been looked at."""
        return self._process is not None

    def start(self, now_s: float) -> None:
        # Sessions of their own: Ctrl-C is for the supervisor, which hands it on once.
        self._process = subprocess.Popen(
            self._command,
            start_new_session=True,
            preexec_fn=_ignore_reloads,
            pass_fds=(self._pipe,),
            env={**os.environ, PARENT_PIPE: str(self._pipe)},
        )
        self.pid = self._process.pid
        self._due_s = None
        self.restarts.started(now_s)

    def start_at(self, due_s: float) -> None:
        self._due_s = due_s

    def is_due(self, now_s: float) -> bool:
        return self._due_s is not None and now_s >= self._due_s

    def ended(self) -> int | None:
        """The exit code, told once; negative is the signal that ended it."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            self._process = None
        return code

    def send(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def _ignore_reloads() -> None:
    """Until a new worker listens for SIGHUP it would end it; and it reads the policies anyway."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
