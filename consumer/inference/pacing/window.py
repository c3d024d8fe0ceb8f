"""Window: what the answers to calls at one width say of a server's latency there. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from consumer.domain.value import Value

OWN_SHARE = 0.1
"""
A window whose mean lateness is more of its mean latency tells of the worker and not of the server.

An answer waits for two or three turns of the loop, a timer for one at most: at a tenth the worker's
part is about a quarter, and cannot be taken for an elasticity of 0.8.
"""


class Sent(Value, frozen=True):
    """What a call takes with it, to be told with its answer."""

    window: int
    at_once: int
    """Calls under way with this one."""


class Width(NamedTuple):
    """What one window measured: calls at once, and the mean logarithm of their latency."""

    at_once: float
    log_latency: float

    def slots(self, above: Width) -> float:
        """How many slots a server has where `above` queues and this width does not."""
        return above.at_once * math.exp(self.log_latency - above.log_latency)

    def elasticity(self, above: Width, where_alike: float) -> float:
        """
        The growth of log latency over that of log width: 1 where added calls only queue.

        Two widths that are much the same tell nothing, and then it is `where_alike`.
        """
        growth = math.log(above.at_once / self.at_once)
        if growth < 0.01:
            return where_alike
        return (above.log_latency - self.log_latency) / growth


class Window:
    """Adds up the answers to calls that were sent at one width, and not before it."""

    def __init__(self, number: int, enough: int, settling: int) -> None:
        """
        It is full after `enough` answers.

        The first `settling` answers are of calls that still met the old width.
        """
        self.number = number
        self._enough = enough
        self._settling = settling
        self._calls = 0
        self._sum_at_once = self._sum_log = 0.0
        self._sum_s = self._sum_late_s = 0.0

    def __repr__(self) -> str:
        return f"<Window {self.number}: {self._calls} of {self._enough} answers>"

    def add(self, at_once: int, latency_s: float, late_s: float) -> bool:
        """
        An answer; the worker was late by `late_s` when it came. Returns whether it is full now.
        """
        if self._settling > 0:
            self._settling -= 1
            return False
        self._calls += 1
        self._sum_at_once += at_once
        self._sum_log += math.log(max(latency_s, 1e-6))
        self._sum_s += latency_s
        self._sum_late_s += late_s
        return self._calls >= self._enough

    @property
    def is_of_worker(self) -> bool:
        """Whether the worker was the slow one, so that nothing is known of the server."""
        return self._sum_late_s > OWN_SHARE * self._sum_s

    @property
    def width(self) -> Width:
        return Width(self._sum_at_once / self._calls, self._sum_log / self._calls)
