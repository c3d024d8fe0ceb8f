"""
Restarts: whether and when a worker process that ended is started again. Pure: time is passed in.

A process that keeps dying is tried ever less often, so that it does not keep a machine or a group
busy with its starts; one that lived a while has shown that it can, and begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

TO_MEND = 2
"""The exit code that says: mend settings, policies or topics. Starting again changes nothing."""


@dataclass(frozen=True, slots=True)
class RestartLimits:
    """
    The bounds of the wait before a restart; no settings, for they only keep a process that cannot
    live from keeping a machine busy. Who wants other rules has an orchestrator for them.
    """

    wait_initial_s: float = 1.0
    wait_max_s: float = 30.0
    steady_s: float = 60.0
    """A process that lived so long is not held to account for what was before."""


class Restarts:
    """Follows one process over its lives."""

    def __init__(self, limits: RestartLimits = RestartLimits()) -> None:
        self.limits = limits
        self._started_s = float("-inf")
        self._wait_s = limits.wait_initial_s
        self.count = 0
        """How often a restart was granted."""

    def __repr__(self) -> str:
        return f"<Restarts {self.count} so far, next wait {self._wait_s:g} s>"

    def started(self, now_s: float) -> None:
        self._started_s = now_s

    def ended(self, code: int, now_s: float) -> float | None:
        """
        Seconds to wait before the next start; None where a start would change nothing.

        Code 0 counts too: a worker that nobody told to stop has no reason to end.
        """
        if code == TO_MEND:
            return None
        if now_s - self._started_s >= self.limits.steady_s:
            self._wait_s = self.limits.wait_initial_s
        wait_s = self._wait_s
        self._wait_s = min(2 * wait_s, self.limits.wait_max_s)
        self.count += 1
        return wait_s
