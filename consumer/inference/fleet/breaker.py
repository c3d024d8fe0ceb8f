"""
Breaker: whether an endpoint as a whole is out, told apart from messages that fail on their own.

A failed call alone proves nothing: the message may be its cause. So a failure with nothing to
excuse it is followed by a probe, a small request that any healthy server answers; only when that
fails too is the breaker tripped. While it is open nothing but probes goes out, and the first probe
that is answered closes it. Rules of this file: time is passed in, and nothing waits here.
"""

from __future__ import annotations


class Breaker:
    """Closed (calls pass) or open (only a probe now and then)."""

    def __init__(self, probe_every_s: float) -> None:
        self._probe_every_s = probe_every_s
        self._open: tuple[float, float] | None = None
        """When it opened, and when the next probe may go out."""
        self.opened = 0
        """How often it has opened."""

    def __repr__(self) -> str:
        return f"<Breaker {'open' if self.is_open else 'closed'}, opened {self.opened} times>"

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def trip(self, now_s: float) -> bool:
        """A probe failed. Returns whether this opened it, so that it is logged once."""
        is_new = self._open is None
        opened_s, _ = self._open or (now_s, now_s)
        self._open = opened_s, now_s + self._probe_every_s
        self.opened += is_new
        return is_new

    def recover(self, now_s: float) -> float | None:
        """An answer came. Returns how long it was open, in seconds, or None if it was closed."""
        if self._open is None:
            return None
        opened_s, _ = self._open
        self._open = None
        return now_s - opened_s

    def probe_in_s(self, now_s: float) -> float:
        """Seconds until the next probe may go out; 0 where it may go now."""
        if self._open is None:
            return 0.0
        _, next_s = self._open
        return max(0.0, next_s - now_s)
