"""
A server of another program that lives no longer than these tests.

On Linux the kernel kills it when this process ends, however that happens; elsewhere it is ended
by whoever started it. Its output goes to a log, and whatever goes wrong is told with its tail.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PORTS = range(18_000, 32_000)
"""Below what Linux hands to outgoing connections: a client cannot take a restarting server's."""
POLL_S = 0.02
PAUSE_TIMEOUT_S = 10.0
LOG_TAIL_BYTES = 4_000

_LAUNCH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent ended first")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# The kernel's "parent" is the thread that forked, so all children come from one that stays.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="children")


class ChildFailed(Exception):
    """A server ended or did not get ready; the message holds the tail of its log."""


class Child:
    """One process that runs from construction until `kill`, `stop` or the end of this process."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        self.is_paused = False
        self._process = _launcher.submit(self._launch, command, folder, environment).result()

    def __repr__(self) -> str:
        state = self._process.returncode
        return f"<Child {self.pid} {'running' if state is None else f'ended with {state}'}>"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Returns when `is_ready` does; raises `ChildFailed` if the process ends or time does."""
        deadline_s = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_running:
                raise ChildFailed(f"ended with {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline_s:
                raise ChildFailed(f"not ready within {timeout_s:g} s:\n{self.log_tail()}")
            time.sleep(POLL_S)

    def pause(self) -> None:
        """
        Stops it in its tracks (SIGSTOP): connections stay open and nothing answers.

        Returns when it stands still, which for many threads is a moment after the signal.
        """
        self._process.send_signal(signal.SIGSTOP)
        self.is_paused = True
        self.wait_until(self._has_stopped, PAUSE_TIMEOUT_S)

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        if self.is_paused:
            self._process.send_signal(signal.SIGCONT)
            self.is_paused = False

    def kill(self) -> None:
        """Ends it at once (SIGKILL), as a power cut would; does nothing if it has ended."""
        self.resume()
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Asks it to end (SIGTERM) and kills it if it has not after `timeout_s`."""
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_tail(self) -> str:
        """The last of what this process wrote."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip() or "(its log is empty)"

    def _has_stopped(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None

    def _launch(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *command]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then end their servers
            )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, found by binding them all at once."""
    dice = random.SystemRandom()
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            candidate = socket.socket()
            sockets.append(candidate)
            try:
                candidate.bind(("127.0.0.1", dice.choice(PORTS)))
            except OSError:
                sockets.pop().close()
        return [bound.getsockname()[1] for bound in sockets]
    finally:
        for bound in sockets:
            bound.close()


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback; waiting connections do not count."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Whether somebody takes connections on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
