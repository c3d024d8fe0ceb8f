"""Capacity: how many calls one server is given at once, and how many it has. Pure."""

from __future__ import annotations

from consumer.inference.blame.blame import OVERLOADED
from consumer.inference.pacing.knee import KneeFinder
from consumer.inference.pacing.window import Sent
from consumer.inference.transports.reply import Reply


class Capacity:
    """The places of one server: a fixed number, or what its answers show that it takes."""

    def __init__(self, calls_max: int, knee: KneeFinder | None = None) -> None:
        """With a `knee` it finds out how many calls are taken; without it these are `calls_max`."""
        self._calls_max = calls_max
        self._knee = knee
        self.taken = 0
        """Places that are taken; the fleet gives them."""

    def __repr__(self) -> str:
        return f"<Capacity {self.taken} of {self.limit} taken, {self._knee or 'fixed'}>"

    @property
    def limit(self) -> int:
        """How many calls it is given at once."""
        return self._calls_max if self._knee is None else self._knee.limit

    def sent(self) -> Sent | None:
        """A call goes out: what is to be told with its answer, None where nothing is learned."""
        return None if self._knee is None else self._knee.sent(self.taken)

    def learn(
        self, sent: Sent, reply: Reply, latency_s: float, is_full: bool, late_s: float
    ) -> None:
        """
        A call that took a place was answered.

        `is_full`: others wait for a place; `late_s`: how late the worker itself is just now.
        """
        assert self._knee is not None
        if reply.is_success:
            self._knee.answered(sent, latency_s, is_full, late_s)
        elif reply.status in OVERLOADED:
            self._knee.refused(sent)
