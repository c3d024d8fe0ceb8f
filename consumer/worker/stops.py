"""
Stops: what tells `safeguard run` to end, heard from the first moment of the process.

Imported before everything else, so it imports next to nothing. Until somebody takes over nothing
has been begun, so a stop ends the process at once, and with 0: it did what it was told.

A child of `--processes`, or of the demo, holds the reading end of a pipe whose other end only its
supervisor has. When that is gone, however it ended, the pipe ends too, on every system and without
polling.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

PARENT_PIPE = "SAFEGUARD_PARENT_PIPE"
"""Environment: the number of the file descriptor that ends with the supervisor."""
STOPS = (signal.SIGTERM, signal.SIGINT)
ORPHAN_S = 10.0
"""How long a command may take to stop once its supervisor is gone."""


def leave(code: int) -> NoReturn:
    """
    End the process now.

    Threads of clients that wait for a broker which is away would hold up the interpreter's own end.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, RuntimeError):
            # Closed, or in the middle of being written to by whom the signal interrupted.
            pass
    os._exit(code)


class _Parent:
    """The supervisor of this process, if it has one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_gone = False
        self._is_watched = False
        self._call: Callable[[], object] = lambda: leave(0)

    def watch(self, pipe: int) -> None:
        self._is_watched = True
        threading.Thread(target=self._wait, args=(pipe,), name="parent", daemon=True).start()

    def _wait(self, pipe: int) -> None:
        try:
            while os.read(pipe, 1):
                pass
        except OSError:
            # No such pipe: whoever set the environment is no supervisor of ours.
            return
        with self._lock:
            self._is_gone = True
            call = self._call
        call()

    @property
    def is_watched(self) -> bool:
        """Whether there is one."""
        return self._is_watched

    def when_gone(self, call: Callable[[], object]) -> None:
        with self._lock:
            self._call = call
            is_gone = self._is_gone
        if is_gone:
            call()


_parent = _Parent()


def hear() -> None:
    """From now on a stop ends the process in good order. A reload finds the newest files anyway."""
    # First: whoever sees that stops are heard may send a reload at once.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in STOPS:
        signal.signal(number, lambda _number, _frame: leave(0))
    _watch_parent()


def end_with_parent() -> None:
    """For all other commands: once the supervisor is gone it is as if it had sent a SIGTERM."""
    _parent.when_gone(_end_orphaned)
    _watch_parent()


def _watch_parent() -> None:
    pipe = os.environ.pop(PARENT_PIPE, "")
    if pipe.isdecimal():
        _parent.watch(int(pipe))


def _end_orphaned() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    # What it waits for may have gone with the supervisor.
    time.sleep(ORPHAN_S)
    leave(0)


def when_orphaned(call: Callable[[], object]) -> None:
    """Take over: `call` is called, in a thread of its own, once the supervisor is gone."""
    _parent.when_gone(call)


def has_supervisor() -> bool:
    """Whether this process is one of several that were started together."""
    return _parent.is_watched
